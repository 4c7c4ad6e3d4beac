"""A television without keys, which the test plays, and the phone of whoever sits before it."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from identity import database, sealing
from identity.device.records import DeviceRequest
from identity.polled.ways import DEVICE
from identity.public_services.registered import Registered
from identity.trail import AccessEntry
from tests.deciding import EVERY
from tests.people import Somebody, form_token
from tests.public_services import Played, a_service

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Television:
    """A device of one public service, and what it was told last."""

    client: FlaskClient
    played: Played
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def service(self) -> Registered:
        """What is on record of it."""
        return self.played.service

    def _post(self, path: str, told: dict[str, Any]) -> TestResponse:
        known = {name: value for name, value in told.items() if value is not None}
        is_app = self.service.is_public
        named = {"client_id": self.played.client_id} if is_app else {}
        headers = FORM if is_app else self.played.basic() | FORM
        body = urlencode(known | named, doseq=True)
        return self.client.post(path, data=body, headers=headers)

    def begin(self, **changed: Any) -> TestResponse:
        """Ask for codes."""
        answer = self._post("/device_authorization", {"scope": "openid"} | changed)
        self.told = answer.json
        return answer

    def post(self, **told: Any) -> TestResponse:
        """A request at the token endpoint."""
        return self._post("/token", told)

    def poll(self, **changed: Any) -> TestResponse:
        """Ask whether there is an answer."""
        known = {"grant_type": DEVICE, "device_code": self.told.get("device_code")}
        return self.post(**(known | changed))

    def error(self, **changed: Any) -> str:
        """What a poll is refused with."""
        answer = self.poll(**changed)
        assert answer.status_code == 400, answer.json
        return str(answer.json["error"])

    @property
    def interval(self) -> int:
        """How long the device has to wait now."""
        digest = sealing.digest(self.told["device_code"])
        query = select(DeviceRequest.interval_seconds).where(DeviceRequest.digest == digest)
        return int(database.rows(query)[0].interval_seconds)

    def typed_in(self, phone: FlaskClient, code: str) -> TestResponse:
        """Somebody types a code on the phone."""
        token = form_token(phone.get("/device"))
        return phone.post("/device", data={"csrf_token": token, "user_code": code})

    def page_in(self, phone: FlaskClient) -> TestResponse:
        """The page that asks whether it is their device."""
        moved = self.typed_in(phone, self.told["user_code"])
        assert moved.status_code == 303, moved.text
        return phone.get(moved.location)

    def answered_by(self, phone: FlaskClient, answer: str) -> TestResponse:
        """One of the two buttons."""
        page = self.page_in(phone)
        told = {"csrf_token": form_token(page), "answer": answer}
        return phone.post(page.request.path, data=told)

    def allowed_by(self, phone: FlaskClient) -> TestResponse:
        """Yes, and where that leads: to the end, or to what has to be decided first."""
        moved = self.answered_by(phone, "allow")
        assert moved.status_code == 303, moved.text
        return phone.get(moved.location)

    def entries_of(self, person: Somebody) -> set[str]:
        """What the person's log says of this device."""
        query = select(AccessEntry.type).where(
            AccessEntry.citizen_id == person.citizen_id,
            AccessEntry.public_service_id == self.service.id,
        )
        return {row.type for row in database.rows(query)}


def a_television(app: Flask, **members: Any) -> Television:
    """A new device of a new service."""
    told = {"grant_types": [DEVICE], "redirect_uris": None, "procedures": EVERY} | members
    return Television(app.test_client(), a_service(**told))
