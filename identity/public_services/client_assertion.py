"""Client assertions (`private_key_jwt`): RFC 7523 §3 as narrowed by FAPI 2.0."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from identity import clock
from identity.errors import InvalidClient
from identity.public_services import service_jws
from identity.public_services.service_jws import Message, NotProvenError

ALGORITHMS = ("PS256", "ES256", "EdDSA", "Ed25519")
TYPES = frozenset({"jwt", "client-authentication+jwt"})  # ours, like at+jwt, are none of these
# OpenID FAPI 2.0 §5.3.2.1 accepts 10 s and refuses more than 60 s.
AHEAD_SECONDS = 30
LONGEST_LIFE_SECONDS = 3600  # what common libraries write unless told otherwise; it is good once
LONGEST = 8_192  # characters


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
    try:
        claims = _read(assertion).claims
        name = service_jws.text(claims, "sub")
    except NotProvenError as fault:
        raise _refused(str(fault)) from None
    if claims.get("iss") != name:
        raise _refused("iss and sub differ")
    return name


def claimed_kid(assertion: str) -> str | None:
    """Which key it says it was made with; null: it does not say. Nothing is proven yet.

    Raises:
        InvalidClient: its header is none that we take.
    """
    try:
        return _read(assertion).kid
    except NotProvenError as fault:
        raise _refused(str(fault)) from None


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
    try:
        message = _read(assertion)
        service_jws.require_signed(message, keys, algorithms=algorithms)
        claims = message.claims
        proven = Assertion(client_id, service_jws.text(claims, "jti"), _end(claims))
    except NotProvenError as fault:
        raise _refused(str(fault)) from None
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise _refused("iss or sub")
    # A text, and exactly ours: a list or an endpoint's URL lets another server replay it.
    if claims.get("aud") != issuer:
        raise _refused("aud")
    return proven


def _read(assertion: str) -> Message:
    message = service_jws.read(assertion, longest=LONGEST, types=TYPES)
    if message.alg not in ALGORITHMS:
        raise NotProvenError("alg")
    return message


def _end(claims: Mapping[str, Any]) -> datetime:
    now = clock.now().timestamp()
    latest = now + AHEAD_SECONDS
    times = {name: service_jws.seconds(claims, name) for name in ("iat", "nbf", "exp")}
    made, end = times["iat"], times["exp"]
    if end is None or end <= now:
        raise NotProvenError("exp")
    if max(now if made is None else made, times["nbf"] or now) > latest:
        raise NotProvenError("iat or nbf")
    if end > (latest if made is None else made) + LONGEST_LIFE_SECONDS:
        raise NotProvenError("it lives too long")
    return datetime.fromtimestamp(math.ceil(end), UTC)


def _refused(note: str) -> InvalidClient:
    return InvalidClient("the client assertion is not valid", note=f"client assertion: {note}")
