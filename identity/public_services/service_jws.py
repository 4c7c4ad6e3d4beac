"""What a public service signed with a key of its own: RFC 7515, read as RFC 8725 wants it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.algorithms import OKPAlgorithm

from identity import jws
from identity.public_services import client_assertion, service_keys
from identity.public_services.registered import Registered

LONGEST_NAME = 256  # of a kid
FARTHEST = 1e11  # seconds: the year 5138
# RFC 7515 §4.1.11: no extension is understood, so nothing is critical. A key, or an address of
# one, that comes with the message is the sender's word only (RFC 8725 §3.10).
_UNWANTED = frozenset({"crit", "b64", "jku", "x5u", "x5c", "jwk"})
# What a JWK must be to verify an algorithm: key type, and curve where there is one.
_KINDS = {
    "PS256": ("RSA", None),
    "RS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
# RFC 9864 §2.2; keys and registrations are compared by the older name.
_OLDER = {"Ed25519": "EdDSA"}
_jws = jwt.PyJWS(list(_KINDS))
_jws.register_algorithm("Ed25519", OKPAlgorithm())


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


def read(text: str, *, longest: int, types: Collection[str]) -> Message:
    """The message, not proved. A message that names no type is taken as one of these types.

    Raises:
        NotProvenError: it is no compact JWS, too long, of another type, or wants more than we do.
    """
    try:
        header, claims = jws.members(text, longest=longest)
    except ValueError as fault:
        raise NotProvenError(str(fault)) from None
    if _UNWANTED & header.keys():
        raise NotProvenError("a header that we do not take")
    typ = header.get("typ", "jwt")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise NotProvenError("typ")
    return Message(text, header, claims)


def require_signed(message: Message, service: Registered, *, algorithms: Collection[str]) -> None:
    """From now on it is certain that this service signed the message.

    Raises:
        NotProvenError: by another algorithm, by no key or more than one, or not at all.
    """
    alg, kid = message.alg, message.header.get("kid")
    if not isinstance(alg, str) or _older(alg) not in map(_older, algorithms):
        raise NotProvenError("alg")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= LONGEST_NAME):
        raise NotProvenError("kid")
    fitting = [key for key in service_keys.keys(service, kid) if _fits(key, _older(alg))]
    if len(fitting) != 1:
        raise NotProvenError("no key, or more than one")
    try:
        by = client_assertion.parsed(fitting[0], _older(alg))
        _jws.decode(message.text, by.key, algorithms=[alg])
    except jwt.PyJWTError:
        raise NotProvenError("signature") from None


def seconds(claims: Mapping[str, Any], name: str) -> float | None:
    """A time as the claims say it; null: they do not.

    Raises:
        NotProvenError: it is no number that could be one.
    """
    value = claims.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not -FARTHEST < value < FARTHEST:
        raise NotProvenError(name)
    return float(value)


def _older(alg: str) -> str:
    return _OLDER.get(alg, alg)


def _fits(key: Mapping[str, Any], alg: str) -> bool:
    is_kind = (key.get("kty"), key.get("crv")) == _KINDS[alg]
    return is_kind and _older(key.get("alg", alg)) == alg and key.get("use", "sig") == "sig"
