"""The certificate of a request's TLS connection, as a trusted proxy tells it (RFC 9440).

The edge hands on what a proxy of `MOTLAN_TRUSTED_PROXIES` said and drops what anybody else did,
so nothing here is a client's own word; that it holds the private key, the proxy has seen.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509

from identity import clock, jws
from identity.doors import Request

LEAF, CHAIN = "motlan.client_cert", "motlan.client_cert_chain"  # where the edge leaves them
LONGEST, LONGEST_CHAIN = 8_192, 24_576  # characters
MOST = 5  # certificates above the one that was shown
# Kinds of key a token may be bound to, as their thumbprint is called on the wire: a proof's own
# key is `jkt` and says nothing of its kind.
KIND = "x5t#S256"  # RFC 8705 §3.1


class UnreadableCertificateError(ValueError):
    """What the proxy told is no certificate, or it is out of its time; the text says which."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The certificate of a connection, in time; whose it is and who vouches for it is open."""

    certificate: x509.Certificate
    content: bytes  # its DER
    chain: tuple[x509.Certificate, ...]  # between it and an anchor, as the proxy knows them

    @property
    def key(self) -> str:
        """The certificate as tokens are bound to it: kind and thumbprint."""
        return f"{KIND}:{jws.base64url(hashlib.sha256(self.content).digest()).decode()}"


def find(request: Request) -> Shown | None:
    """The certificate of the connection; null: none was shown, or to nobody whom we believe.

    Raises:
        UnreadableCertificateError: something else was told, or the certificate is out of its time.
    """
    told = request.environ.get(LEAF)
    if told is None:
        return None
    content, certificate = _leaf(told)
    now = clock.now()
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise UnreadableCertificateError("out of its time")
    return Shown(certificate, content, _chain(request.environ.get(CHAIN) or ""))


@lru_cache(maxsize=1024)
def _leaf(told: str) -> tuple[bytes, x509.Certificate]:
    """A fact about this very text, so it may be kept."""
    if len(told) > LONGEST:
        raise UnreadableCertificateError("too long")
    content = _content(told)
    return content, _parsed(content)


@lru_cache(maxsize=256)
def _chain(told: str) -> tuple[x509.Certificate, ...]:
    if len(told) > LONGEST_CHAIN:
        raise UnreadableCertificateError("a chain too long")
    items = [item.strip(" \t") for item in told.split(",")] if told.strip() else []
    if len(items) > MOST:
        raise UnreadableCertificateError("a chain too long")
    return tuple(_parsed(_content(item)) for item in items)


def _content(item: str) -> bytes:
    """What stands between two colons: a Byte Sequence of RFC 8941 §3.3.5, without parameters."""
    told = item.strip(" ")
    if len(told) < 2 or told[0] != ":" or told[-1] != ":":  # noqa: PLR2004 - the two colons
        raise UnreadableCertificateError("no byte sequence")
    try:
        return base64.b64decode(told[1:-1], validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableCertificateError("no base64") from None


def _parsed(content: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(content)
        _ = certificate.subject, certificate.extensions, certificate.public_key()
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise UnreadableCertificateError("no certificate") from None
    except Exception as odd:  # noqa: BLE001 - an unknown kind of key has an exception of its own
        raise UnreadableCertificateError(type(odd).__name__) from None
    return certificate
