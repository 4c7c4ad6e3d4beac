"""Queries about looks: entries of one person or of all, what is missing, and searches."""

import operator
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Row, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from consent.audit.records import LogPosition, LogSubject
from identity import database
from identity.columns import Base
from identity.trail import AccessEntry, EntryKey


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


def entries(
    *,
    of: uuid.UUID | None = None,
    but: uuid.UUID | None = None,
    kind: str | None = None,
    before: int | None = None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Entries with their keys and places, the newest first; the place is null until it is given.

    `of` one person, `but` about everybody else, of one `kind`, older than the entry `before`.
    """
    wanted = (
        (of, operator.eq, AccessEntry.citizen_id),
        (but, operator.ne, AccessEntry.citizen_id),
        (kind, operator.eq, AccessEntry.type),
        (before, operator.gt, AccessEntry.id),
    )
    query = (
        select(
            AccessEntry.__table__,
            EntryKey.subject_wrapped,
            EntryKey.actor_wrapped,
            EntryKey.kek_id,
            LogPosition.position,
            LogPosition.behind_seconds,
        )
        .outerjoin(
            EntryKey,
            (EntryKey.citizen_id == AccessEntry.citizen_id) & (EntryKey.entry_id == AccessEntry.id),
        )
        .outerjoin(LogPosition, _is_place_of(AccessEntry))
        .where(*_given(wanted))
        .order_by(AccessEntry.id.desc())
        .limit(limit)
    )
    return database.rows(query)


def _given(wanted: Iterable[tuple[Any, Any, Any]]) -> list[Any]:
    """Conditions about what was asked for; what is null was not."""
    return [compare(value, column) for value, compare, column in wanted if value is not None]


def _is_place_of(entry: type[AccessEntry]) -> Any:  # noqa: ANN401 - an SQL condition
    return (LogPosition.citizen_id == entry.citizen_id) & (LogPosition.entry_id == entry.id)


def counts(citizen_id: uuid.UUID) -> tuple[int, int]:
    """How many entries a person's own list numbers, and how many of those can still be read."""
    query = (
        select(func.count().label("listed"), func.count(AccessEntry.id).label("readable"))
        .select_from(LogSubject)
        .outerjoin(LogPosition, LogPosition.position == LogSubject.position)
        .outerjoin(
            AccessEntry,
            _is_place_of(AccessEntry) & (AccessEntry.citizen_id == LogSubject.citizen_id),
        )
        .where(LogSubject.citizen_id == citizen_id)
    )
    found = database.row(query)
    return (0, 0) if found is None else (int(found.listed), int(found.readable))


def newest(citizen_id: uuid.UUID, types: Sequence[str], *, limit: int) -> Sequence[Row[Any]]:
    """The newest entries of these types about one person: what and when, nothing sealed."""
    wanted = (AccessEntry.citizen_id == citizen_id, AccessEntry.type.in_(list(types)))
    query = select(AccessEntry.id, AccessEntry.type, AccessEntry.at).where(*wanted)
    return database.rows(query.order_by(AccessEntry.id.desc()).limit(limit))


def add_search(search: Mapping[str, Any]) -> None:
    """A search can be opened by the one who made it."""
    database.write(insert(AuditSearch).values(**search))


def find_search(search_id: uuid.UUID, staff_id: uuid.UUID, *, at: datetime) -> Row[Any] | None:
    """A search of this very staff member that has not ended; null: there is none."""
    table = AuditSearch.__table__
    mine = (table.c.id == search_id, table.c.staff_id == staff_id, table.c.expires_at > at)
    return database.row(select(table).where(*mine))
