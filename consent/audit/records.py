"""Tables of the sequenced log: positions, each person's own list, signed heads."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Index,
    Row,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.columns import Base
from identity.entry import NOBODY
from identity.trail import AccessEntry, EntryKey


class LogPosition(Base):
    """Where in the tree an entry stands: appended by the sequencer alone."""

    __tablename__ = "log_position"
    __table_args__ = (Index("ix_log_position_entry_id", "entry_id", unique=True),)

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    citizen_id: Mapped[uuid.UUID]
    entry_id: Mapped[int] = mapped_column(BigInteger)
    leaf_hash: Mapped[bytes]
    # What its clock was behind the latest before it, 63 years at most; null: not by a second.
    behind_seconds: Mapped[int | None]


class LogSubject(Base):
    """One person's own numbered list of positions, so that a gap in it can be seen."""

    __tablename__ = "log_subject"

    citizen_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 1, 2, 3… for each
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


PLACE, ENTRY, KEYS = (each.__table__.c for each in (LogPosition, AccessEntry, EntryKey))


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


# Two fences against what PostgreSQL guesses of a table that it has not analysed yet, or of numbers
# above all that it knows: a range is taken for small, so that its index is walked, and behind an
# OFFSET each entry's place is looked up instead of all places being read.
ANY = 2**63 - 1
# What may be placed now: in the order of ids, and only up to the first entry whose transaction may
# still have older company on its way. The horizon alone would let a withdrawal with a low xid
# overtake the disclosure before it, whose xid is higher though its id is lower: all behind it wait.
# A clock that was set back moves nothing; how far it was behind the latest one before is marked, in
# whole seconds of both: of their parts each pass would lose one.
_PLACE = """
    INSERT INTO log_position (position, citizen_id, entry_id, leaf_hash, behind_seconds)
    SELECT position, citizen_id, id, {leaf_hash},
        CASE WHEN latest - at >= {second} THEN {behind} END
    FROM (
        SELECT found.*, :size - 1 + row_number() OVER earlier AS position,
            max(xid) OVER earlier AS newest, {greatest}(max(at) OVER earlier, coalesce((
                SELECT told.at + coalesce(last.behind_seconds, 0) * {second}
                FROM log_position AS last JOIN access_entry AS told ON told.id = last.entry_id
                WHERE last.position = :size - 1
            ), at)) AS latest
        FROM (
            SELECT citizen_id, id, xid, at, leaf FROM access_entry
            WHERE {column} BETWEEN :left_behind AND :any AND NOT EXISTS (
                SELECT 1 FROM log_position WHERE entry_id = access_entry.id LIMIT 1 OFFSET 0
            )
            ORDER BY id LIMIT :most
        ) AS found
        WINDOW earlier AS (ORDER BY id ROWS UNBOUNDED PRECEDING)
    ) AS numbered
    WHERE newest < :horizon
"""
_IN_POSTGRESQL = {
    "column": "xid",
    "second": "interval '1 second'",
    "leaf_hash": "sha256(decode('00', 'hex') || leaf)",
    "greatest": "greatest",
    "behind": "least(2e9, floor(extract(epoch FROM latest)) - floor(extract(epoch FROM at)))",
}
_IN_SQLITE = {
    "column": "id",
    "second": "1000000",
    "leaf_hash": "sha256(CAST(x'00' || leaf AS BLOB))",
    "greatest": "max",
    "behind": "min(2e9, latest / 1000000 - at / 1000000)",
}


def place(left_behind: int, horizon: int | None, *, size: int, most: int) -> int:
    """The next entries have positions from `size` on, at most so many; how many."""
    words = _IN_SQLITE if horizon is None else _IN_POSTGRESQL
    told = {"left_behind": left_behind, "any": ANY, "size": size, "most": most}
    told["horizon"] = 1 if horizon is None else horizon  # without one each xid is zero
    return database.write(text(_PLACE.format(**words)), told)


# Each person's own list goes on with the positions that were just given.
_LIST = """
    INSERT INTO log_subject (citizen_id, n, position, previous)
    SELECT fresh.citizen_id, coalesce(last.n, 0) + row_number() OVER own, fresh.position,
        coalesce(lag(fresh.position) OVER own, last.position)
    FROM log_position AS fresh LEFT JOIN {last}
    WHERE fresh.position BETWEEN :first AND :last AND fresh.citizen_id <> :nobody
    WINDOW own AS (PARTITION BY fresh.citizen_id ORDER BY fresh.position)
"""
_LAST_IN_POSTGRESQL = """LATERAL (
    SELECT n, position FROM log_subject WHERE citizen_id = fresh.citizen_id ORDER BY n DESC LIMIT 1
) AS last ON true"""
# Which has no LATERAL.
_LAST_IN_SQLITE = """log_subject AS last ON last.citizen_id = fresh.citizen_id AND last.n = (
    SELECT max(n) FROM log_subject WHERE citizen_id = fresh.citizen_id
)"""


def enlist(start: int, end: int) -> None:
    """Whoever has positions from one to before another has them in their own list."""
    last = _LAST_IN_POSTGRESQL if database.is_postgresql() else _LAST_IN_SQLITE
    query = text(_LIST.format(last=last)).bindparams(bindparam("nobody", NOBODY, Uuid()))
    database.write(query, {"first": start, "last": end - 1})


def lowest_left_behind(left_behind: int, horizon: int, *, after: int) -> int | None:
    """The lowest xid below the horizon of the entries behind this one that have no position."""
    waits = (AccessEntry.id > after, AccessEntry.xid.between(left_behind, horizon - 1))
    found = database.row(select(func.min(AccessEntry.xid)).where(*waits, ~_is_placed()))
    return None if found is None else found[0]


def oldest_unplaced() -> datetime | None:
    """When the oldest visible entry without a position was sealed; null: each has its place."""
    column = AccessEntry.xid if database.is_postgresql() else AccessEntry.id
    left_behind = select(func.coalesce(func.max(SequencerState.left_behind), 0)).scalar_subquery()
    waits = (column.between(left_behind, ANY), ~_is_placed())
    found = database.row(select(func.min(AccessEntry.at)).where(*waits))
    return None if found is None else found[0]


def _is_placed() -> Any:  # noqa: ANN401 - an SQL condition
    theirs = select(PLACE.position).where(PLACE.entry_id == AccessEntry.id)
    return theirs.limit(1).offset(0).exists()


def newest_head() -> Row[Any] | None:
    """The last signed head in the database; null: none was signed yet."""
    return database.row(select(LogHead).order_by(LogHead.size.desc()).limit(1))


def append_head(head: dict[str, Any]) -> None:
    """Keep a signed head; the same size is not signed twice."""
    database.write(insert(LogHead), head)


def drop_heads(start: datetime, end: datetime, *, but: int) -> None:
    """Of the heads signed from one moment to before another, only this one stays."""
    during = (LogHead.signed_at >= start, LogHead.signed_at < end)
    database.write(delete(LogHead).where(*during, LogHead.size != but))


LEAF, HASH = (ENTRY.leaf,), (PLACE.leaf_hash, PLACE.entry_id)
WHOLE = (
    *(PLACE.leaf_hash, PLACE.behind_seconds, *ENTRY),
    *(KEYS.subject_wrapped, KEYS.actor_wrapped, KEYS.kek_id),
)


def placed(start: int, end: int, *, columns: Sequence[Any] = WHOLE) -> Sequence[Any]:
    """What is stored about these positions, of entry and keys: null where they are gone."""
    query = (
        select(PLACE.position, *columns)
        .select_from(LogPosition)
        .outerjoin(
            AccessEntry, (ENTRY.citizen_id == PLACE.citizen_id) & (ENTRY.id == PLACE.entry_id)
        )
        .outerjoin(
            EntryKey, (KEYS.citizen_id == PLACE.citizen_id) & (KEYS.entry_id == PLACE.entry_id)
        )
        .where(PLACE.position >= start, PLACE.position < end)
        .order_by(PLACE.position)
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
        .where(tuple_(LogSubject.citizen_id, LogSubject.n) > after)
        .order_by(LogSubject.citizen_id, LogSubject.n)
        .limit(limit)
    )
    return database.rows(query)


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
