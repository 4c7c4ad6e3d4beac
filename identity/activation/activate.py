"""Activating an account: the number and a letter's code, then a password and a second factor.

The letter is spent by the last step, so whoever is interrupted begins again with the same letter.
"""

import hmac
import uuid

from identity import clock
from identity.activation import letters, records
from identity.authentication import lockout, second_factor, sign_in
from identity.authentication.lockout import Reservation, Target, TooManyTries, Visit
from identity.authentication.sessions import CitizenSession, Started
from identity.citizens import passwords, people
from identity.citizens import records as citizen_records
from identity.citizens.national_id import NationalId
from identity.citizens.records import Status
from identity.database import AnyRow, transaction
from identity.entry import NOBODY
from identity.errors import AccessDenied
from identity.factors import setups
from identity.factors.password_rules import require_strong
from identity.factors.setups import Kind, Setup, SetupEnded


class WrongLetter(AccessDenied):
    """No such number, not its letter's code, or a letter that is over: they look the same."""

    slug = "wrong-letter"
    title = "The number or the letter's code is not right"


def prove_letter(number: NationalId, code: str, *, visit: Visit) -> str:
    """The letter is this person's and still good; the text that the next pages bring back.

    `code` has the form of one.

    Raises:
        TooManyTries: a budget is spent; nothing was looked at.
        WrongLetter: unknown number, wrong code, or the letter was used, ended or replaced.
    """
    found = records.find_letter(people.indexes(number))
    citizen_id = None if found is None else found.citizen_id
    try:
        reserved = _reserve(number, code, visit=visit)
    except TooManyTries:
        _mark(citizen_id, visit, reason="throttled")
        raise
    # For nobody the same is computed, so that the time tells nothing.
    known = letters.digests(citizen_id or NOBODY, code)
    if found is None or not _is_good(found, known):
        _mark(citizen_id, visit, reason="letter")
        raise WrongLetter("the number or the letter's code is not right")
    with transaction():
        for reservation in reserved:
            lockout.release(reservation)
        return setups.open_setup(
            found.citizen_id, visit.browser_digest, letter_digest=bytes(found.digest)
        )


def _reserve(number: NationalId, code: str, *, visit: Visit) -> tuple[Reservation, ...]:
    """One try at the number and one at the code: a stolen letter finds no owner by trying."""
    guessed = {"letter": number.reveal(), "letter-code": code}
    targets = [Target(kind, value, is_known_device=False) for kind, value in guessed.items()]
    return tuple(lockout.reserve(target, visit) for target in targets)


def _is_good(found: AnyRow, known: tuple[bytes, ...]) -> bool:
    """Whether the letter can be used now, by an account that has no password yet."""
    kept = b"" if found.digest is None else bytes(found.digest)
    is_right = any(hmac.compare_digest(kept, digest) for digest in known)
    is_open = kept and found.spent_at is None and found.expires_at > clock.now()
    return bool(is_right and is_open and found.changed_at is None and _is_active(found.status))


def _is_active(status: str) -> bool:
    return status == Status.ACTIVE


def activation(text: str, visit: Visit) -> Setup:
    """What this browser has chosen for the account so far.

    Raises:
        SetupEnded: nothing, too late, or what is being chosen is not for an activation.
    """
    begun = setups.setup(text, visit.browser_digest)
    if begun.letter_digest is None:
        raise SetupEnded("start again with the letter")
    return begun


def choose_password(begun: Setup, password: str) -> None:
    """This will be the account's password.

    Raises:
        WeakPassword: it would be guessed.
        SignInBusy: so many people hash that nobody came to it.
        SetupEnded: it was too late.
    """
    require_strong(password, people.person(begun.citizen_id))
    new_hash = passwords.hash_password(password)
    with transaction():
        setups.set_password(begun, new_hash)


def choose_factor(begun: Setup, kind: Kind) -> None:
    """This kind will be the second factor; its secret or codes are ready to be shown.

    Raises:
        SetupEnded: it was too late.
    """
    with transaction():
        setups.choose(begun, kind)


def finish(begun: Setup, code: str, *, visit: Visit, before: CitizenSession | None) -> Started:
    """The account is active and the person signed in; the cookie to set.

    Two factors were proved: the letter, which only its owner was given, or the app whose code was
    shown, and the password that was chosen a moment ago.

    Raises:
        SetupEnded: too late, another request was faster, or a step is missing.
        WrongLetter: the letter was used or replaced meanwhile, or the account barred.
        WrongCode: the app does not show this code; it can be tried again.
    """
    if begun.password_hash is None or begun.kind is None or begun.letter_digest is None:
        raise SetupEnded("a step is missing")
    at = clock.now()
    with transaction():
        setups.spend(begun)
        if not records.spend_letter(begun.citizen_id, begun.letter_digest, at=at):
            raise WrongLetter("the letter was used or replaced meanwhile")
        account = records.held_status(begun.citizen_id)
        if account is None or not _is_active(account.status):
            raise WrongLetter("the account can not be activated any more")
        citizen_records.replace_hash(begun.citizen_id, begun.password_hash, old=None, at=at)
        second_factor.adopt(begun, code)
        told = {"entry": "account:activated", "factor": str(begun.kind)}
        return sign_in.admit(begun.citizen_id, visit=visit, before=before, **told)


def _mark(citizen_id: uuid.UUID | None, visit: Visit, *, reason: str) -> None:
    sign_in.mark("activation:refused", citizen_id, visit=visit, reason=reason)
