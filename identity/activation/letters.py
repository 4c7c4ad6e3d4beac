"""Letters with activation codes: posted to who has no password, or handed over at a counter.

One good letter each. Where there is a password, a letter waits before it opens the account, so that
its owner, who is told, can stop it (decision 0029).
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from identity import clock, sealing, trail
from identity.activation import records
from identity.citizens import people
from identity.citizens import records as citizen_records
from identity.citizens.national_id import NationalId
from identity.citizens.records import Status
from identity.database import AnyRow, transaction
from identity.entry import Who
from identity.errors import Refusal
from identity.factors import printed_code

LIFETIME = timedelta(days=30)
COOLING = timedelta(hours=72)  # before a letter opens an account that has a password
RECOVERY = timedelta(days=14)  # how long such a letter is good, the waiting included
PURPOSE = "activation-letter"  # of the digest; never changes
BATCH = 200  # one commit; well under a second
TOLD_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Letter:
    """What is printed: for whom, in the words that a counter can compare, and the code."""

    full_name: str = field(repr=False)
    number_ends: str = field(repr=False)  # the last three digits, and no more (decision 0022)
    code: str = field(repr=False)
    valid_until: date
    good_from: datetime | None = None  # null: at once


class NotActive(Refusal):
    """The account is locked, or its owner has died: no letter opens it."""

    status, code, slug = 409, "access_denied", "account-not-active"
    title = "This account gets no letter"


@dataclass(frozen=True, slots=True)
class GoodLetter:
    """A letter that can be used, now or soon."""

    unit: str | None  # whose counter gave it out; null: it was posted
    issued_at: datetime
    good_from: datetime | None  # null: at once
    expires_at: datetime


Keep = Callable[[Sequence[Letter]], None]


def digests(citizen_id: uuid.UUID, code: str) -> tuple[bytes, ...]:
    """Under which digests a letter's code may stand, the one of today first."""
    return printed_code.digests(citizen_id, code, purpose=PURPOSE)


def issue(keep: Keep, *, only: Iterable[NationalId] | None = None) -> int:
    """Letters are on their way; how many.

    To everybody who is active and has neither password nor a letter still good; or to `only` these
    people, if they have no password, whose letter of before is over. `keep` has each batch in
    safety before its codes count: one that nobody has would keep its owner out for 30 days.
    """
    made = 0
    for citizen_ids in _waiting() if only is None else _named(only):
        made += _issue_batch(citizen_ids, keep)
    return made


def _waiting() -> Iterator[list[uuid.UUID]]:
    after: uuid.UUID | None = None
    while found := records.without_letter(after, at=clock.now(), limit=BATCH):
        yield found
        after = found[-1]


def _named(numbers: Iterable[NationalId]) -> Iterator[list[uuid.UUID]]:
    indexes = [index for number in numbers for index in people.indexes(number)]
    found = sorted(set(citizen_records.find_by_indexes(indexes).values()))
    for first in range(0, len(found), BATCH):
        yield records.those_without_password(found[first : first + BATCH])


def hand_over(citizen_id: uuid.UUID, *, unit: str) -> Letter:
    """The person's one good letter is this, out of a counter's printer; in a transaction.

    Raises:
        NotActive: the account is locked, or its owner has died.
    """
    account, at = records.held(citizen_id), clock.now()
    if account is None or account.status != Status.ACTIVE:
        raise NotActive("this account gets no letter")
    (row,) = citizen_records.enrolled([citizen_id])
    good_from = None if account.changed_at is None else at + COOLING
    last_day = clock.today() + (LIFETIME if good_from is None else RECOVERY)
    code = printed_code.new()
    kept = _row(citizen_id, code, last_day=last_day)
    records.put_letters([kept | {"recovers_from": good_from, "unit": unit}])
    return _letter(row, code, valid_until=last_day, good_from=good_from)


def good_letter(citizen_id: uuid.UUID) -> GoodLetter | None:
    """The person's letter that opens their account, now or soon; null: there is none."""
    row = records.newest_letter(citizen_id)
    return None if row is None else still_good(row)


def still_good(row: AnyRow) -> GoodLetter | None:
    """The letter of a row, if it opens the account now or soon; all null: there is none."""
    is_open = row.expires_at is not None and row.expires_at > clock.now() and row.spent_at is None
    if not is_open or not fits(row):
        return None
    return GoodLetter(row.unit, row.issued_at, row.recovers_from, row.expires_at)


def fits(row: AnyRow) -> bool:
    """Whether a letter is for the account as it is: its owner chose no password since."""
    if row.changed_at is None:
        return True
    return row.recovers_from is not None and row.changed_at < row.issued_at


def _issue_batch(citizen_ids: Sequence[uuid.UUID], keep: Keep) -> int:
    last_day = clock.today() + LIFETIME
    made = [(row, printed_code.new()) for row in citizen_records.enrolled(citizen_ids)]
    keep([_letter(row, code, valid_until=last_day) for row, code in made])
    rows = [_row(row.citizen_id, code, last_day=last_day) for row, code in made]
    if rows:
        with transaction():
            records.put_letters(rows)
            for row, _ in made:
                trail.record(
                    "letter:issued", Who(citizen=row.citizen_id), subject={"result": "issued"}
                )
    return len(rows)


def _row(citizen_id: uuid.UUID, code: str, *, last_day: date) -> dict[str, Any]:
    return {
        "citizen_id": citizen_id,
        "digest": digests(citizen_id, code)[0],
        "issued_at": clock.now(),
        # As its reader understands the date: to the end of that day in Viet Nam.
        "expires_at": datetime.combine(last_day, time.max, tzinfo=clock.VIETNAM),
    }


def _letter(
    row: AnyRow, code: str, *, valid_until: date, good_from: datetime | None = None
) -> Letter:
    key = sealing.ring().unwrap(row.wrapped, row.kek_id)
    place = (row.citizen_id, row.identity_version)
    identity = people.open_identity(row.sealed, key, row=place)
    ends = identity.national_id.reveal()[-TOLD_DIGITS:]
    return Letter(identity.full_name, ends, code, valid_until, good_from)
