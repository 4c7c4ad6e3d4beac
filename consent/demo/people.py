"""A citizen of the demo in the year behind it, as the year's verbs see them."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from consent.complaints import records as complaints
from consent.complaints.complain import complain
from consent.complaints.mine import find_entry
from consent.demo import files
from consent.looks import records as looks
from identity import sealing
from identity.account import change_password, devices
from identity.authentication import sessions, sign_in
from identity.authentication.lockout import Visit
from identity.authentication.sessions import CitizenSession
from identity.citizens.enrolment import enrol
from identity.citizens.national_id import NationalId
from identity.citizens.people import find_by_number
from identity.database import transaction
from identity.devices import Device

ADDRESS = "198.51.100.24"  # of nobody (RFC 5737)
PHONE = "Chrome, Android"


Found = TypeVar("Found")


class Nobody(Exception):
    """The year speaks of somebody or something that is not there."""


def standing(found: Found | None) -> Found:
    """What the year has made is there.

    Raises:
        Nobody: it is not.
    """
    if found is None:
        raise Nobody
    return found


def request_id() -> str:
    """As the edge gives one to every request."""
    return uuid.uuid4().hex


@dataclass
class Citizen:
    """One person, the browsers they use, and the session they are in."""

    number: str
    id: uuid.UUID = field(init=False)
    session: CitizenSession = field(init=False)
    complaint: str = field(init=False)  # the number of the latest
    _browsers: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find who it is.

        Raises:
            Nobody: there is no such person.
        """
        self.id = standing(find_by_number(NationalId.strict(self.number)))

    def visit(self, device: str = PHONE, *, service: uuid.UUID | None = None) -> Visit:
        """The person at one of their browsers."""
        digest = self._browsers.setdefault(device, sealing.digest(secrets.token_urlsafe(32)))
        browser, _, system = device.partition(", ")
        return Visit(digest, ADDRESS, request_id(), service, Device(browser, system))

    def sign_in(self, device: str = PHONE, *, service: uuid.UUID | None = None) -> None:
        """Both factors were proved: here by the loader, which knows them."""
        with transaction():
            started = sign_in.admit(
                self.id,
                visit=self.visit(device, service=service),
                before=None,
                entry="sign_in:succeeded",
            )
        self.session = standing(sessions.find(started.cookie))

    def mistype(self, device: str = PHONE) -> None:
        """A wrong password was typed, and the log says so."""
        sign_in.mark("sign_in:refused", self.id, visit=self.visit(device), reason="password")

    def complain(self, about: str, text: str) -> None:
        """The latest entry of a type is not recognised."""
        row = looks.entries(of=self.id, kind=about, limit=1)[0]
        look = standing(find_entry(self.id, row.id, language="vi"))
        raised = complain(look, text, by=self.session, request_id=request_id())
        self.complaint = standing(complaints.find(raised, of=self.id)).number

    def change_password(self, old: str) -> None:
        """The password is the one of the files from now on."""
        self.sign_in()
        new = self._line()["password"]
        change_password.change_password(self.session, old=old, new=new, visit=self.visit())

    def name_device(self, called: str) -> None:
        """The browser has a name that its owner knows it by."""
        self.sign_in()
        devices.name(self.session, self.session.id, called=called, visit=self.visit())

    def end_others(self) -> None:
        """Only this browser is signed in."""
        self.sign_in("Firefox, Windows")
        self.sign_in()
        devices.end_others(self.session, visit=self.visit())

    def become(self) -> None:
        """The person is as the files say: locked, or dead."""
        enrol([files.enrolled(self._line())])

    def _line(self) -> Mapping[str, str]:
        return next(x for x in files.lines("citizens.jsonl") if x["national_id"] == self.number)
