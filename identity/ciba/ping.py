"""Telling a service that there is an answer, CIBA Core §10.2; the tokens it fetches itself."""

import json

from identity import outbound, sealing
from identity.outbox import Waiting

KIND = "ciba-ping"  # of the outbox message
HEARD = frozenset({200, 204})


class NotHeard(Exception):
    """The service did not say that it has heard; it is told again, as long as it makes sense."""


def send(message: Waiting) -> None:
    """The service has heard that it may fetch the answer.

    Raises:
        NotHeard: any answer but 204 or 200.
        outbound.OutboundRefused: it could not or may not be reached.
    """
    told = json.loads(sealing.ring().open_token(KIND, message.body["sealed"]))
    body = json.dumps({"auth_req_id": told["auth_req_id"]}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {told['token']}"}
    answer = outbound.post(message.target, body, headers=headers)
    if answer.status not in HEARD:
        raise NotHeard(str(answer.status))
