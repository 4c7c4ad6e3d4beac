"""Telling a service that there is an answer, CIBA Core §10.2; the tokens it fetches itself."""

import json

from identity import outbound, sealing
from identity.outbox import NotWanted, Waiting

KIND = "ciba-ping"  # of the outbox message
HEARD = frozenset({200, 204})
# RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4: of what a client did wrong, these say "later".
LATER = frozenset({408, 425, 429})


class NotHeard(Exception):
    """The service did not say that it has heard; it is told again, as long as it makes sense."""


def send(message: Waiting) -> None:
    """The service has heard that it may fetch the answer.

    Raises:
        NotWanted: a redirect or 4xx: somebody has to mend that, and the service may ask meanwhile.
        NotHeard: any other answer but 204 or 200.
        outbound.OutboundRefused: it could not or may not be reached.
    """
    told = json.loads(sealing.ring().open_token(KIND, message.body["sealed"]))
    body = json.dumps({"auth_req_id": told["auth_req_id"]}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {told['token']}"}
    try:
        answer = outbound.post(message.target, body, headers=headers)
    except outbound.OutboundRedirected:
        raise NotWanted from None
    if 400 <= answer.status < 500 and answer.status not in LATER:  # noqa: PLR2004 - RFC 9110 §15.5
        raise NotWanted(str(answer.status))
    if answer.status not in HEARD:
        raise NotHeard(str(answer.status))
