"""A counter officer gives a letter to who stands before them, or says that the card is not theirs.

What protects the person: the look and the letter are entries with the officer's unit, which the
person reads and which security officers review; a letter waits 72 hours where there is a password;
few letters an hour for one officer, and few a day for one person (decision 0029).
"""

import uuid
from datetime import timedelta

from identity import clock, trail
from identity.activation import letters
from identity.authentication import lockout
from identity.authentication.lockout import Budget, TooManyTries
from identity.counter import look, records
from identity.database import transaction
from identity.entry import Who
from identity.staff.sessions import StaffMember

PRINTING = timedelta(minutes=10)  # how long the letter can be shown again, to be printed
MOST_LETTERS, HOUR = 20, timedelta(hours=1)
MOST_FOR_ONE, DAY = 3, timedelta(days=1)


def give(officer: StaffMember, look_id: uuid.UUID, *, request_id: str) -> None:
    """The person's new letter can be printed, and the one before is over; twice is once.

    Raises:
        NoSuchLook: there is none, or it is over.
        OwnAccount: it is the officer's own, as was learnt since the look.
        NotActive: the account is locked, or its owner has died.
        TooManyTries: this officer, or this person, had more letters than there should be.
    """
    row = look.find(officer, look_id)
    if row.found_id == officer.own_citizen_id:
        look.refuse(officer, row.found_id, reason="own_account")
        raise look.OwnAccount("a colleague helps with your own account", note="own account")
    try:
        with transaction():
            _give(officer, row.id, found_id=row.found_id, request_id=request_id)
    except (TooManyTries, letters.NotActive) as refusal:
        is_late = isinstance(refusal, TooManyTries)
        look.refuse(officer, row.found_id, reason="throttled" if is_late else "barred")
        raise


def _give(
    officer: StaffMember, look_id: uuid.UUID, *, found_id: uuid.UUID, request_id: str
) -> None:
    at = clock.now()
    if not records.spend(look_id, officer.id, at=at):
        return  # the same form a second time, or both buttons: the first one counts
    row = look.find(officer, look_id)
    lockout.spend(Budget(("counter-letter", officer.id.hex), MOST_LETTERS, HOUR), at)
    lockout.spend(Budget(("counter-letter-to", found_id.hex), MOST_FOR_ONE, DAY), at)
    letter = letters.hand_over(found_id, unit=officer.unit)
    records.keep_letter(look_id, sealed=look.sealed(letter), until=at + PRINTING)
    trail.record(
        "letter:issued",
        Who(citizen=found_id, actor=officer.id),
        subject={"result": "issued", "reason": str(row.need), "card": str(row.card)},
        acting=officer.acting(request_id),
    )


def reject(officer: StaffMember, look_id: uuid.UUID, *, request_id: str) -> None:
    """The card is not this person's: no letter, and the attempt stands in both logs.

    Raises:
        NoSuchLook: there is none, or it is over.
    """
    row = look.find(officer, look_id)
    with transaction():
        if not records.spend(look_id, officer.id, at=clock.now()):
            return  # as for a letter: what was done first stays
        records.end(look_id, officer.id, at=clock.now())
        trail.record(
            look.REFUSED,
            Who(citizen=row.found_id, actor=officer.id),
            subject={"result": "refused", "reason": "not_alike", "card": str(row.card)},
            acting=officer.acting(request_id),
        )


def printed(officer: StaffMember, look_id: uuid.UUID) -> None:
    """The letter is on paper: its code is shown no more."""
    with transaction():
        records.end(look_id, officer.id, at=clock.now())
