"""Staff sign in: password, then a one-time code; budgets as for citizens, a log entry as staff."""

import uuid

from identity import clock, trail
from identity.authentication import lockout, second_factor, steps
from identity.authentication.lockout import Target, TooManyTries, Visit
from identity.authentication.second_factor import WrongCode
from identity.authentication.sign_in import WrongCredentials
from identity.citizens import passwords
from identity.citizens.people import DEMO
from identity.database import transaction
from identity.entry import Who
from identity.staff import accounts, records, sessions
from identity.staff.add import known_form


def prove_password(username: str, password: str, *, visit: Visit) -> str:
    """The password is right; the text that the page of the code brings back.

    Raises:
        TooManyTries: the budget is spent; the password was not even looked at.
        SignInBusy: it was not looked at either, and does not count.
        WrongCredentials: unknown username or wrong password.
    """
    name = known_form(username)
    found = records.find_by_username(name)
    staff_id = None if found is None else found.id
    try:
        reservation = lockout.reserve(Target("staff-password", name, is_known_device=False), visit)
    except TooManyTries:
        _mark(staff_id, visit, reason="throttled")
        raise
    kept = None if found is None else found.password_hash
    with lockout.unless_busy(reservation):
        is_right = passwords.is_right(password, kept)
    if not is_right or found is None:
        _mark(staff_id, visit, reason="password")
        raise WrongCredentials("the username or the password is not right")
    outdated = passwords.is_outdated(found.password_hash)
    new_hash = passwords.hash_password(password) if outdated else None
    with transaction():
        lockout.release(reservation)
        if new_hash is not None:
            records.replace_hash(found.id, new_hash, old=found.password_hash)
        return steps.open_step(found.id, visit.browser_digest, is_staff=True)


def finish(step_text: str, code: str, *, visit: Visit) -> str:
    """The staff member is signed in; the cookie to set.

    Raises:
        steps.StepEnded: the password was proved too long ago, or not in this browser.
        TooManyTries: the budget for codes is spent.
        WrongCode: not the code of now, or it was used already.
    """
    owed = steps.step(step_text, visit.browser_digest, is_staff=True)
    try:
        target = Target("staff-code", owed.who.hex, is_known_device=False)
        reservation = lockout.reserve(target, visit)
        with transaction():
            lockout.release(reservation)
            steps.spend(owed)
            _spend_code(owed.who, second_factor.typed(code))
            cookie = sessions.start(owed.who)
            _record(owed.who, visit)
    except TooManyTries:
        _mark(owed.who, visit, reason="throttled")
        raise
    except WrongCode:
        _mark(owed.who, visit, reason="code")
        raise
    return cookie


def _spend_code(staff_id: uuid.UUID, code: str) -> None:
    found = records.find_by_id(staff_id)
    if found is None:
        raise WrongCode("this account has ended")
    factor = accounts.factor_of(found)
    if factor.kind == DEMO:
        if second_factor.is_fixed_code(factor.secret, code):
            return
    else:
        shown = second_factor.matching_step(factor.secret, code, at=clock.now())
        if shown is not None and records.spend_step(staff_id, step=shown):
            return
    raise WrongCode("this code is wrong or was used already")


def _record(staff_id: uuid.UUID, visit: Visit) -> None:
    trail.record(
        "sign_in:succeeded",
        Who(actor=staff_id),
        subject={"result": "succeeded"},
        acting={"actor": staff_id.hex, "request": visit.request_id},
    )


def _mark(staff_id: uuid.UUID | None, visit: Visit, *, reason: str) -> None:
    if staff_id is None:
        lockout.count_stranger(visit)
        return
    trail.refuse(
        "sign_in:refused",
        Who(actor=staff_id),
        subject={"result": "refused", "reason": reason},
        acting={"actor": staff_id.hex, "request": visit.request_id},
    )
