"""Requests that come signed, RFC 9101: read from the object, and from nothing beside it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from identity import clock, settings
from identity.errors import InvalidRequest, Refusal
from identity.parameters import REPEATABLE, Parameters
from identity.public_services import service_jws, service_keys
from identity.public_services.registered import Registered
from identity.public_services.service_jws import Message, NotProvenError
from identity.requested import references, requests
from identity.requested.requests import NotSentBack, RequestNotSupported
from identity.requested.wish import LIMITS, Wish

LONGEST = 16_384  # characters; fewer in the address of a browser
TYPES = frozenset({"oauth-authz-req+jwt", "jwt"})  # RFC 9101 §10.8; who names none is understood
# FAPI 2.0 Message Signing §5.3.1: accepts 10 s ahead, and lives an hour at most.
AHEAD_SECONDS = 30
LONGEST_LIFE_SECONDS = 3600
_NOT_INSIDE = ("request", "request_uri")  # RFC 9101 §4
_OBJECTS = frozenset({"claims", "authorization_details"})  # JSON among the parameters
_OUTSIDE = frozenset({"client_id", "request", "request_uri"})


class InvalidRequestObject(Refusal):
    """The request object is not one that this service signed for us, now (RFC 9101 §7)."""

    code, slug = "invalid_request_object", "invalid-request-object"
    title = "The request object is not valid"


def find(parameters: Parameters) -> Wish | None:
    """The wish of a request that came as an object, by value or reference; null: it did not.

    What stands beside it serves one purpose: to send back what is wrong with the object.

    Raises:
        NotSentBack: the public service is unknown, or the way back is not certain.
    """
    if _OUTSIDE & set(parameters.repeated()):
        return None
    text, uri = parameters.one("request"), parameters.one("request_uri")
    if text is None and uri is None:
        return None
    service = requests.public_service(parameters.one("client_id"))
    try:
        said = _brought(text, uri, service=service)
    except Refusal as fault:
        return _refused(parameters, fault)
    return requests.reread(said, in_object=True)


def read(text: str, service: Registered, *, is_fetched: bool = False) -> dict[str, str]:
    """The parameters of an object that this service signed, names as on the wire.

    What it serves at an address it registered needs no times of its own: it is asked now.

    Raises:
        InvalidRequestObject: anything else. One sentence: the note names the reason.
        RequestNotSupported: it is not signed, and this service never said that it signs.
    """
    try:
        message = service_jws.read(text, longest=LONGEST, types=TYPES)
        _require_any_signature(message, service)
        keys = service_keys.keys(service, message.kid)
        service_jws.require_signed(message, keys, algorithms=service.request_algs)
        _check_parties(message.claims, service)
        _check_times(message.claims, may_lack=is_fetched and service.profile == "oidc")
        return _parameters(message.claims)
    except NotProvenError as fault:
        raise _invalid(str(fault)) from None


def _brought(text: str | None, uri: str | None, *, service: Registered) -> dict[str, str]:
    if text is not None and uri is not None:  # RFC 9101 §5
        raise InvalidRequest("send request or request_uri, not both")
    for name, value in (("request", text), ("request_uri", uri)):
        if len(value or "") > LIMITS[name]:
            raise InvalidRequest(f"{name} is longer than {LIMITS[name]} characters")
    if text is not None:
        return read(text, service)
    return read(references.fetch(uri or "", service), service, is_fetched=True)


def _refused(parameters: Parameters, fault: Refusal) -> Wish:
    try:
        return replace(requests.read(parameters), fault=fault)
    except NotSentBack:
        raise NotSentBack(fault.told, note=fault.note) from None


def _require_any_signature(message: Message, service: Registered) -> None:
    """OIDC Core §6.1: said by name that objects without a signature are not taken."""
    signs = service.require_signed_request or service.request_alg or service.profile != "oidc"
    if message.alg == "none" and not signs:
        raise RequestNotSupported("sign the request object, or send the parameters themselves")


def _check_parties(claims: Mapping[str, Any], service: Registered) -> None:
    if claims.get("iss") != service.client_id or claims.get("client_id") != service.client_id:
        raise NotProvenError("iss or client_id")
    # RFC 9101 §10.8: with it, the object could pass for a client assertion.
    if claims.get("sub") == service.client_id:
        raise NotProvenError("sub")
    aud = claims.get("aud")
    if settings.current().issuer not in (aud if isinstance(aud, list) else [aud]):
        raise NotProvenError("aud")
    if any(name in claims for name in _NOT_INSIDE):
        raise NotProvenError("an object in an object")


def _check_times(claims: Mapping[str, Any], *, may_lack: bool) -> None:
    now = clock.now().timestamp()
    start, end = service_jws.seconds(claims, "nbf"), service_jws.seconds(claims, "exp")
    if (start is None or end is None) and not may_lack:
        raise NotProvenError("nbf or exp is missing")
    made = service_jws.seconds(claims, "iat")
    if max(start or now, made or now) > now + AHEAD_SECONDS:
        raise NotProvenError("iat or nbf")
    if end is not None and end <= now:
        raise NotProvenError("exp")
    if start is not None and start < now - LONGEST_LIFE_SECONDS:
        raise NotProvenError("nbf is long ago")
    if end is not None and end > (start or now) + LONGEST_LIFE_SECONDS:
        raise NotProvenError("it lives too long")


def _parameters(claims: Mapping[str, Any]) -> dict[str, str]:
    told = {name: claims.get(name) for name in LIMITS}
    return {name: _text(name, value) for name, value in told.items() if value not in (None, "")}


def _text(name: str, value: object) -> str:
    """A claim as the parameter of its name would say it (RFC 9101 §4)."""
    if name in _OBJECTS and isinstance(value, dict | list):
        return json.dumps(value)
    if name in REPEATABLE and isinstance(value, list) and all(isinstance(v, str) for v in value):
        value = " ".join(value)
    if name == "max_age" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not _is_text(value):
        raise NotProvenError(f"{name} is no text")
    return value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair has no bytes
        return False
    return "\x00" not in value  # PostgreSQL keeps none


def _invalid(note: str) -> InvalidRequestObject:
    return InvalidRequestObject(
        "the request object is not valid: see its signature, iss, aud, client_id, nbf and exp",
        note=f"request object: {note}",
    )
