"""What tests of the counter share: an officer with a browser, and the way to a letter."""

import re
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from identity import clock
from identity.staff.records import Role
from tests.beginning import CODE, Newcomer
from tests.exchange import Written, entries
from tests.forms import a_visitor
from tests.people import Officer, Somebody, a_security_officer, form_token, sign_in_officer, submit

UNIT = "Quầy phường Hoa Sen"
HOME = "/counter"
LATER = timedelta(hours=72, minutes=1)


@dataclass
class Clerk:
    """A counter officer at work."""

    client: FlaskClient
    officer: Officer
    looks: list[str] = field(default_factory=list)

    def looks_up(self, number: str, **told: str) -> TestResponse:
        """Types the number from the card, as most people come: they forgot the password."""
        sent = {"national_id": number, "need": "forgot_password", "card": "id_card"} | told
        answer = submit(self.client, HOME, **sent)
        if answer.status_code == 303:
            self.looks.append(answer.location)
        return answer

    def compares(self, person: Somebody, **told: str) -> TestResponse:
        """The page to hold beside the card."""
        answer = self.looks_up(person.national_id, **told)
        assert answer.status_code == 303, answer.text
        return self.client.get(answer.location)

    def decides(self, answer: str) -> TestResponse:
        """Presses one of the two buttons of the last look."""
        return submit(self.client, self.looks[-1], answer=answer)

    def gives(self, person: Somebody, **told: str) -> Newcomer:
        """All of it; the person with the printed code."""
        self.compares(person, **told)
        assert self.decides("give").location == self.looks[-1]
        return Newcomer(person, self.code())

    def code(self) -> str:
        """What is printed."""
        (code,) = CODE.findall(self.client.get(self.looks[-1]).text)
        return str(code)

    @property
    def look_id(self) -> uuid.UUID:
        """Of the last look."""
        found = re.fullmatch(rf"{HOME}/([0-9a-f-]{{36}})", self.looks[-1])
        assert found is not None
        return uuid.UUID(found[1])


def a_clerk(app: Flask, **told: Any) -> Clerk:
    """A counter officer, signed in."""
    officer = a_security_officer(**{"role": Role.COUNTER_OFFICER, "unit": UNIT} | told)
    client = a_visitor(app.test_client(), "vi")
    sign_in_officer(client, officer)
    return Clerk(client, officer)


def later(by: timedelta = LATER) -> time_machine.travel:
    """After the letter has waited."""
    return time_machine.travel(clock.now() + by)


def posts(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """A form of this browser, whatever its page shows now."""
    token = form_token(client.get("/sign-in?request=x"))  # whoever is signed in sees this form
    return client.post(path, data={"csrf_token": token, **fields})


def types(person: Somebody) -> list[str]:
    """What the log has about this person, in order."""
    return [entry.type for entry in entries(person.citizen_id)]


def last(person: Somebody, kind: str) -> Written:
    """The newest entry of this kind about them."""
    return [entry for entry in entries(person.citizen_id) if entry.type == kind][-1]
