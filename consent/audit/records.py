"""Tables of the sequenced log: positions, each person's own list, signed heads; searches."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Row,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from identity import bulk, database
from identity.columns import Base
from identity.entry import NOBODY
from identity.trail import AccessEntry, EntryKey

# The worker's row in which the last full check says when it ended, and what it found.
FULL_CHECK = "full check"


class LogPosition(Base):
    """Where in the tree an entry stands: appended by the sequencer alone."""

    __tablename__ = "log_position"
    __table_args__ = (Index("ix_log_position_entry", "entry_id", unique=True),)

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    citizen_id: Mapped[uuid.UUID]
    entry_id: Mapped[int] = mapped_column(BigInteger)
    leaf_hash: Mapped[bytes]
    # How far its clock was behind the latest one before it; null: it was not, by a whole second.
    behind_seconds: Mapped[int | None]


class LogSubject(Base):
    """One person's own numbered list of positions, so that a gap in it can be seen."""

    __tablename__ = "log_subject"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "n"),)

    citizen_id: Mapped[uuid.UUID]
    n: Mapped[int]  # 1, 2, 3… for this person
    position: Mapped[int] = mapped_column(BigInteger)
    previous: Mapped[int | None] = mapped_column(BigInteger)  # null: the first of them


class LogHead(Base):
    """A signed checkpoint of the tree (C2SP tlog-checkpoint)."""

    __tablename__ = "log_head"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes]
    checkpoint: Mapped[str]
    signed_at: Mapped[datetime]


class SequencerState(Base):
    """The frontier of the tree and where to look for the next entries; one row."""

    __tablename__ = "sequencer_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # always 1
    size: Mapped[int] = mapped_column(BigInteger)
    frontier: Mapped[bytes]  # the complete subtrees' hashes, largest first
    signed_size: Mapped[int] = mapped_column(BigInteger)  # of the newest signed head
    signed_frontier: Mapped[bytes]
    # PostgreSQL: every entry with a lower xid is placed. SQLite: every entry with a lower id.
    left_behind: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]


class AuditSearch(Base):
    """What a security officer looked for, behind an opaque id: no person stands in a URL."""

    __tablename__ = "audit_search"
    __table_args__ = (Index("ix_audit_search_expires_at", "expires_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    found_id: Mapped[uuid.UUID | None]  # whom the number belongs to; null: nobody
    wrapped: Mapped[bytes]
    kek_id: Mapped[str]
    sealed: Mapped[bytes]  # JSON {case, reason}
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


def sequencer_state() -> Row[Any] | None:
    """The sequencer's one row, locked until the transaction ends; null before the first entry."""
    return database.row(select(SequencerState).with_for_update())


def keep_state(state: dict[str, Any]) -> None:
    """Write the sequencer's one row."""
    if not database.write(update(SequencerState).where(SequencerState.id == 1).values(state)):
        database.write(insert(SequencerState).values(id=1, **state))


def horizon() -> int | None:
    """Every transaction with a lower xid has ended; null on SQLite, which has one writer."""
    if not database.is_postgresql():
        return None
    found = database.row(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS h"))
    return None if found is None else int(found.h)


def unplaced(left_behind: int, *, limit: int) -> Sequence[Row[Any]]:
    """Visible entries that have no position yet, in the order of their ids."""
    entry = AccessEntry
    query = (
        select(entry.citizen_id, entry.id, entry.xid, entry.at, entry.leaf)
        .where(_since(left_behind), ~_is_placed())
        .order_by(AccessEntry.id)
        .limit(limit)
    )
    return database.rows(query)


def lowest_left_behind(left_behind: int) -> int | None:
    """The lowest xid (SQLite: id) among the visible entries without a position."""
    lowest = func.min(AccessEntry.xid if database.is_postgresql() else AccessEntry.id)
    found = database.row(select(lowest).where(_since(left_behind), ~_is_placed()))
    return None if found is None else found[0]


def oldest_unplaced() -> datetime | None:
    """When the oldest visible entry without a position was sealed; null: each has its place."""
    left_behind = select(SequencerState.left_behind).scalar_subquery()
    found = database.row(
        select(func.min(AccessEntry.at)).where(_since(func.coalesce(left_behind, 0)), ~_is_placed())
    )
    return None if found is None else found[0]


def _since(left_behind: Any) -> Any:  # noqa: ANN401 - SQL conditions
    column = AccessEntry.xid if database.is_postgresql() else AccessEntry.id
    return column >= left_behind


def _is_placed() -> Any:  # noqa: ANN401 - an SQL condition
    return exists().where(
        LogPosition.citizen_id == AccessEntry.citizen_id, LogPosition.entry_id == AccessEntry.id
    )


def append_positions(placed: Sequence[dict[str, Any]], subjects: Sequence[dict[str, Any]]) -> None:
    """Append a batch of the tree's leaves, and each person's own list of them."""
    bulk.append(LogPosition, placed)
    bulk.append(LogSubject, subjects)


def ends_of(citizens: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    """Where each person's own list ends: its length and its last position."""
    # Both grow together, so each maximum is the end of the list; the key's index answers it.
    ends = (
        select(
            LogSubject.citizen_id,
            func.max(LogSubject.n).label("n"),
            func.max(LogSubject.position).label("last"),
        )
        .where(LogSubject.citizen_id.in_(list(citizens)))
        .group_by(LogSubject.citizen_id)
    )
    return {row.citizen_id: (row.n, row.last) for row in database.rows(ends)}


def leaves(start: int, end: int) -> Sequence[Row[Any]]:
    """The stored leaf bytes at these positions, read back; null bytes where the entry is gone."""
    query = (
        select(LogPosition.position, LogPosition.leaf_hash, AccessEntry.leaf)
        .outerjoin(
            AccessEntry,
            (AccessEntry.citizen_id == LogPosition.citizen_id)
            & (AccessEntry.id == LogPosition.entry_id),
        )
        .where(LogPosition.position >= start, LogPosition.position < end)
        .order_by(LogPosition.position)
    )
    return database.rows(query)


def newest_head() -> Row[Any] | None:
    """The last signed head in the database; null: none was signed yet."""
    return database.row(select(LogHead).order_by(LogHead.size.desc()).limit(1))


def append_head(head: dict[str, Any]) -> None:
    """Keep a signed head; the same size is not signed twice."""
    database.write(insert(LogHead), head)


def drop_heads(hour_start: datetime, *, but: int) -> None:
    """Of the heads signed since this hour began, only the newest stays."""
    database.write(delete(LogHead).where(LogHead.signed_at >= hour_start, LogHead.size != but))


def placed(start: int, end: int) -> Sequence[Row[Any]]:
    """Everything stored about these positions: entry and keys, null where they are gone."""
    same_entry = (AccessEntry.citizen_id == LogPosition.citizen_id) & (
        AccessEntry.id == LogPosition.entry_id
    )
    same_key = (EntryKey.citizen_id == LogPosition.citizen_id) & (
        EntryKey.entry_id == LogPosition.entry_id
    )
    query = (
        select(
            LogPosition.position,
            LogPosition.leaf_hash,
            LogPosition.behind_seconds,
            *AccessEntry.__table__.c,
            EntryKey.subject_wrapped,
            EntryKey.actor_wrapped,
            EntryKey.kek_id,
        )
        .outerjoin(AccessEntry, same_entry)
        .outerjoin(EntryKey, same_key)
        .where(LogPosition.position >= start, LogPosition.position < end)
        .order_by(LogPosition.position)
    )
    return database.rows(query)


def heads() -> Sequence[Row[Any]]:
    """Every signed head that is kept, smallest first."""
    return database.rows(select(LogHead).order_by(LogHead.size))


def subject_rows(after: tuple[uuid.UUID, int], *, limit: int) -> Sequence[Row[Any]]:
    """People's own lists, in the order of person and number, with whose position it really is."""
    query = (
        select(
            LogSubject.citizen_id,
            LogSubject.n,
            LogSubject.position,
            LogSubject.previous,
            LogPosition.citizen_id.label("of"),
        )
        .outerjoin(LogPosition, LogPosition.position == LogSubject.position)
        .where(_comes_after(*after))
        .order_by(LogSubject.citizen_id, LogSubject.n)
        .limit(limit)
    )
    return database.rows(query)


def _comes_after(citizen_id: uuid.UUID, n: int) -> Any:  # noqa: ANN401 - an SQL condition
    later = (LogSubject.citizen_id == citizen_id) & (LogSubject.n > n)
    return later | (LogSubject.citizen_id > citizen_id)


def first_unlisted(size: int) -> int | None:
    """The first position that is about somebody and stands in nobody's own list; null: none."""
    place = LogPosition.position
    about = select(place).where(place < size, LogPosition.citizen_id != NOBODY)
    lacking = about.except_(select(LogSubject.position)).subquery()
    found = database.row(select(func.min(lacking.c.position)))
    return None if found is None else found[0]


def stray_position() -> int | None:
    """A position outside the tree, before its first or behind its last; null: there is none."""
    place, size = LogPosition.position, select(SequencerState.size).scalar_subquery()
    found = database.row(select(func.min(place)).where((place < 0) | (place >= size)))
    return None if found is None else found[0]


def passed_over(left_behind: int) -> Row[Any] | None:
    """The first entry that should have a position by now and has none; null: there is none."""
    column = AccessEntry.xid if database.is_postgresql() else AccessEntry.id
    query = (
        select(AccessEntry.id)
        .where(column < left_behind, ~_is_placed())
        .order_by(AccessEntry.id)
        .limit(1)
    )
    return database.row(query)


def position_before(entry_id: int) -> int:
    """How many positions hold entries with a lower id."""
    counted = select(func.count()).select_from(LogPosition)
    found = database.row(counted.where(LogPosition.entry_id < entry_id))
    return 0 if found is None else int(found[0])
