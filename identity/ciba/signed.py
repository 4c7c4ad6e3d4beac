"""Requests that come signed, CIBA Core §7.1.1: everything in the object, and nothing beside it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from identity import clock, sealing, settings
from identity.ciba.asking import TAKES
from identity.errors import Refusal
from identity.parameters import REPEATABLE, Parameter
from identity.public_services import records, service_jws, service_keys
from identity.public_services.registered import Registered
from identity.public_services.service_jws import Message, NotProvenError
from identity.together import together

LONGEST = 16_384  # characters
TYPES = frozenset({"jwt", "oauth-authz-req+jwt"})
AHEAD_SECONDS = 30
LONGEST_LIFE_SECONDS = 3600  # FAPI-CIBA §5.2.2
LONGEST_ID = 256
PARAMETER = Parameter(
    name="request",
    meaning="all of it as a signed JWT, for a service that registered its algorithm",
    longest=LONGEST,
)


class InvalidSignedRequest(Refusal):
    """The object is not one that this service signed for us, now, once."""

    slug = "invalid-signed-request"
    title = "The signed request is not valid"


def unwrapped(said: Mapping[str, str], service: Registered) -> Mapping[str, str]:
    """The parameters, out of the object where there is one.

    Raises:
        InvalidSignedRequest: the object is not valid, is missing, or came uncalled for.
    """
    text = said.get(PARAMETER.name)
    if (text is not None) != (service.backchannel_request_alg is not None):
        raise _refused("sign the request if and only if the algorithm is registered", "uncalled")
    if text is None:
        return said
    if len(said) > 1:
        raise _refused("nothing stands beside a signed request", "beside")
    try:
        return _opened(text, service)
    except NotProvenError as fault:
        told = "see its signature, iss, aud, iat, nbf, exp and jti"
        raise _refused(told, str(fault)) from None


def _opened(text: str, service: Registered) -> dict[str, str]:
    message = service_jws.read(text, longest=LONGEST, types=TYPES)
    registered = service.backchannel_request_alg or ""
    keys = service_keys.keys(service, message.kid)
    service_jws.require_signed(message, keys, algorithms=(registered,))
    claims = message.claims
    aud = claims.get("aud")
    if claims.get("iss") != service.client_id or claims.get("sub") == service.client_id:
        raise NotProvenError("iss or sub")
    if settings.current().issuer not in (aud if isinstance(aud, list) else [aud]):
        raise NotProvenError("aud")
    _check_times(claims)
    _spend(message, service)
    return _parameters(claims)


def _check_times(claims: Mapping[str, Any]) -> None:
    now = clock.now().timestamp()
    made, start, end = (service_jws.seconds(claims, name) for name in ("iat", "nbf", "exp"))
    if made is None or start is None or end is None:
        raise NotProvenError("iat, nbf or exp is missing")
    if max(made, start) > now + AHEAD_SECONDS or end <= now:
        raise NotProvenError("too early or too late")
    if end > start + LONGEST_LIFE_SECONDS:
        raise NotProvenError("it lives too long")


def _spend(message: Message, service: Registered) -> None:
    """A person is asked once for one object, whoever sends it again."""
    told = message.claims.get("jti")
    if not isinstance(told, str) or not 0 < len(told) <= LONGEST_ID:
        raise NotProvenError("jti")
    digest = sealing.digest(f"ciba {service.id.hex} {told}")
    until = datetime.fromtimestamp(message.claims["exp"], UTC)
    if together(records.spent(digest, until)) is None:
        raise NotProvenError("used before")


def _parameters(claims: Mapping[str, Any]) -> dict[str, str]:
    found = {row.name: claims.get(row.name) for row in TAKES}
    longest = {row.name: row.longest or LONGEST for row in TAKES}
    said = {name: _text(name, value) for name, value in found.items() if value is not None}
    if any(len(value) > longest[name] for name, value in said.items()):
        raise NotProvenError("a parameter is too long")
    return said


def _text(name: str, value: object) -> str:
    if name in REPEATABLE and isinstance(value, list) and all(isinstance(v, str) for v in value):
        value = " ".join(value)
    if name == "authorization_details" and isinstance(value, list):
        return json.dumps(value)
    if name == "requested_expiry" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value or "\x00" in value or not _is_text(value):
        raise NotProvenError(f"{name} is no text")
    return value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair has no bytes
        return False
    return True


def _refused(told: str, note: str) -> InvalidSignedRequest:
    return InvalidSignedRequest(told, note=f"signed request: {note}")
