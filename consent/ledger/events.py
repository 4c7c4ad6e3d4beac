"""Telling a public service that a decision has ended: a signed event (RFC 8417), pushed (8935)."""

from typing import Any

from identity import clock, outbound, settings
from identity.outbox import Waiting
from identity.public_services import registered
from identity.signing import keys

MEDIA_TYPE = "application/secevent+jwt"
EVENT = "urn:motlan:event:decision-withdrawn"


class NotAcknowledged(Exception):
    """The recipient did not say that it has the event; it is sent again later."""


def send(message: Waiting) -> None:
    """The recipient has acknowledged the message.

    Raises:
        NotAcknowledged: any answer but 2xx (RFC 8935 §2.2 says 202).
        outbound.OutboundRefused: it could not or may not be reached.
    """
    event = signed(message)
    headers = {"Content-Type": MEDIA_TYPE, "Accept": "application/json"}
    answer = outbound.post(message.target, event.encode(), headers=headers)
    if not 200 <= answer.status < 300:  # noqa: PLR2004 - RFC 9110 §15.3
        raise NotAcknowledged(str(answer.status))


def signed(message: Waiting) -> str:
    """The event as it is sent: one `jti` however often it is tried, so that repeats are seen."""
    service = registered.by_id(message.public_service_id)
    issuer = settings.current().issuer
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": service.client_id,
        "jti": message.id.hex,
        "iat": int(clock.now().timestamp()),
        "sub_id": {"format": "iss_sub", "iss": issuer, "sub": message.body["sub"]},
        "events": {
            EVENT: {
                "decision_id": message.body["decision_id"],
                "procedure": message.body["procedure"],
                "case": message.body["case"],
                "event_timestamp": message.body["withdrawn_at"],
            }
        },
    }
    return keys.sign(claims, typ=keys.EVENT)
