"""Who works here, in the year behind the demo: searches, answers, helps, reviews."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from consent.complaints import review as complaints
from consent.demo.people import ADDRESS, request_id, standing
from consent.desk import filters, listing
from consent.desk.listing import Wanted
from consent.exports import ask, decide
from consent.inspection import review as inspection
from consent.inspection.records import Verdict
from consent.looks import review as looks
from consent.looks.review import OwnEntries
from consent.objections import review as objections
from identity import sealing
from identity.authentication.lockout import Visit
from identity.authentication.sign_in import WrongCredentials
from identity.citizens.national_id import NationalId
from identity.counter import give, look
from identity.counter.records import Card, Need
from identity.database import transaction
from identity.devices import Device
from identity.staff import sessions, sign_in
from identity.staff.add import find_staff
from identity.staff.sessions import StaffMember


@dataclass
class Officer:
    """One member of staff and the session they are in."""

    username: str
    member: StaffMember = field(init=False)
    export: uuid.UUID = field(init=False)  # the latest that was asked for
    _browser: bytes = field(default_factory=lambda: sealing.digest(secrets.token_urlsafe(32)))

    def sign_in(self) -> None:
        """Both factors were proved: here by the loader, which knows them."""
        staff_id = standing(find_staff(self.username))
        with transaction():
            cookie = sign_in.admit(staff_id, visit=self._visit)
        self.member = standing(sessions.find(cookie))

    def mistype(self) -> None:
        """The password is wrong."""
        try:
            sign_in.prove_password(self.username, secrets.token_urlsafe(), visit=self._visit)
        except WrongCredentials:
            return

    def search(self, number: str, *, case: str, reason: str) -> None:
        """One person's entries are looked at, in a case and for a reason."""
        sought = NationalId.strict(number)
        try:
            search_id = looks.search(self.member, sought, case=case, reason=reason)
        except OwnEntries:
            return
        self._look(Wanted(search=looks.find_search(self.member, search_id)))

    def read(self, asked: Mapping[str, str]) -> None:
        """The newest entries are looked through, narrowed."""
        self._look(Wanted(filters=filters.read(asked, filters.choices()).filters))

    def _look(self, wanted: Wanted) -> None:
        among = filters.choices()
        listing.look(self.member, wanted, among=among, request_id=request_id(), language="vi")

    def answer_objection(self, number: str, text: str) -> None:
        """The objection is read, then answered."""
        objections.look(self.member, number, request_id=request_id())
        objections.answer(self.member, number, text=text, request_id=request_id())

    def answer_complaint(self, number: str, text: str) -> None:
        """The complaint is read, then answered."""
        complaints.look(self.member, number, request_id=request_id())
        complaints.answer(self.member, number, text=text, request_id=request_id())

    def help(self, number: str, *, need: str, card: str, gives: bool) -> None:
        """Somebody stands at the counter: a letter, or none, where the card is not theirs."""
        look_id = look.look_up(
            self.member,
            NationalId.strict(number),
            need=Need(need),
            card=Card(card),
            request_id=request_id(),
        )
        if gives:
            give.give(self.member, look_id, request_id=request_id())
            give.printed(self.member, look_id)
        else:
            give.reject(self.member, look_id, request_id=request_id())

    def inspect(self, *, most: int, doubts: str, note: str) -> None:
        """Some looks of the samples that wait are reviewed; one reason is not good enough."""
        found = inspection.overview(self.member, request_id=request_id())
        waiting = [entry for day in found.days if not day.is_done for entry in day.sample]
        for entry in waiting[:most]:
            item = inspection.one(self.member, entry, request_id=request_id(), language="vi")
            if item.said is not None:
                continue
            is_doubted = item.look.subject.get("reason") == doubts
            verdict = Verdict.TO_EXPLAIN if is_doubted else Verdict.IN_ORDER
            said = note if is_doubted else ""
            inspection.review(
                self.member, entry, verdict=verdict, note=said, request_id=request_id()
            )

    def ask_export(self, asked: Mapping[str, str], *, reason: str) -> None:
        """A list is wanted as a file."""
        among = filters.choices()
        self.export = ask.ask(
            self.member,
            filters.read(asked, among).filters,
            among=among,
            reason=reason,
            request_id=request_id(),
        )

    def decide_export(self, export: uuid.UUID, *, confirms: bool) -> None:
        """The second officer has a say."""
        decide.decide(self.member, export, confirms=confirms, request_id=request_id())

    @property
    def _visit(self) -> Visit:
        return Visit(self._browser, ADDRESS, request_id(), device=Device("Firefox", "Windows"))
