"""A citizen at the decision page: a request waits in the browser, the page is read, a form sent."""

import html
import json
import re
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent.ledger import records
from identity import sealing
from identity.authentication import sessions
from identity.authentication.sessions import CitizenSession
from identity.public_services import registered
from identity.requested import pending, requests
from identity.tokens import pkce
from tests.exchange import CASE, PROCEDURE
from tests.people import Somebody, form_token, sign_in
from tests.public_services import Played, a_service

CONSENT, LAW = "1.115150", "1.002759"
EVERY = [PROCEDURE, "3.000347", CONSENT, LAW]
LONG = "a-verifier-of-forty-three-characters-or-more"


def an_asking_service(**members: Any) -> Played:
    """A public service that may run a procedure of each basis."""
    return a_service(**({"procedures": EVERY} | members))


def detail(*attributes: str, procedure: str = PROCEDURE, case: str | None = CASE) -> dict[str, Any]:
    """One member of `authorization_details`; without attributes, the required ones."""
    told: dict[str, Any] = {"type": "vn_procedure", "procedure": procedure}
    told |= {"attributes": list(attributes)} if attributes else {}
    return told | ({"case": case} if case else {})


@dataclass(frozen=True)
class Citizen:
    """Somebody signed in, in a browser of their own."""

    client: FlaskClient
    person: Somebody

    @property
    def session(self) -> CitizenSession:
        """The session of the browser."""
        cookie = self.client.get_cookie("motlan-citizen")
        found = sessions.find(cookie.value) if cookie else None
        assert found is not None
        return found

    def is_asked(
        self, service: Played, *details: Any, scope: str = "openid", **more: Any
    ) -> "Page":
        """A request of the service waits in this browser."""
        said = {
            "client_id": service.client_id,
            "redirect_uri": registered.find(service.client_id).redirect_uris[0],
            "response_type": "code",
            "scope": scope,
            "state": "s-1",
            "code_challenge": pkce.challenge_of(LONG),
            "code_challenge_method": "S256",
            **more,
        }
        if details:
            said["authorization_details"] = json.dumps(details)
        cookie = self.client.get_cookie("motlan-browser")
        digest = sealing.digest(cookie.value)
        return Page(self, pending.keep(requests.reread(said), digest), digest)

    def decisions(self) -> list[Any]:
        """Where each of the person's decisions stands, the latest first."""
        return list(records.newest_of(self.person.citizen_id))


def signed_in(client: FlaskClient, person: Somebody) -> Citizen:
    """The person, signed in with both factors."""
    sign_in(client, person)
    return Citizen(client, person)


@dataclass(frozen=True)
class Page:
    """The decision page of one request."""

    citizen: Citizen
    request_id: uuid.UUID
    browser_digest: bytes

    @property
    def path(self) -> str:
        """Where it is."""
        return f"/consent/{self.request_id}"

    @property
    def outcome(self) -> dict[str, Any] | None:
        """What is kept with the request."""
        return pending.find(self.request_id, self.browser_digest).outcome

    def get(self) -> TestResponse:
        """The page as it stands."""
        return self.citizen.client.get(self.path)

    def send(
        self, answer: str, /, *, seen: TestResponse | None = None, **fields: Any
    ) -> TestResponse:
        """One of the two buttons, on the page just opened or one seen before."""
        page = seen or self.get()
        told = {"csrf_token": form_token(page), "shown": shown(page), "answer": answer}
        return self.citizen.client.post(self.path, data=told | fields)

    def allow(self, **fields: Any) -> TestResponse:
        """*Gửi*, *Đồng ý* or *tiếp tục*."""
        return self.send("allow", **fields)

    def deny(self, **fields: Any) -> TestResponse:
        """*Tôi tự nộp* or *Không đồng ý*."""
        return self.send("deny", **fields)

    def redeem(self, service: Played) -> dict[str, Any]:
        """What the service gets for the code that this answer leads to."""
        client = self.citizen.client
        back = client.get(f"/authorize?request={self.request_id}")
        (code,) = parse_qs(urlsplit(back.location).query)["code"]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": registered.find(service.client_id).redirect_uris[0],
            "code_verifier": LONG,
        }
        answer = client.post("/token", data=form, headers=service.basic())
        assert answer.status_code == 200, answer.json
        return dict(answer.json)


def shown(page: TestResponse) -> str:
    """The digest that the page carries."""
    found = re.search(r'name="shown" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def words(page: TestResponse) -> str:
    """What a person reads: no tags, single spaces."""
    text = re.sub(r"<[^>]+>", " ", page.text)
    return re.sub(r"\s+", " ", html.unescape(text))
