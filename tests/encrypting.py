"""Keys that services are written to, and how a service reads what was encrypted to it."""

from functools import lru_cache
from typing import Any

import jwt
from flask.testing import FlaskClient
from joserfc import jwe
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from identity import settings

ALGORITHMS = ("ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256")
CONTENTS = ("A128CBC-HS256", "A256GCM")
KINDS = ("P-256", "X25519", "RSA")


@lru_cache
def a_key(kind: str, number: int = 0) -> Key:
    """The private half; made once, since RSA takes long."""
    told = {"use": "enc", "kid": f"{kind}-{number}"}
    if kind == "RSA":
        return RSAKey.generate_key(2048, told)
    if kind == "X25519":
        return OKPKey.generate_key("X25519", told)
    return ECKey.generate_key("P-256", told)


def key_for(alg: str) -> Key:
    """One that fits the algorithm."""
    return a_key("RSA" if alg.startswith("RSA") else "P-256")


def shown(*keys: Key, **changed: Any) -> dict[str, Any]:
    """The key set that the service registers; what is null is left out."""
    told = [key.as_dict(private=False) | changed for key in keys]
    return {"keys": [{k: v for k, v in key.items() if v is not None} for key in told]}


def opened(text: str, key: Key) -> tuple[dict[str, Any], str]:
    """The header and what was inside, as the one who has the key reads it."""
    found = jwe.decrypt_compact(text, key, algorithms=[*ALGORITHMS, *CONTENTS])
    return dict(found.headers()), found.plaintext.decode()


def said(client: FlaskClient, text: str, *, to: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of what we signed for that service, by the published keys alone."""
    header = jwt.get_unverified_header(text)
    key = jwt.PyJWKSet.from_dict(client.get("/jwks").json)[header["kid"]]
    here = {"audience": to, "issuer": settings.current().issuer}
    return header, jwt.decode(text, key, algorithms=[key.algorithm_name], **here)
