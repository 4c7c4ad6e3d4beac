"""Who signs: a private key as RFC 7518 §3 wants its signatures; PKCS#11 has its place here."""

from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

_P256_BYTES = 32
_HASH = SHA256()


class Signer(Protocol):
    """Who holds a private key: a file's content here, a PKCS#11 token later."""

    def sign(self, message: bytes) -> bytes:
        """The raw JWS signature over the message."""


@dataclass(frozen=True)
class ES256Signer:
    """ECDSA on P-256, RFC 7518 §3.4."""

    private: EllipticCurvePrivateKey

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of r ‖ s."""
        r, s = decode_dss_signature(self.private.sign(message, ECDSA(_HASH)))
        return r.to_bytes(_P256_BYTES) + s.to_bytes(_P256_BYTES)


@dataclass(frozen=True)
class RS256Signer:
    """RSASSA-PKCS1-v1_5, RFC 7518 §3.3; OpenID Connect Discovery §3 makes it mandatory."""

    private: RSAPrivateKey

    def sign(self, message: bytes) -> bytes:
        """The signature, as long as the modulus."""
        return self.private.sign(message, PKCS1v15(), _HASH)


def signer(private: EllipticCurvePrivateKey | RSAPrivateKey) -> Signer:
    """The signer for a key that was read from a file."""
    if isinstance(private, RSAPrivateKey):
        return RS256Signer(private)
    return ES256Signer(private)
