"""Proving oneself again before something changes, under the budgets of the sign-in."""

from datetime import datetime

from identity import trail
from identity.account import records
from identity.authentication import lockout
from identity.authentication import records as sign_in_records
from identity.authentication.lockout import Reservation, Target, TooManyTries, Visit
from identity.authentication.sessions import CitizenSession
from identity.authentication.sign_in import WrongCredentials
from identity.citizens import passwords, people
from identity.entry import Who


def prove_password(
    session: CitizenSession, password: str, *, visit: Visit
) -> tuple[str, datetime, Reservation]:
    """The password is the account's; its hash, its age, and the try to give back.

    Raises:
        TooManyTries: the budget is spent; the password was not even looked at.
        SignInBusy: it was not looked at either, and does not count.
        WrongCredentials: it is not the account's.
    """
    number = people.person(session.citizen_id).national_id
    target = Target("password", number.reveal(), is_known_device=is_known(session, visit))
    try:
        reservation = lockout.reserve(target, visit)
    except TooManyTries:
        mark(session, visit, reason="throttled")
        raise
    row = records.password(session.citizen_id)
    with lockout.unless_busy(reservation):
        is_right = passwords.is_right(password, None if row is None else row.hash)
    if not is_right or row is None:
        mark(session, visit, reason="password")
        raise WrongCredentials("the password is not right")
    return row.hash, row.changed_at, reservation


def is_known(session: CitizenSession, visit: Visit) -> bool:
    """Whether this browser has a budget of its own."""
    return sign_in_records.is_known_device(session.citizen_id, visit.browser_digest)


def mark(session: CitizenSession, visit: Visit, *, reason: str) -> None:
    """What was refused stands in the person's log: perhaps it was not the person."""
    trail.refuse(
        "security:refused",
        owner(session),
        subject={"result": "refused", "reason": reason},
        acting=by(session, visit),
    )


def owner(session: CitizenSession) -> Who:
    """Of an entry about what a person did to their own account."""
    return Who(session.citizen_id, session.actor_id)


def by(session: CitizenSession, visit: Visit) -> dict[str, str]:
    """The actor's part of such an entry."""
    return {"actor": session.actor_id.hex, "request": visit.request_id}
