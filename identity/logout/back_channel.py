"""Services hear that a sign-in of theirs is over: OpenID Connect Back-Channel Logout 1.0."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from identity import clock, outbound, outbox, settings
from identity.authentication import sessions
from identity.authentication.sessions import Ended
from identity.doors import FORM
from identity.granted import claims, records
from identity.outbox import Waiting
from identity.public_services import registered
from identity.public_services.registered import Registered
from identity.signing import keys, tokens

KIND = "session:ended"  # of the outbox message
EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = timedelta(minutes=2)  # Back-Channel Logout §4: at most
# Ours would have been over by then anyway, so whoever has not heard keeps it no longer than that.
TRIED_FOR = sessions.ABSOLUTE
SIGNED_OUT = frozenset({200, 204})  # §2.8


class NotSignedOut(Exception):
    """The service did not say that its session is over; it is told again later."""


def tell(ended: Ended) -> None:
    """Each service that got a token in one of these sessions is told, once this commits.

    Offline access too: that outlives the sign-out, the session at the service does not (§2.7).
    """
    if not ended.sessions:
        return
    until = clock.now() + TRIED_FOR
    for service, told in _heard_of(ended):
        outbox.put(
            KIND,
            service.id,
            reference=told["sid"],
            target=service.backchannel_logout_uri,
            body=told,
            until=until,
        )


def _heard_of(ended: Ended) -> Iterator[tuple[Registered, dict[str, str]]]:
    """The services with an address that were told of one of the sessions, and under which names."""
    found = records.told_services(ended.citizen_id)
    services = registered.by_ids(row.public_service_id for row in found)
    for row in found:
        service = services[row.public_service_id]
        sids = {claims.sid(session_id, service.id) for session_id in ended.sessions}
        if service.is_active and service.backchannel_logout_uri and row.sid in sids:
            yield service, {"sub": row.sub, "sid": row.sid}


def send(message: Waiting) -> None:
    """The service has ended its session.

    Raises:
        NotSignedOut: any answer but 200 or 204 (§2.8).
        outbound.OutboundRefused: it could not or may not be reached.
    """
    service = registered.by_id(message.public_service_id)
    body = urlencode({"logout_token": logout_token(message, service)}).encode()
    answer = outbound.post(message.target, body, headers={"Content-Type": FORM})
    if answer.status not in SIGNED_OUT:
        raise NotSignedOut(str(answer.status))


def logout_token(message: Waiting, service: Registered) -> str:
    """The token as it is sent, §2.4: made for this one try, so that it is never old.

    Its `jti` is another one each time: a service that failed halfway must not take the next try
    for a replay.
    """
    at = clock.now()
    said: dict[str, Any] = {
        "iss": settings.current().issuer,
        "aud": service.client_id,
        "iat": int(at.timestamp()),
        "exp": int((at + LIFETIME).timestamp()),
        "jti": tokens.new_token_id(),
        "sub": message.body["sub"],
        "sid": message.body["sid"],
        "events": {EVENT: {}},
    }
    return keys.sign(said, typ=keys.LOGOUT_TOKEN, alg=service.id_token_alg)
