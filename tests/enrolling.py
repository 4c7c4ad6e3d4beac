"""Somebody of the staff with a browser and a phone: from the link to the first sign-in."""

import re
from dataclasses import dataclass, field
from itertools import count

import pyotp
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from identity.staff.add import NewStaff, proposed_username
from identity.staff.records import Role
from identity.staff_enrolment.invite import Invitation, invite
from tests.markup import Markup
from tests.people import hidden, submit

CHOSEN = "ruộng bậc thang 7 cái nón"
OTHER = "thuyền thúng 9 con ốc xanh"
UNIT = "Đội tiếp nhận 3"
_numbers = count(1)


def invited(*, role: Role = Role.SECURITY_OFFICER, unit: str = UNIT, **told) -> Invitation:
    """What the operator was given for a newcomer."""
    name = "Vũ Thị Hạnh"
    username = told.pop("username", f"{proposed_username(name)}.{next(_numbers)}")
    return invite(NewStaff(username=username, name=name, role=role, unit=unit, **told))


def path_of(invitation: Invitation) -> str:
    """The link without its host, as the test client goes there."""
    return "/" + invitation.link.split("/", 3)[3]


@dataclass
class Newcomer:
    """A person before the pages of enrolment."""

    client: FlaskClient
    invitation: Invitation
    phone: pyotp.TOTP | None = None
    codes: list[str] = field(default_factory=list)

    def opens(self, code: str | None = None) -> TestResponse:
        """Types the code of the link."""
        return submit(self.client, path_of(self.invitation), code=code or self.invitation.code)

    def chooses(self, password: str = CHOSEN, again: str | None = None) -> TestResponse:
        """Types a password twice."""
        fields = {"new_password": password, "repeated": password if again is None else again}
        return submit(self.client, "/staff/enrol/password", **fields)

    def scans(self) -> None:
        """The phone gets the secret of the page."""
        page = self.client.get("/staff/enrol/app")
        secret = Markup(page.text).by_id("app-secret").words.replace(" ", "")
        self.phone = pyotp.TOTP(secret)

    def shows(self, code: str | None = None) -> TestResponse:
        """Types what the phone shows."""
        if self.phone is None:
            self.scans()
        return submit(self.client, "/staff/enrol/app", one_time_code=code or self.phone.now())

    def keeps_codes(self) -> TestResponse:
        """Writes the ten codes down, and says so."""
        page = self.client.get("/staff/enrol/codes")
        self.codes = re.findall(r"\d{4} \d{4} \d{4} \d{4}", page.text)
        return self.client.post("/staff/enrol/codes", data=hidden(page))

    def enrols(self) -> "Newcomer":
        """All of it."""
        for answer in (self.opens(), self.chooses(), self.shows(), self.keeps_codes()):
            assert answer.status_code == 303, answer.text
        return self

    def signs_in(self, code: str, *, password: str = CHOSEN) -> TestResponse:
        """The staff's own sign-in; the last answer."""
        name = self.invitation.username
        first = submit(self.client, "/staff/sign-in", username=name, password=password)
        if first.status_code != 303:
            return first
        return submit(self.client, "/staff/sign-in/code", one_time_code=code)


def enrolled(client: FlaskClient, **told) -> Newcomer:
    """Somebody who has just finished."""
    return Newcomer(client, invited(**told)).enrols()
