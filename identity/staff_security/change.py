"""What staff change about their own account: the password, and what proves them beside it."""

from typing import Any

from identity import clock, trail
from identity.authentication import lockout
from identity.authentication.lockout import Reservation, Target, TooManyTries, Visit
from identity.authentication.second_factor import WrongCode
from identity.authentication.sign_in import WrongCredentials
from identity.citizens import passwords
from identity.database import transaction
from identity.entry import Who
from identity.staff import records, second_factor, sessions
from identity.staff.change import about
from identity.staff.sessions import StaffMember
from identity.staff_enrolment import enrol
from identity.staff_enrolment import records as enrolments


def change_password(member: StaffMember, *, old: str, new: str, visit: Visit) -> str:
    """The new password counts; every other session of this account is over.

    The text is this session's new cookie: somebody who copied the old one is out too.

    Raises:
        TooManyTries: the budget for passwords is spent; the old one was not even looked at.
        SignInBusy: it was not looked at either, and does not count.
        WrongCredentials: the old password is not right, or it was changed or this session ended
            meanwhile.
    """
    row, reservation = _prove_password(member, old, visit=visit)
    new_hash, at = passwords.hash_password(new), clock.now()
    with transaction():
        same = row.password_hash
        if not records.replace_hash(member.id, new_hash, old=same, changed_at=at):
            raise WrongCredentials("the password was changed meanwhile")
        cookie = sessions.renew_cookie(member)
        if not cookie:
            raise WrongCredentials("this session has just ended")
        lockout.release(reservation)
        sessions.end_others(member)
        enrolments.end(member.id, at=at)
        subject = about(member, changed="password")
        trail.record(
            "staff:changed", Who(actor=member.id), subject=subject, acting=by(member, visit)
        )
    return cookie


def renew_factor(member: StaffMember, *, password: str, code: str, visit: Visit) -> str:
    """Both factors were proved, so a new second one may be made; the text for the next pages.

    Raises:
        TooManyTries: a budget is spent.
        SignInBusy: the password was not looked at, and does not count.
        WrongCredentials: the password is not right.
        WrongCode: the code is wrong or was used already.
    """
    row, reservation = _prove_password(member, password, visit=visit)
    try:
        tries = lockout.reserve(Target("staff-code", member.id.hex, is_known_device=False), visit)
        with transaction():
            lockout.release(reservation)
            lockout.release(tries)
            second_factor.spend(_held(member, row.password_hash), code)
            return enrol.begin_new_factor(member.id, visit=visit)
    except TooManyTries:
        _mark(member, visit, reason="throttled")
        raise
    except WrongCode:
        _mark(member, visit, reason="code")
        raise


def _prove_password(member: StaffMember, password: str, *, visit: Visit) -> tuple[Any, Reservation]:
    """The account whose password this is, and the try that may be given back."""
    target = Target("staff-password", member.username, is_known_device=False)
    try:
        reservation = lockout.reserve(target, visit)
    except TooManyTries:
        _mark(member, visit, reason="throttled")
        raise
    row = records.find_by_id(member.id)
    kept = None if row is None else row.password_hash or None
    with lockout.unless_busy(reservation):
        is_right = passwords.is_right(password, kept)
    if not is_right:
        _mark(member, visit, reason="password")
        raise WrongCredentials("the password is not right")
    return row, reservation


def _held(member: StaffMember, proved: str) -> Any:  # noqa: ANN401 - a row of the staff table
    row = records.held(member.id)
    if row is None:
        raise WrongCode("this account has ended")
    if row.password_hash != proved:
        # Changed while we compared: what was proved is the password of before.
        raise WrongCredentials("the password is not right")
    return row


def by(member: StaffMember, visit: Visit) -> dict[str, Any]:
    """The actor's part of an entry about what somebody of the staff did."""
    return member.acting(visit.request_id)


def _mark(member: StaffMember, visit: Visit, *, reason: str) -> None:
    subject = about(member) | {"result": "refused", "reason": reason}
    trail.refuse("staff:refused", Who(actor=member.id), subject=subject, acting=by(member, visit))
