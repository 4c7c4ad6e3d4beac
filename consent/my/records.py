"""Queries for the citizen's own pages: entries about one person, and what is amiss with values."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, false, or_, select, true

from consent.attributes.records import AttributeHead, ValueTicket
from consent.audit.records import LogPosition
from consent.ledger.records import Receipt
from identity import database
from identity.trail import AccessEntry, EntryKey

_ENTRY = AccessEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """Which entries of a person a page wants, as far as columns tell; null: all of them."""

    before: int | None = None
    since: datetime | None = None
    types: tuple[str, ...] = ()  # `attributes` stands for all types that begin so; none: all
    services: tuple[uuid.UUID, ...] | None = None  # of these public services only
    is_by_staff: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same in SQL."""
        told: list[ColumnElement[bool]] = []
        if self.before is not None:
            told.append(_ENTRY.id < self.before)
        if self.since is not None:
            told.append(_ENTRY.at >= self.since)
        if self.types:
            told.append(or_(*(_ENTRY.type.startswith(kind) for kind in self.types)))
        if self.services is not None:
            told.append(_ENTRY.public_service_id.in_(self.services))
        if self.is_by_staff:
            told.append(_ENTRY.type.startswith("staff:"))
        return told


def entries(citizen_id: uuid.UUID, narrowed: Narrowed, *, limit: int) -> Sequence[Row[Any]]:
    """Entries about one person with their keys and places, the newest first.

    The walk is along the primary key (citizen, id), so others' entries cost nothing.
    """
    mine = _ENTRY.citizen_id == citizen_id
    key = (EntryKey.citizen_id == _ENTRY.citizen_id) & (EntryKey.entry_id == _ENTRY.id)
    place = (LogPosition.citizen_id == _ENTRY.citizen_id) & (LogPosition.entry_id == _ENTRY.id)
    query = (
        select(
            _ENTRY.__table__,
            EntryKey.subject_wrapped,
            EntryKey.actor_wrapped,
            EntryKey.kek_id,
            LogPosition.position,
            LogPosition.behind_seconds,
        )
        .outerjoin(EntryKey, key)
        .outerjoin(LogPosition, place)
        .where(mine, *narrowed.conditions())
        .order_by(_ENTRY.id.desc())
        .limit(limit)
    )
    return database.rows(query)


def services(citizen_id: uuid.UUID) -> Sequence[uuid.UUID]:
    """Which public services had a part in any entry about a person; nobody's id among them."""
    mine = select(_ENTRY.public_service_id).where(_ENTRY.citizen_id == citizen_id)
    return [row.public_service_id for row in database.rows(mine.distinct())]


def standing(citizen_id: uuid.UUID) -> Sequence[Row[Any]]:
    """Attributes of a person with a value in a register, and those in dispute, known or not."""
    head, ticket = AttributeHead, ValueTicket
    known = select(head.attribute, head.is_disputed, true().label("is_known"))
    questioned = select(ticket.attribute, true(), false())
    is_open = (ticket.citizen_id == citizen_id, ticket.closed_at.is_(None))
    return database.rows(
        known.where(head.citizen_id == citizen_id).union_all(questioned.where(*is_open))
    )


def open_tickets(citizen_id: uuid.UUID) -> Sequence[str]:
    """Attributes about which two sources disagree, until somebody has looked."""
    is_open = (ValueTicket.citizen_id == citizen_id, ValueTicket.closed_at.is_(None))
    found = database.rows(select(ValueTicket.attribute).where(*is_open).distinct())
    return [row.attribute for row in found]


def find_receipt(citizen_id: uuid.UUID, number: str) -> Row[Any] | None:
    """One receipt of this very person; null: there is none."""
    table = Receipt.__table__
    mine = (table.c.citizen_id == citizen_id, table.c.number == number)
    place = (LogPosition.citizen_id == table.c.citizen_id) & (
        LogPosition.entry_id == table.c.entry_id
    )
    query = select(table, LogPosition.position).outerjoin(LogPosition, place).where(*mine)
    return database.row(query)


def receipts_since(citizen_id: uuid.UUID, at: datetime, *, limit: int) -> Sequence[Row[Any]]:
    """What a person was given lately, the latest first."""
    table = Receipt.__table__
    mine = (table.c.citizen_id == citizen_id, table.c.issued_at >= at)
    return database.rows(select(table).where(*mine).order_by(table.c.issued_at.desc()).limit(limit))
