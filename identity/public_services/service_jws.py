"""What a public service signed with a key of its own: RFC 7515, read as RFC 8725 wants it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt

from identity import jws

LONGEST_NAME = 256  # of kid, jti, sub
_FARTHEST = 1e11  # seconds: the year 5138
# RFC 7515 §4.1.11: no extension is understood, so nothing is critical. A key, or an address of
# one, that comes with the message is the sender's word only (RFC 8725 §3.10).
_UNWANTED = frozenset({"crit", "b64", "jku", "x5u", "jwk"})
# What a JWK must be to verify an algorithm: key type, and curve where there is one.
_KINDS = {
    "PS256": ("RSA", None),
    "RS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
# RFC 7638 §3.2: the members that make a key.
_OF_KEYS = ("kty", "crv", "x", "y", "n", "e")
# RFC 9864 §2.2: the same algorithm under its newer name, which PyJWT does not know yet.
_OLDER = {"Ed25519": "EdDSA"}


class NotProvenError(ValueError):
    """The service did not sign this, or not like this; the text is for our log."""


@dataclass(frozen=True, slots=True)
class Message:
    """A compact JWS that somebody sent; nothing is proved yet."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def alg(self) -> object:
        """The algorithm that it names, whatever that is."""
        return self.header.get("alg")

    @property
    def kid(self) -> str | None:
        """Which key it says it was made with; null: it does not say.

        Raises:
            NotProvenError: it says something that is no name.
        """
        return text(self.header, "kid") if "kid" in self.header else None


def read(sent: str, *, longest: int, types: Collection[str]) -> Message:
    """The message, not proved. A message that names no type is taken as a plain JWT.

    Raises:
        NotProvenError: it is no compact JWS, too long, of another type, or wants more than we do.
    """
    try:
        header, claims = map(jws.members, jws.parts(sent, longest=longest))
    except ValueError:
        raise NotProvenError("not a compact JWS, or too long") from None
    if _UNWANTED & header.keys():
        raise NotProvenError("a header that we do not take")
    typ = header.get("typ", "jwt")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise NotProvenError("typ")
    return Message(sent, header, claims)


def require_signed(
    message: Message, keys: Sequence[Mapping[str, Any]], *, algorithms: Collection[str]
) -> None:
    """From now on it is certain that whoever has one of these keys signed the message.

    Raises:
        NotProvenError: by another algorithm, by no key or more than one, or not at all.
    """
    alg, kid = message.alg, message.kid
    if not isinstance(alg, str) or _older(alg) not in map(_older, algorithms):
        raise NotProvenError("alg is not the registered one")
    fitting = [key for key in keys if _fits(key, _older(alg)) and kid in {None, key.get("kid")}]
    if len(fitting) != 1:
        raise NotProvenError("no key, or more than one")
    try:
        key = _parsed(fitting[0], _older(alg))
    except jwt.PyJWTError:
        raise NotProvenError("signature") from None
    by = key.Algorithm
    if not jws.is_signed(message.text, lambda told, raw: by.verify(told, key.key, raw)):
        raise NotProvenError("signature")


def seconds(claims: Mapping[str, Any], name: str) -> float | None:
    """A time as the claims say it; null: they do not.

    Raises:
        NotProvenError: it is no number that could be one.
    """
    if name not in claims:
        return None
    value = claims[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Not `isfinite`: an integer of hundreds of digits is one, and no float takes it.
    if not is_number or not -_FARTHEST < value < _FARTHEST:
        raise NotProvenError(name)
    return float(value)


def text(members: Mapping[str, Any], name: str) -> str:
    """A name as the header or the claims say it.

    Raises:
        NotProvenError: it is missing, no text, or none that could be kept.
    """
    value = members.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise NotProvenError(name)
    if not value.isprintable():  # half a surrogate pair has no bytes, a NUL no place to be kept
        raise NotProvenError(name)
    return value


def _older(alg: str) -> str:
    """An algorithm under the one name by which keys and registrations are compared."""
    return _OLDER.get(alg, alg)


def _fits(key: Mapping[str, Any], alg: str) -> bool:
    is_kind = (key.get("kty"), key.get("crv")) == _KINDS.get(alg)
    return is_kind and _older(key.get("alg", alg)) == alg and key.get("use", "sig") == "sig"


def _parsed(key: Mapping[str, Any], alg: str) -> jwt.PyJWK:
    return _of(alg, *(key.get(name) for name in _OF_KEYS))


@lru_cache(maxsize=1024)
def _of(alg: str, *told: str | None) -> jwt.PyJWK:
    """A fact about these very numbers, so it may be kept."""
    members = dict(zip(_OF_KEYS, told, strict=True))
    return jwt.PyJWK({k: v for k, v in members.items() if v is not None}, algorithm=alg)
