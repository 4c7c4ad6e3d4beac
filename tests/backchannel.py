"""A counter's system that asks for people who are not at its browser, and the phone in a pocket."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from identity import database, settings
from identity.ciba.records import BackchannelRequest
from identity.polled.ways import CIBA
from identity.public_services.registered import Registered
from identity.trail import AccessEntry
from tests.deciding import EVERY
from tests.devices import FORM
from tests.people import Somebody, form_token
from tests.public_services import Played, a_service, a_service_with_a_key

TOKEN = "n" * 32  # what a service is told by


@dataclass
class Desk:
    """One service at a counter, and what it was told last."""

    client: FlaskClient
    played: Played
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def service(self) -> Registered:
        """What is on record of it."""
        return self.played.service

    def post(self, path: str, told: dict[str, Any]) -> TestResponse:
        """A request that proves who sends it."""
        proof = {} if self.played.secret else self.played.assertion()
        headers = FORM | (self.played.basic() if self.played.secret else {})
        known = {name: value for name, value in told.items() if value is not None}
        return self.client.post(path, data=urlencode(known | proof, doseq=True), headers=headers)

    def ask(self, person: Somebody | None = None, **changed: Any) -> TestResponse:
        """Ask for somebody by the number that they told."""
        known = {"scope": "openid", "login_hint": person and person.national_id}
        answer = self.post("/bc-authorize", known | changed)
        self.told = answer.json
        return answer

    def object_of(self, person: Somebody, **claims: Any) -> str:
        """The same as a signed object; a claim that is null is left out, `typ` is its header's."""
        header = {"kid": self.played.kid} | {k: claims.pop(k) for k in ("typ",) if k in claims}
        now = int(time.time())
        told = {
            "iss": self.played.client_id,
            "aud": settings.current().issuer,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": uuid.uuid4().hex,
            "scope": "openid",
            "login_hint": person.national_id,
        } | claims
        kept = {name: value for name, value in told.items() if value is not None}
        assert self.played.key is not None
        return jwt.encode(kept, self.played.key, algorithm="ES256", headers=header)

    def signed(
        self, person: Somebody, *, beside: dict[str, Any] | None = None, **claims: Any
    ) -> TestResponse:
        """Ask by a signed object."""
        told = {"request": self.object_of(person, **claims)} | (beside or {})
        answer = self.post("/bc-authorize", told)
        self.told = answer.json
        return answer

    def poll(self, **changed: Any) -> TestResponse:
        """Ask whether there is an answer."""
        known = {"grant_type": CIBA, "auth_req_id": self.told.get("auth_req_id")}
        return self.post("/token", known | changed)

    def error(self, **changed: Any) -> str:
        """What a poll is refused with."""
        answer = self.poll(**changed)
        assert answer.status_code == 400, answer.json
        return str(answer.json["error"])

    def kept(self) -> list[Any]:
        """What is on record of its requests."""
        mine = BackchannelRequest.public_service_id == self.service.id
        return list(database.rows(select(BackchannelRequest).where(mine)))

    def entries_of(self, person: Somebody) -> set[str]:
        """What the person's log says of this service."""
        query = select(AccessEntry.type).where(
            AccessEntry.citizen_id == person.citizen_id,
            AccessEntry.public_service_id == self.service.id,
        )
        return {row.type for row in database.rows(query)}


def a_desk(app: Flask, *, signs: bool = False, **members: Any) -> Desk:
    """A new counter's system, which polls unless it is told otherwise."""
    told = {
        "grant_types": [CIBA],
        "redirect_uris": None,
        "procedures": EVERY,
        "backchannel_token_delivery_mode": "poll",
    } | members
    make = a_service_with_a_key if signs else a_service
    return Desk(app.test_client(), make(**told))


def page_of(phone: FlaskClient) -> TestResponse:
    """The page of the newest request that waits for whoever holds the phone."""
    listed = phone.get("/my/requests").text
    place = listed.rpartition('href="/my/requests/')[2].partition('"')[0]
    return phone.get(f"/my/requests/{place}")


def answer(phone: FlaskClient, chosen: str, *, page: TestResponse | None = None) -> TestResponse:
    """One of the two buttons."""
    page = page or page_of(phone)
    told = {"csrf_token": form_token(page), "answer": chosen}
    return phone.post(page.request.path, data=told)


def allow(phone: FlaskClient) -> TestResponse:
    """Yes, and where that leads: to the end, or to what has to be decided first."""
    moved = answer(phone, "allow")
    assert moved.status_code == 303, moved.text
    return phone.get(moved.location)
