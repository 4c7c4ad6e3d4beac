"""A public service sends somebody to `/end-session`, and the page there is answered."""

from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.people import form_token

BYE = "https://bye.motlan.test/signed-out"


def ask(client: FlaskClient, **told: Any) -> TestResponse:
    """The page that asks whether to; a parameter that is a list is sent several times."""
    return client.get("/end-session?" + urlencode(told, doseq=True))


def confirm(client: FlaskClient, page: TestResponse) -> TestResponse:
    """Yes."""
    sealed = page.text.split('name="sign_out" value="')[1].split('"')[0]
    told = {"csrf_token": form_token(page), "sign_out": sealed}
    return client.post("/end-session/confirm", data=told)
