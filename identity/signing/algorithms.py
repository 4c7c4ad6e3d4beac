"""What we sign with, RFC 7518 §3 and RFC 8037 §3.1: each algorithm has keys of its own."""

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey

from identity import jws

# In the order in which they are advertised: the one we would choose first.
ALGORITHMS = ("ES256", "PS256", "EdDSA", "RS256")
RSA_BITS = 2048

PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey
PublicKey = EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey
# What is hashed beside a signature: Ed25519 hashes with SHA-512 inside (RFC 8032 §5.1).
_HASHES = MappingProxyType(dict.fromkeys(ALGORITHMS, hashlib.sha256) | {"EdDSA": hashlib.sha512})


def _new_rsa() -> RSAPrivateKey:
    return generate_rsa(public_exponent=65537, key_size=RSA_BITS)


_MAKERS: Mapping[str, Callable[[], PrivateKey]] = {
    "ES256": lambda: generate_private_key(SECP256R1()),
    "PS256": _new_rsa,
    "EdDSA": Ed25519PrivateKey.generate,
    "RS256": _new_rsa,
}


def new_key(alg: str) -> PrivateKey:
    """A fresh key that will sign with this algorithm and with no other (RFC 8725 §3.1)."""
    return _MAKERS[alg]()


def published(public: PublicKey, alg: str) -> dict[str, str]:
    """The key as others see it, named by its thumbprint (RFC 7517 §4, RFC 7638)."""
    key = _imported(public)
    members = {name: str(value) for name, value in key.as_dict(private=False).items()}
    return {**members, "use": "sig", "alg": alg, "kid": key.thumbprint()}


def half_hash(text: str, alg: str) -> str:
    """The left half of the hash that belongs to the algorithm: OIDC Core §3.1.3.6, §3.3.2.11."""
    digest = _HASHES[alg](text.encode()).digest()
    return jws.base64url(digest[: len(digest) // 2]).decode()


def _imported(public: PublicKey) -> ECKey | OKPKey | RSAKey:
    if isinstance(public, EllipticCurvePublicKey):
        return ECKey.import_key(public)
    if isinstance(public, RSAPublicKey):
        return RSAKey.import_key(public)
    return OKPKey.import_key(public)
