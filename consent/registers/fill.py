"""Fill an embedded register from its file: good lines are kept, equal ones change nothing."""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from consent.attributes import records
from consent.attributes.catalogue import DECLARED
from consent.attributes.envelopes import VERIFIED, open_members, seal_members
from consent.attributes.values import head, ticket
from consent.registers.wire import BadLine, Claim, claim
from identity import clock, database, sealing
from identity.citizens import people
from identity.citizens import records as citizens
from identity.database import transaction

# The log's order waits for the oldest open transaction (design §7): commit often.
BATCH, BATCH_SECONDS = 500, 0.5

Tell = Callable[[int, str], None]  # line number, fault
Advance = Callable[[int], None]  # bytes read


@dataclass
class Filled:
    """What one import did."""

    kept: int = 0
    unchanged: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """One value that was told before."""

    as_of: date
    about_id: uuid.UUID | None
    members: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the people of one batch."""

    ids: dict[str, uuid.UUID]  # by personal number
    keys: dict[uuid.UUID, bytes]
    told: dict[tuple[uuid.UUID, str, str], list[Standing]]  # citizen, attribute, register
    heads: dict[tuple[uuid.UUID, str, str], Standing]


@dataclass
class Changes:
    """The rows that one batch adds."""

    values: list[dict[str, Any]]
    heads: dict[tuple[uuid.UUID, str], dict[str, Any]]
    tickets: list[dict[str, Any]]


def fill(register: str, lines: Iterable[bytes], *, tell: Tell, advance: Advance) -> Filled:
    """Every good line of the file stands in the register; each bad one was told.

    A value is appended, and stands unless a newer one does. Two that disagree about a day, a
    newer one that came with an older day, and a person's own word that differs open a ticket.
    """
    filled = Filled()
    for batch in _batches(register, lines, tell=_counted(filled, tell), advance=advance):
        _keep(register, batch, filled=filled, tell=tell)
    return filled


def _counted(filled: Filled, tell: Tell) -> Tell:
    def telling(number: int, fault: str) -> None:
        filled.bad += 1
        tell(number, fault)

    return telling


def _batches(
    register: str, lines: Iterable[bytes], *, tell: Tell, advance: Advance
) -> Iterator[list[Claim]]:
    batch: list[Claim] = []
    begun = time.monotonic()
    for number, line in enumerate(lines, start=1):
        try:
            if line.strip():
                batch.append(claim(line, number, register=register))
        except BadLine as bad:
            tell(number, str(bad))
        advance(len(line))
        if len(batch) >= BATCH or time.monotonic() - begun > BATCH_SECONDS:
            yield batch
            batch, begun = [], time.monotonic()
    yield batch


def _keep(register: str, batch: Sequence[Claim], *, filled: Filled, tell: Tell) -> None:
    known = _known(register, batch)
    changes = Changes([], {}, [])
    for read in batch:
        citizen_id = known.ids.get(read.national_id.reveal())
        if citizen_id is None or citizen_id not in known.keys:
            filled.bad += 1
            tell(read.number, "national_id: nobody is enrolled with this number")
        elif _add(read, citizen_id, known=known, changes=changes):
            filled.kept += 1
        else:
            filled.unchanged += 1
    if changes.values:
        with transaction():
            records.append_values(changes.values)
            records.move_heads(list(changes.heads.values()))
            records.open_tickets(changes.tickets)


def _add(read: Claim, citizen_id: uuid.UUID, *, known: Known, changes: Changes) -> bool:
    """Whether the line says something new; `changes` and `known` have it now."""
    name, register = read.attribute.name, read.attribute.register
    place = (citizen_id, name, register)
    about_id = None if read.about is None else known.ids.get(read.about.reveal())
    new = Standing(read.as_of, about_id, read.members)
    told = known.told.setdefault(place, [])
    if new in told:
        return False
    value_id = database.new_id()
    changes.values.append(_row(new, place, value_id=value_id, key=known.keys[citizen_id]))
    stands = known.heads.get(place)
    if _disagrees(stands, new):
        changes.tickets.append(ticket(citizen_id, name, kind="register_disagrees"))
    if stands is None or new.as_of >= stands.as_of:
        known.heads[place] = new
        ends = new.members["valid_to"]
        row = head(citizen_id, name, register=register, value_id=value_id, valid_to=ends)
        changes.heads[(citizen_id, name)] = row
        word = known.heads.get((citizen_id, name, DECLARED))
        if word is not None and word.members["value"] != new.members["value"]:
            changes.tickets.append(ticket(citizen_id, name, kind="declared_differs"))
    told.append(new)
    return True


def _disagrees(stands: Standing | None, new: Standing) -> bool:
    """A later day may bring another value; the same day, or an earlier one told later, may not."""
    return (
        stands is not None
        and new.as_of <= stands.as_of
        and new.members["value"] != stands.members["value"]
    )


def _row(
    new: Standing, place: tuple[uuid.UUID, str, str], *, value_id: uuid.UUID, key: bytes
) -> dict[str, Any]:
    return {
        "citizen_id": place[0],
        "id": value_id,
        "attribute": place[1],
        "register": place[2],
        "source": VERIFIED,
        "as_of": new.as_of,
        "sealed": seal_members(new.members, key, value_id=value_id),
        "about_id": new.about_id,
        "recorded_at": clock.now(),
    }


def _known(register: str, batch: Sequence[Claim]) -> Known:
    ids = _ids(batch)
    subjects = {ids[n] for n in {c.national_id.reveal() for c in batch} if n in ids}
    ring = sealing.ring()
    keys = {
        row.citizen_id: ring.unwrap(row.wrapped, row.kek_id) for row in citizens.enrolled(subjects)
    }
    known = Known(ids, keys, {}, {})
    names = {read.attribute.name for read in batch}
    for row in records.told(subjects, names, registers=(register, DECLARED)):
        members = open_members(row.sealed, keys[row.citizen_id], value_id=row.id)
        standing = Standing(row.as_of, row.about_id, members)
        place = (row.citizen_id, row.attribute, row.register)
        known.told.setdefault(place, []).append(standing)
        if row.stands:
            known.heads[place] = standing
    return known


def _ids(batch: Sequence[Claim]) -> dict[str, uuid.UUID]:
    """Who is behind the numbers of a batch, in one look."""
    numbers = {read.national_id for read in batch} | {c.about for c in batch if c.about}
    indexes = {index: number for number in numbers for index in people.indexes(number)}
    by_digest = {digest: number.reveal() for (_, digest), number in indexes.items()}
    found = citizens.find_by_indexes(indexes)
    return {by_digest[digest]: citizen_id for digest, citizen_id in found.items()}
