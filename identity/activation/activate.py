"""Activating an account: the number and a letter's code, then a password and a second factor.

The letter is spent by the last step, so whoever is interrupted begins again with the same letter.
One that a counter gave out does the same for who lost password or factors: it begins anew.
"""

import hmac
import uuid
from datetime import datetime

from identity import clock
from identity.activation import letters, records, recover
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

ACTIVATED, RECOVERED = "account:activated", "account:recovered"


class WrongLetter(AccessDenied):
    """No such number, not its letter's code, or a letter that is over: they look the same."""

    slug = "wrong-letter"
    title = "The number or the letter's code is not right"


class EarlyLetter(AccessDenied):
    """The right code, too early; told only to who has it."""

    slug = "early-letter"
    title = "The letter can not be used yet"

    def __init__(self, detail: str, *, good_from: datetime) -> None:
        super().__init__(detail)
        self.good_from = good_from


def prove_letter(number: NationalId, code: str, *, visit: Visit) -> str:
    """The letter is this person's and still good; the text that the next pages bring back.

    `code` has the form of one.

    Raises:
        TooManyTries: a budget is spent; nothing was looked at.
        WrongLetter: unknown number, wrong code, or the letter was used, ended or replaced.
        EarlyLetter: it opens an account that has a password, and its owner may still stop it.
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
    if found.changed_at is not None and found.recovers_from > clock.now():
        _mark(citizen_id, visit, reason="early")
        raise EarlyLetter("wait until the letter can be used", good_from=found.recovers_from)
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
    """Whether this is the code of a letter for this account as it is."""
    kept = b"" if found.digest is None else bytes(found.digest)
    is_right = any(hmac.compare_digest(kept, digest) for digest in known)
    is_open = kept and found.spent_at is None and found.expires_at > clock.now()
    return bool(is_right and is_open and letters.fits(found) and _is_active(found.status))


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
    with transaction():
        account = records.held(begun.citizen_id)
        entry = _open_account(account, begun.letter_digest, password_hash=begun.password_hash)
        setups.spend(begun)
        if entry == RECOVERED:
            recover.end_everything(begun.citizen_id)
        second_factor.adopt(begun, code)
        told = {"entry": entry, "factor": str(begun.kind)}
        return sign_in.admit(begun.citizen_id, visit=visit, before=before, **told)


def _open_account(account: AnyRow | None, letter_digest: bytes, *, password_hash: str) -> str:
    """The letter is spent and the password counts; the type of the entry to write."""
    at = clock.now()
    if account is None or not _is_active(account.status):
        raise WrongLetter("the account can not be activated any more")
    letter = records.spend_letter(account.citizen_id, letter_digest, at=at)
    if letter is None:
        raise WrongLetter("the letter was used or replaced meanwhile")
    is_first = account.changed_at is None
    if not is_first and not recover.may_begin_anew(letter, account, at=at):
        raise WrongLetter("another password was chosen meanwhile")
    old = account.hash
    if not citizen_records.replace_hash(account.citizen_id, password_hash, old=old, at=at):
        raise WrongLetter("another password was chosen meanwhile")
    return ACTIVATED if is_first else RECOVERED


def _mark(citizen_id: uuid.UUID | None, visit: Visit, *, reason: str) -> None:
    sign_in.mark("activation:refused", citizen_id, visit=visit, reason=reason)
