"""A public service that sends people to `/authorize`, and the browser it sends there."""

import re
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from identity.public_services import registered
from identity.tokens import pkce
from tests.people import Somebody, sign_in
from tests.public_services import Played, a_service

SENTENCES = ("Yêu cầu không hợp lệ", "This request is not valid")
VERIFIER = "a-verifier-of-forty-three-characters-or-more"


@dataclass
class Sender:
    """One registered service and somebody's browser."""

    client: FlaskClient
    played: Played
    state: str = field(default_factory=lambda: secrets.token_urlsafe(8))

    @property
    def service(self) -> registered.Registered:
        """What is on record of it."""
        found = registered.find(self.played.client_id)
        assert found is not None
        return found

    @property
    def redirect_uri(self) -> str:
        """The first address it registered."""
        return self.service.redirect_uris[0]

    def query(self, **changed: Any) -> dict[str, Any]:
        """The parameters of an honest request; one that is null is left out."""
        told = {
            "client_id": self.played.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid",
            "state": self.state,
            "nonce": "n-1",
            "code_challenge": pkce.challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (told | changed).items() if value is not None}

    def ask(self, **changed: Any) -> TestResponse:
        """Send the browser to `/authorize`."""
        return self.client.get("/authorize?" + urlencode(self.query(**changed), doseq=True))

    def come_back(self, request_id: str) -> TestResponse:
        """The browser opens a stored request."""
        return self.client.get(f"/authorize?request={request_id}")

    def error(self, **changed: Any) -> str:
        """The error that an honest browser carries back."""
        return answered(self.ask(**changed))["error"]

    def redeem(self, code: str, **changed: Any) -> TestResponse:
        """The code for tokens."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
        }
        told = {name: value for name, value in (form | changed).items() if value is not None}
        return self.client.post("/token", data=told, headers=self.played.basic())


def a_sender(client: FlaskClient, **members: Any) -> Sender:
    """A new service that sends people in this browser."""
    return Sender(client, a_service(**members))


def signed_in(client: FlaskClient, person: Somebody) -> None:
    """The person is signed in in this browser."""
    sign_in(client, person)


def answered(response: TestResponse) -> dict[str, str]:
    """What the redirect to the public service says."""
    assert response.status_code == 303, response.text
    assert not response.location.startswith("/"), response.location
    return dict(parse_qsl(urlsplit(response.location).query, strict_parsing=True))


def waiting(response: TestResponse, path: str = "/sign-in") -> str:
    """The id of the stored request that a page of ours goes on with."""
    assert response.status_code == 303, response.text
    parts = urlsplit(response.location)
    if path == "/sign-in":
        assert parts.path == "/sign-in", response.location
        return parse_qs(parts.query)["request"][0]
    found = re.fullmatch(rf"{path}/([0-9a-f-]{{36}})", parts.path)
    assert found, response.location
    return uuid.UUID(found[1]).hex


def is_refused_here(response: TestResponse) -> bool:
    """The 400 page with the contract's sentence, and nothing that leads away."""
    return (
        response.status_code == 400
        and "Location" not in response.headers
        and any(sentence in response.text for sentence in SENTENCES)
        and 'id="error"' in response.text
    )
