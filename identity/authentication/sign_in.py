"""Signing in: the password first, then a one-time code; only both make a session (acr 2)."""

import uuid

from identity import clock, trail
from identity.authentication import lockout, records, second_factor, sessions, steps
from identity.authentication.lockout import Target, TooManyTries, Visit
from identity.authentication.second_factor import WrongCode
from identity.authentication.sessions import CitizenSession, Proof, Started
from identity.citizens import passwords, people
from identity.citizens import records as citizen_records
from identity.citizens.national_id import NationalId
from identity.citizens.records import Status
from identity.database import AnyRow, transaction
from identity.entry import Who
from identity.errors import AccessDenied
from identity.factors import recovery

ACR_OF_BOTH = 2  # two different factors, vn:auth:2
METHODS = ("pwd", "otp", "mfa")


class WrongCredentials(AccessDenied):
    """No such number, or not its password: the two look the same."""

    slug = "wrong-credentials"
    title = "The number or the password is not right"


class AccountBarred(AccessDenied):
    """Locked, or its owner has died. Told only to who knows the password."""

    slug = "account-barred"
    title = "This account cannot be used"


def prove_password(number: NationalId, password: str, *, visit: Visit) -> str:
    """The password is right; the text that the page of the code brings back.

    Raises:
        TooManyTries: the budget is spent; the password was not even looked at.
        SignInBusy: it was not looked at either, and does not count.
        WrongCredentials: unknown number or wrong password.
        AccountBarred: right, but the account is locked or its owner has died.
    """
    found = citizen_records.find_for_sign_in(people.indexes(number))
    citizen_id = None if found is None else found.citizen_id
    is_known = citizen_id is not None and records.is_known_device(citizen_id, visit.browser_digest)
    target = Target("password", number.reveal(), is_known)
    try:
        reservation = lockout.reserve(target, visit)
    except TooManyTries:
        _mark(citizen_id, visit, reason="throttled")
        raise
    kept = None if found is None else found.hash
    with lockout.unless_busy(reservation):
        is_right = passwords.is_right(password, kept)
    if not is_right or found is None:
        _mark(citizen_id, visit, reason="password")
        raise WrongCredentials("the number or the password is not right")
    if found.status is not Status.ACTIVE:
        _mark(citizen_id, visit, reason=str(found.status))
        raise AccountBarred("this account cannot be used")
    _renew_hash(found, password)
    with transaction():
        account = citizen_records.held_account(found.citizen_id)
        if account is None or account.changed_at != found.changed_at:
            # Changed while we compared: what was proved is the password of before.
            raise WrongCredentials("the number or the password is not right")
        lockout.release(reservation)
        return steps.open_step(found.citizen_id, visit.browser_digest, is_staff=False)


def _renew_hash(found: AnyRow, password: str) -> None:
    """The same password at today's cost; it is as old as it was."""
    if not passwords.is_outdated(found.hash):
        return
    new_hash = passwords.hash_password(password)
    with transaction():
        citizen_records.replace_hash(
            found.citizen_id, new_hash, old=found.hash, at=found.changed_at
        )


def codes_left(step_text: str, browser_digest: bytes) -> recovery.Left | None:
    """How many printed codes are left to who has proved the password here; null: nobody has."""
    try:
        return recovery.left(steps.step(step_text, browser_digest, is_staff=False).who)
    except steps.StepEnded:
        return None


def finish(step_text: str, code: str, *, visit: Visit, before: CitizenSession | None) -> Started:
    """The person is signed in; the cookie to set.

    `before` is the session this browser had, whose cookie is dead now.

    Raises:
        steps.StepEnded: the password was proved too long ago, not in this browser, or is no
            longer the person's.
        TooManyTries: the budget for codes is spent.
        WrongCode: not the code of now, or it was used already.
        AccountBarred: locked since the password was proved.
    """
    owed = steps.step(step_text, visit.browser_digest, is_staff=False)
    is_known = records.is_known_device(owed.who, visit.browser_digest)
    target = second_factor.target(owed.who, is_known_device=is_known)
    try:
        reservation = lockout.reserve(target, visit)
        with transaction():
            lockout.release(reservation)
            return _session(owed, second_factor.typed(code), visit=visit, before=before)
    except TooManyTries:
        _mark(owed.who, visit, reason="throttled")
        raise
    except WrongCode:
        # The transaction is rolled back: the try counts, and the step can be tried again.
        _mark(owed.who, visit, reason="code")
        raise
    except AccountBarred:
        _mark(owed.who, visit, reason="barred")
        raise


def _session(
    owed: steps.Step, code: str, *, visit: Visit, before: CitizenSession | None
) -> Started:
    steps.spend(owed)
    second_factor.spend(owed.who, code)
    account = citizen_records.held_account(owed.who)
    if account is None or account.status is not Status.ACTIVE:
        raise AccountBarred("this account cannot be used")
    if account.changed_at > owed.proved_at:  # perhaps because somebody else knew it
        raise steps.StepEnded("start again with the password")
    return admit(owed.who, visit=visit, before=before, entry="sign_in:succeeded")


def admit(
    citizen_id: uuid.UUID, *, visit: Visit, before: CitizenSession | None, entry: str, **more: str
) -> Started:
    """Two factors were proved: the person is signed in, in a browser that is known from now.

    Inside the transaction that spends what proved them; `more` stands in the entry.
    """
    records.know_device(citizen_id, visit.browser_digest, at=clock.now(), device=visit.device)
    proof = Proof(citizen_id, visit.browser_digest, ACR_OF_BOTH, METHODS)
    started = sessions.start(proof, before=before)
    trail.record(
        entry,
        Who(citizen_id, citizen_id, visit.public_service_id),
        subject={"result": "succeeded", **more},
        acting={"actor": citizen_id.hex, "request": visit.request_id},
    )
    return started


def _mark(citizen_id: uuid.UUID | None, visit: Visit, *, reason: str) -> None:
    mark("sign_in:refused", citizen_id, visit=visit, reason=reason)


def mark(entry: str, citizen_id: uuid.UUID | None, *, visit: Visit, reason: str) -> None:
    """A refusal stands in the person's log; for nobody a count takes as long."""
    if citizen_id is None:
        lockout.count_stranger(visit)
        return
    trail.refuse(
        entry,
        Who(citizen=citizen_id, public_service=visit.public_service_id),
        subject={"result": "refused", "reason": reason},
        acting={"request": visit.request_id},
    )
