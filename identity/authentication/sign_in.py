"""Signing in: the password first, then a one-time code; only both make a session (acr 2)."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from identity import clock, sealing, trail
from identity.authentication import lockout, second_factor, sent_twice, sessions
from identity.authentication import records as session_records
from identity.authentication.lockout import Reservation, Target, TooManyTries, Visit
from identity.authentication.second_factor import Factor, Shown, WrongCode
from identity.authentication.sessions import CitizenSession, Proof, Started
from identity.citizens import passwords, people
from identity.citizens import records as citizen_records
from identity.citizens.national_id import NationalId
from identity.citizens.records import Status
from identity.database import transaction
from identity.entry import Who, seal_entry
from identity.errors import AccessDenied, Refusal
from identity.factors import recovery
from identity.steps import half, records
from identity.steps.half import StepEnded
from identity.together import Answer, Clause, look, together

ACR_OF_BOTH = 2  # two different factors, vn:auth:2
METHODS = ("pwd", "otp", "mfa")
SUCCEEDED = "sign_in:succeeded"
NOT_RIGHT = "the number or the password is not right"
START_AGAIN = "start again with the password"


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
    target = Target("password", number.reveal(), is_known_device=False)
    found, seen = _account(number, lockout.standing(target, visit), visit=visit)
    target = replace(target, is_known_device=found.is_known)
    try:
        reservation = lockout.reserve(target, visit, seen=seen)
    except TooManyTries:
        _mark(found.citizen_id, visit, reason="throttled")
        raise
    with lockout.unless_busy(reservation):
        is_right = passwords.is_right(password, found.hash)
    if not is_right or found.citizen_id is None:
        _mark(found.citizen_id, visit, reason="password")
        raise WrongCredentials(NOT_RIGHT)
    if found.status != Status.ACTIVE:
        _mark(found.citizen_id, visit, reason=str(found.status))
        raise AccountBarred("this account cannot be used")
    _renew_hash(found, password)
    text, step = half.new(found.citizen_id, visit.browser_digest)
    opening = records.opening({**_of_step(step), "step_password_at": found.changed_at})
    if together(*opening, lockout.giving_back(reservation, after="held")) is None:
        # Changed while we compared: what was proved is the password of before.
        raise WrongCredentials(NOT_RIGHT)
    return text


@dataclass(frozen=True, slots=True)
class _Account:
    """Whose a typed number is; all of it null and false: nobody's."""

    citizen_id: uuid.UUID | None
    status: str | None
    hash: str | None = field(repr=False)  # null: not activated yet
    changed_at: datetime | None
    is_known: bool


def _account(number: NationalId, budgets: Clause, *, visit: Visit) -> tuple[_Account, Answer]:
    """The account behind a number, and the same answer for `lockout.reserve`: one statement."""
    clause = records.account(people.indexes(number), visit.browser_digest)
    answer = look(clause, budgets)
    assert answer is not None  # noqa: S101 - nobody has a row too
    return _Account(**{name: answer[f"account.{name}"] for name in clause.returns}), answer


def _of_step(step: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "browser": step["browser_digest"],
        "step_digest": step["digest"],
        "step_who": step["who"],
        "step_at": step["created_at"],
        "step_end": step["expires_at"],
    }


def _renew_hash(found: _Account, password: str) -> None:
    """The same password at today's cost; it is as old as it was."""
    if found.citizen_id is None or not passwords.is_outdated(found.hash or ""):
        return
    new_hash = passwords.hash_password(password)
    with transaction():
        citizen_records.replace_hash(
            found.citizen_id, new_hash, old=found.hash, at=found.changed_at or clock.now()
        )


def codes_left(step_text: str, browser_digest: bytes) -> recovery.Left | None:
    """How many printed codes are left to who has proved the password here; null: nobody has."""
    try:
        step = _presented(step_text, browser_digest)
    except StepEnded:
        return None
    answer = look(records.codes_left(step))
    if answer is None:
        return None
    return recovery.Left(answer["codes.made"], answer["codes.unspent"], answer["codes.made_at"])


def _presented(step_text: str, browser_digest: bytes) -> dict[str, Any]:
    """What the clauses about a step want to know.

    Raises:
        StepEnded: we made no such text.
    """
    who, digest = half.opened(step_text)
    presented = {"step_who": who, "step_digest": digest, "browser": browser_digest}
    return {**presented, "step_at": clock.now()}


def finish(step_text: str, code: str, *, visit: Visit, before: CitizenSession | None) -> Started:
    """The person is signed in; the cookie to set. The same form sent again has the same answer.

    `before` is the session this browser had, whose cookie is dead now.

    Raises:
        StepEnded: the password was proved too long ago, not in this browser, or is no
            longer the person's.
        TooManyTries: the budget for codes is spent.
        WrongCode: not the code of now, or it was used already.
        AccountBarred: locked since the password was proved.
    """
    step = _presented(step_text, visit.browser_digest)
    told = sent_twice.told(step_text, code, visit=visit)
    proof = _proof(step["step_who"], visit, told=told)
    try:
        try:
            return _finish(step, proof, code=code, visit=visit, before=before)
        except StepEnded:
            return sent_twice.session(step_text, proof, visit=visit)
    except (TooManyTries, WrongCode, AccountBarred) as refusal:
        # Nothing but the try was written: the step can be tried again.
        _mark(proof.citizen_id, visit, reason=_REASONS[type(refusal)])
        raise


def _finish(
    step: Mapping[str, Any], proof: Proof, *, code: str, visit: Visit, before: CitizenSession | None
) -> Started:
    target = second_factor.target(proof.citizen_id, is_known_device=False)
    owed = look(records.owed(step), lockout.standing(target, visit))
    if owed is None:
        raise StepEnded(START_AGAIN)
    target = replace(target, is_known_device=owed["owed.is_known"])
    reservation = lockout.reserve(target, visit, seen=owed)
    shown = _shown(proof.citizen_id, owed, code=second_factor.typed(code))
    admitting = _admitting(step, shown, counted=reservation)
    started = _start(proof, admitting, visit=visit, before=before)
    if started is None:
        raise _why_not(step, counted=reservation)
    return started


_REASONS = {TooManyTries: "throttled", WrongCode: "code", AccountBarred: "barred"}


def _shown(who: uuid.UUID, owed: Answer, *, code: str) -> Shown:
    """What the code may prove.

    Raises:
        WrongCode: nothing.
    """
    listed = owed["owed.factors"]
    key = sealing.ring().unwrap(owed["owed.wrapped"], owed["owed.kek_id"]) if listed else b""
    factors = [
        Factor(uuid.UUID(factor_id), kind, bytes.fromhex(sealed), key)
        for factor_id, kind, sealed in listed
    ]
    return second_factor.shown(who, factors, code=code)


def _admitting(
    step: Mapping[str, Any], shown: Shown, *, counted: Reservation
) -> tuple[Clause, ...]:
    """The step and the code are spent, the try is given back, if all of it still holds."""
    params = {**step, "factor_id": shown.factor_id, "factor_step": shown.step}
    spending = records.admitting(params, printed=shown.printed)
    return (*spending, lockout.giving_back(counted, after="admitted"))


def _start(
    proof: Proof,
    admitting: tuple[Clause, ...],
    *,
    visit: Visit,
    before: CitizenSession | None,
) -> Started | None:
    """The session, in the statement that spends what was proved; null: something was not."""
    if before is not None:
        with transaction():
            if together(*admitting) is None:
                return None
            return _admit(proof, visit=visit, before=before, entry=SUCCEEDED)
    who = proof.citizen_id
    started, starting = sessions.starting(proof, visit.device, after="admitted")
    entry = seal_entry(SUCCEEDED, _who(who, visit), **_said(who, visit))
    writing = (*starting, *trail.clauses(entry, after=("admitted",)))
    return started if together(*admitting, *writing) is not None else None


def _why_not(step: Mapping[str, Any], *, counted: Reservation) -> Refusal:
    """What stood against it a moment ago: the step, the account, or else the code."""
    owed = look(records.owed({**step, "step_at": clock.now()}))
    if owed is None:  # where no code buys anything, none was guessed at
        with transaction():
            lockout.release(counted)
        return StepEnded(START_AGAIN)
    changed_at = owed["owed.changed_at"]
    if owed["owed.status"] != Status.ACTIVE or changed_at is None:
        return AccountBarred("this account cannot be used")
    if changed_at > owed["owed.created_at"]:  # perhaps because somebody else knew it
        return StepEnded(START_AGAIN)
    return WrongCode(second_factor.REFUSED)


def admit(
    citizen_id: uuid.UUID, *, visit: Visit, before: CitizenSession | None, entry: str, **more: str
) -> Started:
    """Two factors were proved: the person is signed in, in a browser that is known from now.

    Inside the transaction that spends what proved them; `more` stands in the entry.
    """
    return _admit(_proof(citizen_id, visit), visit=visit, before=before, entry=entry, **more)


def _admit(
    proof: Proof, *, visit: Visit, before: CitizenSession | None, entry: str, **more: str
) -> Started:
    who = proof.citizen_id
    session_records.know_device(who, visit.browser_digest, at=clock.now(), device=visit.device)
    started = sessions.start(proof, before=before)
    trail.record(entry, _who(who, visit), **_said(who, visit, **more))
    return started


def _proof(citizen_id: uuid.UUID, visit: Visit, *, told: bytes | None = None) -> Proof:
    return Proof(citizen_id, visit.browser_digest, ACR_OF_BOTH, METHODS, told)


def _who(citizen_id: uuid.UUID, visit: Visit) -> Who:
    return Who(citizen_id, citizen_id, visit.public_service_id)


def _said(citizen_id: uuid.UUID, visit: Visit, **more: str) -> dict[str, Mapping[str, Any]]:
    return {
        "subject": {"result": "succeeded", **more},
        "acting": {"actor": citizen_id.hex, "request": visit.request_id},
    }


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
