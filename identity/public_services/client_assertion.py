"""Client assertions (`private_key_jwt`): RFC 7523 §3, narrowed by FAPI 2.0 or as OIDC Core §9."""

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
BY_NAME = "RS256"  # for who says so itself, never where FAPI 2.0 holds (docs/decisions/0052)
OFFERED = (*ALGORITHMS, BY_NAME)
TYPES = frozenset({"jwt", "client-authentication+jwt"})  # ours, like at+jwt, are none of these
# OpenID FAPI 2.0 §5.3.2.1 accepts 10 s and refuses more than 60 s.
AHEAD_SECONDS = 30
LONGEST_LIFE_SECONDS = 3600  # what common libraries write unless told otherwise; it is good once
LONGEST = 8_192  # characters


@dataclass(frozen=True, slots=True)
class Claimed:
    """An assertion that was read, and whom it says it is from. Nothing is proven yet."""

    message: Message
    client_id: str

    @property
    def kid(self) -> str | None:
        """Which key it says it was made with; null: it does not say.

        Raises:
            InvalidClient: it says something that is no name.
        """
        try:
            return self.message.kid
        except NotProvenError as fault:
            raise _refused(str(fault)) from None


@dataclass(frozen=True, slots=True)
class Assertion:
    """A proof that was made by the public service's own key. Good once: spend the `jti`."""

    client_id: str
    jti: str
    expires_at: datetime


def read(assertion: str) -> Claimed:
    """What somebody sent, taken apart once. Nothing is proven yet.

    Raises:
        InvalidClient: it is no assertion that we take, or names nobody, or two.
    """
    try:
        message = service_jws.read(assertion, longest=LONGEST, types=TYPES)
        name = service_jws.text(message.claims, "sub")
    except NotProvenError as fault:
        raise _refused(str(fault)) from None
    if message.alg not in OFFERED:
        raise _refused("alg")
    if message.claims.get("iss") != name:
        raise _refused("iss and sub differ")
    return Claimed(message, name)


def verify(
    claimed: Claimed,
    *,
    client_id: str,
    keys: Sequence[Mapping[str, Any]],
    audiences: Collection[str],
    algorithms: Collection[str] = ALGORITHMS,
) -> Assertion:
    """The assertion, proven: signed by the one fitting key of the service, for us, and in time.

    Raises:
        InvalidClient: it is not. One sentence for all reasons: the note names the reason.
    """
    claims = claimed.message.claims
    try:
        service_jws.require_signed(claimed.message, keys, algorithms=algorithms)
        proven = Assertion(client_id, service_jws.text(claims, "jti"), _end(claims))
    except NotProvenError as fault:
        raise _refused(str(fault)) from None
    if claimed.client_id != client_id:  # and so its `iss`, which is the same
        raise _refused("iss or sub")
    # A text, and exactly ours: a list lets another server replay it.
    audience = claims.get("aud")
    if not isinstance(audience, str) or audience not in audiences:
        raise _refused("aud")
    return proven


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
