"""Somebody of the staff chooses a password and a second factor, which count from the last page on.

Between the pages everything waits on the server, tied to one browser for a quarter of an hour.
"""

import json
import secrets
import uuid
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

from identity import clock, sealing, trail
from identity.authentication import lockout
from identity.authentication import second_factor as codes
from identity.authentication.lockout import Target, Visit
from identity.authentication.second_factor import WrongCode
from identity.citizens import passwords
from identity.citizens.people import TOTP
from identity.database import new_id, transaction
from identity.entry import Who
from identity.errors import AccessDenied
from identity.factors import authenticator, printed_code
from identity.staff import accounts, second_factor
from identity.staff import records as staff
from identity.staff.accounts import Factor
from identity.staff.change import about
from identity.staff_enrolment import invite, records

STEP = timedelta(minutes=15)
TABLE, COLUMN = "staff_enrolment", "sealed_setup"


class WrongEnrolmentCode(AccessDenied):
    """Not the code of this link, or the link is unknown, used or too old: all look the same."""

    slug = "wrong-enrolment-code"
    title = "The enrolment code is not right"


class EnrolmentEnded(AccessDenied):
    """Too late, in another browser, used already, or begun anew in another browser."""

    slug = "enrolment-ended"
    title = "The enrolment must start again"

    def __init__(self, detail: str, *, is_done: bool = False) -> None:
        super().__init__(detail)
        self.is_done = is_done  # this very browser has finished it


@dataclass(frozen=True, slots=True)
class Setup:
    """The second factor that is about to count."""

    secret: str = field(repr=False)
    codes: tuple[str, ...] = field(repr=False)
    step: int | None = None  # of the code that proved the app; null: not proved yet


@dataclass(frozen=True, slots=True)
class Enrolling:
    """Somebody between the pages."""

    id: uuid.UUID
    step_digest: bytes
    member: Any  # a row of the staff table
    new_hash: str | None = field(repr=False)  # null: not chosen yet, or kept
    keeps_password: bool
    setup: Setup | None  # null: no password was chosen yet

    @property
    def name(self) -> str:
        """Whose account it is."""
        return accounts.name_of(self.member)

    @property
    def app(self) -> str:
        """What the authenticator app reads from the picture."""
        assert self.setup is not None  # noqa: S101 - asked on the page of the app alone
        return authenticator.address(self.setup.secret, label=self.member.username)


def open_link(enrolment_id: uuid.UUID, code: str, *, visit: Visit) -> str:
    """The code is the link's; the text that the next pages bring back.

    Raises:
        lockout.TooManyTries: the budget is spent; the code was not even looked at.
        WrongEnrolmentCode: it is not, or there is no such link any more.
    """
    target = Target("staff-enrolment", enrolment_id.hex, is_known_device=False)
    reservation = lockout.reserve(target, visit)
    found = records.find(enrolment_id, at=clock.now())
    digits = printed_code.typed(code) or ""
    tried = invite.digests(enrolment_id, digits)  # as much work for a link that there is not
    member = None if found is None else staff.find_by_id(found.staff_id)
    # Digests are keyed, so the time of comparing them tells nobody anything.
    if found is None or member is None or found.code_digest not in tried:
        _mark(member, visit)
        raise WrongEnrolmentCode("this is not the code of this link, or the link has ended")
    with transaction():
        lockout.release(reservation)
        text, values = _step(visit)
        if not records.open_step(enrolment_id, at=clock.now(), values=values):
            raise WrongEnrolmentCode("the link has ended")
    return text


def begin_new_factor(staff_id: uuid.UUID, *, visit: Visit) -> str:
    """Who is signed in gets a new second factor; the text for the next pages. In a transaction."""
    at = clock.now()
    text, values = _step(visit)
    enrolment_id = new_id()
    member = staff.find_by_id(staff_id)
    setup = _sealed(_new_setup(), member, row=enrolment_id)
    row = {"id": enrolment_id, "staff_id": staff_id, "code_digest": None, "sealed_setup": setup}
    records.add(row | values | {"created_at": at, "expires_at": at + STEP})
    return text


def enrolling(step_text: str, browser_digest: bytes) -> Enrolling:
    """Who is between the pages in this browser.

    Raises:
        EnrolmentEnded: nobody, or it is too late; `is_done` where it was finished here.
    """
    step_digest = sealing.digest(step_text)
    row = records.find_step(step_digest, browser_digest)
    if row is not None and row.spent_at is not None:
        raise EnrolmentEnded("this enrolment was used", is_done=True)
    member = None if row is None else staff.find_by_id(row.staff_id)
    at = clock.now()
    if row is None or member is None or at >= min(row.step_ends_at, row.expires_at):
        raise EnrolmentEnded("open the link again and type its code")
    keeps = row.code_digest is None
    setup = None if row.sealed_setup is None else _opened(row, member)
    return Enrolling(row.id, step_digest, member, row.new_hash, keeps, setup)


def choose_password(one: Enrolling, password: str) -> None:
    """This password will count; the app and the printed codes that go with it are made, once.

    Raises:
        SignInBusy: nobody had the time to hash it.
        EnrolmentEnded: the enrolment has ended meanwhile.
    """
    new_hash = passwords.hash_password(password)
    setup = _sealed(_new_setup(), one.member, row=one.id)
    with transaction():
        # Another page may show what an earlier form has made; that is what will count.
        if not records.keep(one.step_digest, at=clock.now(), values={"new_hash": new_hash}):
            raise EnrolmentEnded("open the link again and type its code")
        records.keep_first_setup(one.step_digest, sealed=setup)


def prove_app(one: Enrolling, code: str) -> None:
    """The app shows the codes of the secret on the page.

    Raises:
        WrongCode: it shows another one.
        EnrolmentEnded: the enrolment has ended meanwhile.
    """
    assert one.setup is not None  # noqa: S101 - the page of the app comes after it was made
    shown = codes.matching_step(one.setup.secret, codes.typed(code), at=clock.now())
    if shown is None:
        raise WrongCode("the app shows another code")
    setup = _sealed(replace(one.setup, step=shown), one.member, row=one.id)
    _keep(one, {"sealed_setup": setup})


def finish(one: Enrolling, *, visit: Visit) -> None:
    """Password, app and printed codes count from now on; nothing from before, nor begun before.

    Raises:
        EnrolmentEnded: the enrolment has ended meanwhile.
    """
    assert one.setup is not None  # noqa: S101 - as above
    at, setup = clock.now(), one.setup
    factor = accounts.sealed_factor(one.member, Factor(TOTP, setup.secret))
    values: dict[str, Any] = {"sealed_factor": factor, "last_step": setup.step, "changed_at": at}
    if one.new_hash is not None:
        values["password_hash"] = one.new_hash
    with transaction():
        is_here = staff.change(one.member.id, **values)
        if not is_here or not records.spend(one.step_digest, at=at):
            raise EnrolmentEnded("open the link again and type its code")
        records.end(one.member.id, at=at)
        second_factor.keep_recovery_codes(one.member.id, setup.codes)
        staff.end_sessions(one.member.id, at=at)
        _record(one, visit)


def _record(one: Enrolling, visit: Visit) -> None:
    by = {"actor": one.member.id.hex, "role": str(one.member.role), "unit": one.member.unit}
    who, acting = Who(actor=one.member.id), by | {"request": visit.request_id}
    if one.keeps_password:
        trail.record(
            "staff:changed", who, subject=about(one.member, changed="second factor"), acting=acting
        )
    else:
        trail.record("staff:enrolled", who, subject=about(one.member), acting=acting)


def _mark(member: Any, visit: Visit) -> None:  # noqa: ANN401 - a row of the staff table
    if member is None:
        lockout.count_stranger(visit)
        return
    told = {"result": "refused", "reason": "enrolment code"}
    acting = {"request": visit.request_id}
    trail.refuse("staff:refused", Who(), subject=about(member) | told, acting=acting)


def _step(visit: Visit) -> tuple[str, dict[str, Any]]:
    text = secrets.token_urlsafe(32)
    return text, {
        "step_digest": sealing.digest(text),
        "browser_digest": visit.browser_digest,
        "step_ends_at": clock.now() + STEP,
    }


def _keep(one: Enrolling, values: dict[str, Any]) -> None:
    with transaction():
        if not records.keep(one.step_digest, at=clock.now(), values=values):
            raise EnrolmentEnded("open the link again and type its code")


def _new_setup() -> Setup:
    return Setup(authenticator.new_secret(), second_factor.recovery_codes())


def _sealed(setup: Setup, member: Any, *, row: uuid.UUID) -> bytes:  # noqa: ANN401 - as above
    place = {"table": TABLE, "column": COLUMN, "row": row.hex}
    return sealing.seal(accounts.key_of(member), json.dumps(asdict(setup)).encode(), **place)


def _opened(row: Any, member: Any) -> Setup:  # noqa: ANN401 - as above
    place = {"table": TABLE, "column": COLUMN, "row": row.id.hex}
    key, hidden = accounts.key_of(member), bytes(row.sealed_setup)
    told = json.loads(sealing.open_sealed(key, hidden, **place))
    return Setup(told["secret"], tuple(told["codes"]), told["step"])
