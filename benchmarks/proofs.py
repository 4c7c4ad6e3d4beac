"""What a public service signs: client assertions and DPoP proofs, made before time is taken."""

import base64
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from identity import jws

ALGORITHM = ec.ECDSA(SHA256())
LIFE_SECONDS = 250
BYTES = 32  # of a number of P-256


def new_key() -> dict[str, str]:
    """A private JWK."""
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    public = numbers.public_numbers
    told = {"x": public.x, "y": public.y, "d": numbers.private_value}
    said = {name: jws.base64url(number.to_bytes(BYTES)).decode() for name, number in told.items()}
    return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "one"} | said


def public(key: Mapping[str, str]) -> dict[str, str]:
    """Its half that others may know."""
    return {name: text for name, text in key.items() if name != "d"}


def assertions(client_id: str, key: Mapping[str, str], *, to: str, count: int) -> list[str]:
    """So many proofs of who the service is (RFC 7523), each good once."""
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": to, "iat": now, "exp": now + LIFE_SECONDS}
    header = {"alg": "ES256", "kid": key["kid"], "typ": "JWT"}
    return _signed(key, header=header, claims=claims, count=count)


def possessions(
    key: Mapping[str, str], *, method: str, url: str, nonce: str, count: int
) -> list[str]:
    """So many DPoP proofs for one address (RFC 9449), each good once."""
    jwk = {name: key[name] for name in ("kty", "crv", "x", "y")}
    claims = {"htm": method, "htu": url, "iat": int(time.time()), "nonce": nonce}
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}
    return _signed(key, header=header, claims=claims, count=count)


def _signed(
    key: Mapping[str, str], *, header: Mapping[str, Any], claims: Mapping[str, Any], count: int
) -> list[str]:
    numbers = {name: _number(key[name]) for name in ("x", "y", "d")}
    at = ec.EllipticCurvePublicNumbers(numbers["x"], numbers["y"], ec.SECP256R1())
    private = ec.EllipticCurvePrivateNumbers(numbers["d"], at).private_key()

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(message, ALGORITHM))
        return r.to_bytes(BYTES) + s.to_bytes(BYTES)

    told = jws.base64url(json.dumps(header).encode())
    return [
        jws.signed(told, {**claims, "jti": secrets.token_urlsafe(16)}, by=sign)
        for _ in range(count)
    ]


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
