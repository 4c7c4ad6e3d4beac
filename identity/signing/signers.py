"""Who signs: a private key as RFC 7518 §3 and RFC 8037 §3.1 want its signatures."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from identity.signing.algorithms import PrivateKey

_P256_BYTES = 32
_HASH = SHA256()
_ECDSA = ECDSA(Prehashed(_HASH))  # hashed by us, which is half a microsecond cheaper
_PADDINGS: dict[str, AsymmetricPadding] = {
    "RS256": PKCS1v15(),
    "PS256": PSS(MGF1(_HASH), _HASH.digest_size),  # RFC 7518 §3.5: the salt is as long
}


class Signer(Protocol):
    """Who holds a private key: what a file said, or a PKCS#11 token."""

    def sign(self, message: bytes) -> bytes:
        """The raw JWS signature over the message."""


def raw(der: bytes) -> bytes:
    """The 64 bytes r ‖ s of a signature on P-256 that stands in DER, as we made it.

    A sequence (2 bytes of head) of two integers (2 bytes each): without leading zeros, but for
    one before a high bit, and so short that each length is one byte.
    """
    middle = 4 + der[3]
    r, s = der[4:middle], der[middle + 2 :]
    return r[-_P256_BYTES:].rjust(_P256_BYTES, b"\0") + s[-_P256_BYTES:].rjust(_P256_BYTES, b"\0")


@dataclass(frozen=True)
class EcdsaSigner:
    """ECDSA on P-256, RFC 7518 §3.4."""

    private: EllipticCurvePrivateKey

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of r ‖ s."""
        return raw(self.private.sign(sha256(message).digest(), _ECDSA))


@dataclass(frozen=True)
class EddsaSigner:
    """Ed25519, RFC 8037 §3.1."""

    private: Ed25519PrivateKey

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of RFC 8032 §5.1.6."""
        return self.private.sign(message)


@dataclass(frozen=True)
class RsaSigner:
    """RSASSA, RFC 7518 §3.3 and §3.5; OpenID Connect Discovery §3 makes RS256 mandatory."""

    private: RSAPrivateKey
    padding: AsymmetricPadding

    def sign(self, message: bytes) -> bytes:
        """The signature, as long as the modulus."""
        return self.private.sign(message, self.padding, _HASH)


def signer(private: PrivateKey, alg: str) -> Signer:
    """The signer for a key that was read from a file."""
    if isinstance(private, RSAPrivateKey):
        return RsaSigner(private, _PADDINGS[alg])
    if isinstance(private, EllipticCurvePrivateKey):
        return EcdsaSigner(private)
    return EddsaSigner(private)
