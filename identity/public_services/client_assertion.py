"""Client assertions (`private_key_jwt`): RFC 7523 §3 as narrowed by FAPI 2.0."""

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import jwt
from jwt.algorithms import OKPAlgorithm

from identity import clock, jws
from identity.errors import InvalidClient

ALGORITHMS = ("PS256", "ES256", "EdDSA", "Ed25519")
TYPES = frozenset({"jwt", "client-authentication+jwt"})  # ours, like at+jwt, are none of these
# OpenID FAPI 2.0 §5.3.2.1 accepts 10 s and refuses more than 60 s.
AHEAD_SECONDS = 30
LONGEST_LIFE_SECONDS = 3600  # what common libraries write unless told otherwise; it is good once
LONGEST = 8_192  # characters
LONGEST_NAME = 256  # of kid, jti, sub
_FARTHEST = 1e11  # seconds: the year 5138

# RFC 7515 §4.1.11: no extension is understood, so nothing is critical. A key, or an address of
# one, that comes with the assertion is the sender's word only (RFC 8725 §3.10).
_UNWANTED = frozenset({"crit", "b64", "jku", "x5u", "jwk"})
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
# What a JWK must be to verify an algorithm: key type, and curve where there is one.
_KINDS = {"PS256": ("RSA", None), "ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519")}
# RFC 7518 §6, RFC 8037 §2: the public members that make a key.
_OF_KEYS = ("kty", "crv", "x", "y", "n", "e")
# RFC 9864 §2.2: the same algorithm under its newer name, which PyJWT does not know yet.
_OLDER = {"Ed25519": "EdDSA"}
_jws = jwt.PyJWS(list(ALGORITHMS))
_jws.register_algorithm("Ed25519", OKPAlgorithm())


@dataclass(frozen=True)
class Assertion:
    """A proof that was made by the public service's own key. Good once: spend the `jti`."""

    client_id: str
    jti: str
    expires_at: datetime


def claimed_client_id(assertion: str) -> str:
    """Whom the assertion says it is from. Nothing is proven yet.

    Raises:
        InvalidClient: it says nothing readable, or names two.
    """
    claims = _claims(assertion)
    if claims.get("iss") != claims.get("sub"):
        raise _refused("iss and sub differ")
    return _text(claims, "sub")


def claimed_kid(assertion: str) -> str | None:
    """Which key it says it was made with; null: it does not say. Nothing is proven yet.

    Raises:
        InvalidClient: its header is none that we take.
    """
    header = _header(assertion)
    return None if "kid" not in header else _text(header, "kid")


def verify(
    assertion: str,
    *,
    client_id: str,
    keys: Sequence[Mapping[str, Any]],
    issuer: str,
    algorithms: Collection[str] = ALGORITHMS,
) -> Assertion:
    """The assertion, proven: signed by the one fitting key of the service, for us, and in time.

    Raises:
        InvalidClient: it is not. One sentence for all reasons: the note names the reason.
    """
    alg = _header(assertion)["alg"]
    if _older(alg) not in map(_older, algorithms):
        raise _refused("alg is not the registered one")
    key = _key(keys, alg=_older(alg), kid=claimed_kid(assertion))
    _check_signature(assertion, key, alg=alg)
    claims = _claims(assertion)
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise _refused("iss or sub")
    # A text, and exactly ours: a list or an endpoint's URL lets another server replay it.
    if claims.get("aud") != issuer:
        raise _refused("aud")
    return Assertion(client_id, _text(claims, "jti"), _end(claims))


def _older(alg: str) -> str:
    """An algorithm under the one name by which keys and registrations are compared."""
    return _OLDER.get(alg, alg)


def _header(assertion: str) -> Mapping[str, Any]:
    header = _members(assertion, 1)
    if _UNWANTED & header.keys():
        raise _refused("a header that we do not take")
    if header.get("alg") not in ALGORITHMS:
        raise _refused("alg")
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in TYPES:
        raise _refused("typ")
    return header


def _claims(assertion: str) -> Mapping[str, Any]:
    return _members(assertion, 2)


def _members(assertion: str, part: int) -> Mapping[str, Any]:
    segments = _COMPACT.fullmatch(assertion) if len(assertion) <= LONGEST else None
    if segments is None:
        raise _refused("not a compact JWS, or too long")
    try:
        members = json.loads(jws.from_base64url(segments[part]), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise _refused("not JSON") from None
    if not isinstance(members, dict):
        raise _refused("not an object")
    return members


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")  # RFC 7515 §4, RFC 7519 §4
    return members


def _key(keys: Sequence[Mapping[str, Any]], *, alg: str, kid: str | None) -> jwt.PyJWK:
    fitting = [key for key in keys if _fits(key, alg) and kid in {None, key.get("kid")}]
    if len(fitting) != 1:
        raise _refused("no key, or more than one")
    try:
        return parsed(fitting[0], alg)
    except jwt.PyJWTError:
        raise _refused("key") from None


def parsed(key: Mapping[str, Any], alg: str) -> jwt.PyJWK:
    """A public key, ready to verify this algorithm.

    Raises:
        jwt.PyJWTError: it is none.
    """
    return _parsed(alg, *(key.get(name) for name in _OF_KEYS))


@lru_cache(maxsize=1024)
def _parsed(alg: str, *told: str | None) -> jwt.PyJWK:
    """A fact about these very numbers, so it may be kept."""
    members = dict(zip(_OF_KEYS, told, strict=True))
    return jwt.PyJWK({k: v for k, v in members.items() if v is not None}, algorithm=alg)


def _fits(key: Mapping[str, Any], alg: str) -> bool:
    if (key.get("kty"), key.get("crv")) != _KINDS[alg]:
        return False
    return _older(key.get("alg", alg)) == alg and key.get("use", "sig") == "sig"


def _check_signature(assertion: str, key: jwt.PyJWK, *, alg: str) -> None:
    try:
        _jws.decode(assertion, key.key, algorithms=[alg])
    except jwt.PyJWTError:
        raise _refused("signature") from None


def _end(claims: Mapping[str, Any]) -> datetime:
    now = clock.now().timestamp()
    latest = now + AHEAD_SECONDS
    made, end = _seconds(claims, "iat", absent=latest), _seconds(claims, "exp")
    if max(made, _seconds(claims, "nbf", absent=now)) > latest:
        raise _refused("iat or nbf")
    if end <= now:
        raise _refused("exp")
    if end > made + LONGEST_LIFE_SECONDS:
        raise _refused("it lives too long")
    return datetime.fromtimestamp(math.ceil(end), UTC)


def _seconds(claims: Mapping[str, Any], name: str, *, absent: float | None = None) -> float:
    value = claims.get(name, absent)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(name)
    # Not `isfinite`: an integer of hundreds of digits is one, and no float takes it.
    if not -_FARTHEST < value < _FARTHEST:
        raise _refused(name)
    return value


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise _refused(name)
    if not value.isprintable():  # half a surrogate pair has no bytes, a NUL no place to be kept
        raise _refused(name)
    return value


def _refused(note: str) -> InvalidClient:
    return InvalidClient("the client assertion is not valid", note=f"client assertion: {note}")
