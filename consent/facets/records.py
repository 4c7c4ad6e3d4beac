"""What entries are found by, drawn from the log by the worker: facets, hours, subtree roots."""

import operator
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Index,
    PrimaryKeyConstraint,
    Row,
    Select,
    func,
    insert,
    or_,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from consent.audit.records import LogPosition, placed
from identity import bulk, database
from identity.columns import Base
from identity.trail import AccessEntry, EntryKey

Columns = tuple[Any, ...]
_HAS_BASIS = text("basis IS NOT NULL")


class LogFacet(Base):
    """What one placed entry can be found by; drawn from the entry, and no proof of anything."""

    __tablename__ = "log_facet"
    __table_args__ = (
        Index("ix_log_facet_entry", "entry_id", unique=True),
        Index("ix_log_facet_type", "type", "entry_id"),
        Index("ix_log_facet_service", "public_service_id", "entry_id"),
        Index(
            "ix_log_facet_with_basis",
            "basis",
            "entry_id",
            postgresql_where=_HAS_BASIS,
            sqlite_where=_HAS_BASIS,
        ),
        Index(
            "ix_log_facet_refusal",
            "entry_id",
            postgresql_where=text("is_refused"),
            sqlite_where=text("is_refused = 1"),
        ),
        Index("ix_log_facet_at", "at", "entry_id"),
    )

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    citizen_id: Mapped[uuid.UUID]
    entry_id: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str]
    at: Mapped[datetime]
    public_service_id: Mapped[uuid.UUID]
    basis: Mapped[str | None]  # null: it has none, or cannot be read
    is_refused: Mapped[bool]


class Source(NamedTuple):
    """What the facets of a placed entry are drawn from, while it is there."""

    position: int
    citizen_id: uuid.UUID
    id: int
    type: str
    at: datetime
    public_service_id: uuid.UUID
    c_subject: bytes
    sealed_subject: bytes
    subject_wrapped: bytes | None  # null: erased
    kek_id: str | None


# Its columns; a name costs less to read of a tuple than of a row.
_SOURCE = (
    *(AccessEntry.citizen_id, AccessEntry.id, AccessEntry.type, AccessEntry.at),
    *(AccessEntry.public_service_id, AccessEntry.c_subject, AccessEntry.sealed_subject),
    *(EntryKey.subject_wrapped, EntryKey.kek_id),
)


class LogHour(Base):
    """How often something happened in one hour, the counted repeats of refusals included."""

    __tablename__ = "log_hour"
    __table_args__ = (
        PrimaryKeyConstraint("type", "hour_at"),
        Index("ix_log_hour_hour_at", "hour_at"),
    )

    type: Mapped[str]
    hour_at: Mapped[datetime]
    happened: Mapped[int] = mapped_column(BigInteger)


class LogNode(Base):
    """The root of a complete subtree of 256, 65,536, … leaves, so that a path is short to find."""

    __tablename__ = "log_node"
    __table_args__ = (PrimaryKeyConstraint("tier", "n"),)

    tier: Mapped[int]  # 1: over 256 leaves, 2: over 65,536, …
    n: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """Which entries; what is null was not asked for. `but` never comes, whatever else is asked."""

    but: uuid.UUID | None  # the officer's own citizen account
    of: uuid.UUID | None = None
    type: str | None = None
    services: tuple[uuid.UUID, ...] | None = None
    basis: str | None = None
    is_refused: bool | None = None
    since: datetime | None = None
    until: datetime | None = None  # not included
    first: int | None = None  # entries within the period have no lower id,
    last: int | None = None  # and no higher one
    upto: int | None = None  # a position: only what stood in the tree before it

    @property
    def needs_facets(self) -> bool:
        """Whether something is asked that the entries themselves are not indexed by.

        Of one person the types are read from the entries: that is a short walk.
        """
        if self.type is not None and self.of is None:
            return True
        asked = (self.services, self.basis, self.is_refused, self.since, self.until, self.upto)
        return any(value is not None for value in asked)


def listed(
    wanted: Narrowed, *, before: int | None = None, after: int | None = None, limit: int
) -> Sequence[Row[Any]]:
    """Entries with keys and places: the newest first, or from just behind `after` on upwards."""
    table: Any = LogFacet if wanted.needs_facets and wanted.of is None else AccessEntry
    number = LogFacet.entry_id if table is LogFacet else AccessEntry.id
    bounds = [number < before] if before is not None else []
    bounds += [number > after] if after is not None else []
    is_up = after is not None
    picked = _picked(wanted, table).where(*bounds, *_conditions(wanted, table))
    some = picked.order_by(number if is_up else number.desc()).limit(limit).subquery("picked")
    return database.rows(_with_keys(some, but=wanted.but, is_up=is_up))


def _picked(wanted: Narrowed, table: Any) -> Select[*Columns]:  # noqa: ANN401 - one of two tables
    query = select(LogFacet.citizen_id, LogFacet.entry_id.label("id"))
    if table is LogFacet:
        return query
    query = select(AccessEntry.citizen_id, AccessEntry.id)
    if wanted.needs_facets:  # of one person: their entries lead, the facets say which of them
        return query.join(LogFacet, LogFacet.entry_id == AccessEntry.id)
    return query


def _conditions(wanted: Narrowed, table: Any) -> list[Any]:  # noqa: ANN401 - one of two tables
    found = [table.citizen_id != wanted.but] if wanted.but is not None else []
    found += [table.citizen_id == wanted.of] if wanted.of is not None else []
    found += [table.type == wanted.type] if wanted.type is not None else []
    if not wanted.needs_facets:
        return found
    facet = LogFacet
    if wanted.services is not None:
        found.append(facet.public_service_id.in_(wanted.services))
    if wanted.is_refused is not None:  # in the words of its index
        found.append(facet.is_refused if wanted.is_refused else ~facet.is_refused)
    asked: tuple[tuple[Any, Any, Any], ...] = (
        (facet.basis, operator.eq, wanted.basis),
        (facet.at, operator.ge, wanted.since),
        (facet.at, operator.lt, wanted.until),
        (facet.entry_id, operator.ge, wanted.first),
        (facet.entry_id, operator.le, wanted.last),
        (facet.position, operator.lt, wanted.upto),
    )
    return [
        *found,
        *(compare(column, value) for column, compare, value in asked if value is not None),
    ]


def _with_keys(picked: Any, *, but: uuid.UUID | None, is_up: bool) -> Select[*Columns]:  # noqa: ANN401 - a subquery
    same = (AccessEntry.citizen_id == picked.c.citizen_id) & (AccessEntry.id == picked.c.id)
    query = whole().join(picked, same)
    if but is not None:  # said of the entry itself too: the facets are only drawn from it
        query = query.where(AccessEntry.citizen_id != but)
    return query.order_by(AccessEntry.id if is_up else AccessEntry.id.desc())


def whole() -> Select[*Columns]:
    """Entries with their keys and places, null where those are missing."""
    entry, key, place = AccessEntry, EntryKey, LogPosition
    return (
        select(
            entry.__table__,
            key.subject_wrapped,
            key.actor_wrapped,
            key.kek_id,
            place.position,
            place.leaf_hash,
            place.behind_seconds,
        )
        .select_from(entry)
        .outerjoin(key, (key.citizen_id == entry.citizen_id) & (key.entry_id == entry.id))
        .outerjoin(place, (place.citizen_id == entry.citizen_id) & (place.entry_id == entry.id))
    )


def count(wanted: Narrowed, *, most: int) -> int:
    """How many there are, at most `most` and one more; by facets alone."""
    some = select(LogFacet.position).where(*_conditions(wanted, LogFacet)).limit(most + 1)
    found = database.row(select(func.count()).select_from(some.subquery("some")))
    return 0 if found is None else int(found[0])


def reach() -> int:
    """The first position that has no facets yet."""
    found = database.row(select(func.max(LogFacet.position)))
    return 0 if found is None or found[0] is None else int(found[0]) + 1


def within(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The lowest and the highest id of the entries of a period; `until` is not included."""
    bounds = [LogFacet.at >= since] if since is not None else []
    bounds += [LogFacet.at < until] if until is not None else []
    first, last = func.min(LogFacet.entry_id), func.max(LogFacet.entry_id)
    found = database.row(select(first.label("first"), last.label("last")).where(*bounds))
    return (0, 0) if found is None or found.first is None else (found.first, found.last)


def sources(start: int, end: int) -> list[Source]:
    """What stands at these positions; entries that are gone are left out."""
    found: Iterable[Any] = map(Source._make, placed(start, end, columns=_SOURCE))
    return [source for source in found if source.type is not None]


def append(facets: Sequence[dict[str, Any]], hours: Mapping[tuple[str, datetime], int]) -> None:
    """These entries can be found, and are counted in their hours."""
    bulk.append(LogFacet, facets)
    make = postgresql.insert if database.is_postgresql() else sqlite.insert
    for (kind, hour_at), happened in hours.items():
        counted = make(LogHour).values(type=kind, hour_at=hour_at, happened=happened)
        more = {"happened": LogHour.happened + counted.excluded.happened}
        keys = ["type", "hour_at"]
        database.write(counted.on_conflict_do_update(index_elements=keys, set_=more))


def hours(kind: str, *, since: datetime) -> dict[datetime, int]:
    """How often it happened in each hour since then; an hour without it is left out."""
    query = select(LogHour.hour_at, LogHour.happened)
    found = database.rows(query.where(LogHour.type == kind, LogHour.hour_at >= since))
    return {row.hour_at: row.happened for row in found}


def leaf_hashes(ranges: Sequence[tuple[int, int]]) -> dict[int, bytes]:
    """The leaf hashes at these positions, each range from its first to before its second."""
    place = LogPosition.position
    among = or_(*((place >= start) & (place < end) for start, end in ranges))
    found = database.rows(select(place, LogPosition.leaf_hash).where(among))
    return {row.position: bytes(row.leaf_hash) for row in found}


def nodes(ranges: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int], bytes]:
    """Stored subtree roots: of a tier, from one number to before another."""
    node = LogNode
    among = or_(
        *((node.tier == tier) & (node.n >= start) & (node.n < end) for tier, start, end in ranges)
    )
    found = database.rows(select(node.tier, node.n, node.hash).where(among))
    return {(row.tier, row.n): bytes(row.hash) for row in found}


def next_nodes() -> dict[int, int]:
    """Of each tier that has any, the number of the first subtree that is not stored."""
    query = select(LogNode.tier, func.max(LogNode.n).label("last")).group_by(LogNode.tier)
    return {row.tier: row.last + 1 for row in database.rows(query)}


def append_nodes(made: Sequence[dict[str, Any]]) -> None:
    """These subtrees' roots stand beside the leaves."""
    database.write(insert(LogNode), made)
