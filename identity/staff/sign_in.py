"""Staff sign in: password, then a one-time code; budgets as for citizens, a log entry as staff."""

import uuid

from identity import trail
from identity.authentication import lockout
from identity.authentication.lockout import Target, TooManyTries, Visit
from identity.authentication.second_factor import WrongCode
from identity.authentication.sign_in import WrongCredentials
from identity.citizens import passwords
from identity.database import transaction
from identity.entry import Who
from identity.staff import records, second_factor, sessions
from identity.staff.add import known_form
from identity.steps import half


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
    kept = None if found is None else found.password_hash or None
    with lockout.unless_busy(reservation):
        is_right = passwords.is_right(password, kept)
    if not is_right or found is None:
        _mark(staff_id, visit, reason="password")
        raise WrongCredentials("the username or the password is not right")
    outdated = passwords.is_outdated(found.password_hash)
    new_hash = passwords.hash_password(password) if outdated else None
    with transaction():
        held = records.held(found.id)
        if held is None or held.password_hash != found.password_hash:
            # Changed while we compared: what was proved is the password of before.
            raise WrongCredentials("the username or the password is not right")
        lockout.release(reservation)
        if new_hash is not None:
            records.replace_hash(found.id, new_hash, old=found.password_hash)
        return half.open_step(found.id, visit.browser_digest, is_staff=True)


def finish(step_text: str, code: str, *, visit: Visit) -> str:
    """The staff member is signed in; the cookie to set.

    Raises:
        half.StepEnded: the password was proved too long ago, not in this browser, or is no
            longer the person's.
        TooManyTries: the budget for codes is spent.
        WrongCode: not the code of now, or it was used already.
    """
    owed = half.step(step_text, visit.browser_digest, is_staff=True)
    try:
        target = Target("staff-code", owed.who.hex, is_known_device=False)
        reservation = lockout.reserve(target, visit)
        with transaction():
            lockout.release(reservation)
            half.spend(owed)
            _prove_code(owed, code)
            cookie = admit(owed.who, visit=visit)
    except TooManyTries:
        _mark(owed.who, visit, reason="throttled")
        raise
    except WrongCode:
        _mark(owed.who, visit, reason="code")
        raise
    return cookie


def _prove_code(owed: half.Step, code: str) -> None:
    found = records.held(owed.who)
    if found is None:
        raise WrongCode("this account has ended")
    if found.changed_at is not None and found.changed_at > owed.proved_at:
        raise half.StepEnded("start again with the password")
    second_factor.spend(found, code)


def admit(staff_id: uuid.UUID, *, visit: Visit) -> str:
    """Both factors were proved: the staff member is signed in; the cookie that proves it.

    Inside the transaction that spends what proved them.
    """
    cookie = sessions.start(staff_id)
    trail.record(
        "sign_in:succeeded",
        Who(actor=staff_id),
        subject={"result": "succeeded"},
        acting={"actor": staff_id.hex, "request": visit.request_id},
    )
    return cookie


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
