"""Letters with activation codes: to people who have no password, one good letter each, 30 days."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from identity import clock, sealing, trail
from identity.activation import records
from identity.citizens import people
from identity.citizens import records as citizen_records
from identity.citizens.national_id import NationalId
from identity.database import AnyRow, transaction
from identity.entry import Who
from identity.factors import printed_code

LIFETIME = timedelta(days=30)
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


def _issue_batch(citizen_ids: Sequence[uuid.UUID], keep: Keep) -> int:
    at = clock.now()
    last_day = clock.today() + LIFETIME
    # As its reader understands the date: to the end of that day in Viet Nam.
    until = datetime.combine(last_day, time.max, tzinfo=clock.VIETNAM)
    made = [(row, printed_code.new()) for row in citizen_records.enrolled(citizen_ids)]
    keep([_letter(row, code, valid_until=last_day) for row, code in made])
    rows = [
        {
            "citizen_id": row.citizen_id,
            "digest": digests(row.citizen_id, code)[0],
            "issued_at": at,
            "expires_at": until,
            "spent_at": None,
        }
        for row, code in made
    ]
    if rows:
        with transaction():
            records.put_letters(rows)
            for row, _ in made:
                trail.record(
                    "letter:issued", Who(citizen=row.citizen_id), subject={"result": "issued"}
                )
    return len(rows)


def _letter(row: AnyRow, code: str, *, valid_until: date) -> Letter:
    key = sealing.ring().unwrap(row.wrapped, row.kek_id)
    place = (row.citizen_id, row.identity_version)
    identity = people.open_identity(row.sealed, key, row=place)
    ends = identity.national_id.reveal()[-TOLD_DIGITS:]
    return Letter(identity.full_name, ends, code, valid_until)
