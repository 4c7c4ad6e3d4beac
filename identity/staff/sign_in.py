"""Staff sign in: password, then a one-time code; budgets as for citizens, a log entry as staff."""

import uuid

from identity import trail
from identity.authentication import lockout, sent_twice
from identity.authentication.lockout import Reservation, Target, TooManyTries, Visit
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
    """The staff member is signed in; the cookie to set. The same form again has the same answer.

    Raises:
        half.StepEnded: the password was proved too long ago, not in this browser, or is no
            longer the person's.
        TooManyTries: the budget for codes is spent.
        WrongCode: not the code of now, or it was used already.
    """
    told = sent_twice.told(step_text, code, visit=visit)
    try:
        owed = half.step(step_text, visit.browser_digest, is_staff=True)
        return _finish(owed, code, visit=visit, told=told)
    except half.StepEnded:
        who = half.require_just_spent(step_text, visit.browser_digest, is_staff=True)
        return _again(who, visit=visit, told=told)


def _finish(owed: half.Step, code: str, *, visit: Visit, told: bytes) -> str:
    reservation = _reserve(owed.who, visit)
    try:
        with transaction():
            lockout.release(reservation)
            half.spend(owed)
            _prove_code(owed, code)
            return admit(owed.who, visit=visit, told=told)
    except half.StepEnded:  # the code was not even looked at
        with transaction():
            lockout.release(reservation)
        raise
    except WrongCode:
        _mark(owed.who, visit, reason="code")
        raise


def _again(staff_id: uuid.UUID, *, visit: Visit, told: bytes) -> str:
    """The cookie of a form that has come twice; whoever guesses its code has a budget here too."""
    reservation = _reserve(staff_id, visit)
    cookie = sessions.again(staff_id, told)
    if cookie is None:
        raise half.StepEnded("start again with the password")
    with transaction():
        lockout.release(reservation)
    return cookie


def _reserve(staff_id: uuid.UUID, visit: Visit) -> Reservation:
    try:
        return lockout.reserve(Target("staff-code", staff_id.hex, is_known_device=False), visit)
    except TooManyTries:
        _mark(staff_id, visit, reason="throttled")
        raise


def _prove_code(owed: half.Step, code: str) -> None:
    found = records.held(owed.who)
    if found is None:
        raise WrongCode("this account has ended")
    if found.changed_at is not None and found.changed_at > owed.proved_at:
        raise half.StepEnded("start again with the password")
    second_factor.spend(found, code)


def admit(staff_id: uuid.UUID, *, visit: Visit, told: bytes | None = None) -> str:
    """Both factors were proved: the staff member is signed in; the cookie that proves it.

    Inside the transaction that spends what proved them.
    """
    cookie = sessions.start(staff_id, told=told)
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
