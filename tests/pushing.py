"""A public service that pushes its authorization requests, and sends browsers with a reference."""

from typing import Any
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from tests.asking import Sender


def push(office: Sender, **changed: Any) -> TestResponse:
    """What `/par` says to an honest request with these differences."""
    form = urlencode(office.query(**changed), doseq=True)
    headers = office.played.basic() | {"Content-Type": "application/x-www-form-urlencoded"}
    return office.client.post("/par", data=form, headers=headers)


def pushed(office: Sender, **changed: Any) -> str:
    """The reference of a request that was taken."""
    answer = push(office, **changed)
    assert answer.status_code == 201, answer.json
    return str(answer.json["request_uri"])


def bring(office: Sender, reference: str, **more: Any) -> TestResponse:
    """The browser comes with the reference."""
    told = {"client_id": office.played.client_id, "request_uri": reference} | more
    query = {name: value for name, value in told.items() if value is not None}
    return office.client.get("/authorize?" + urlencode(query))
