"""Queries about objections: raised once, answered once."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from consent.ledger.records import Objection
from consent.replies.records import TermExtension
from identity import database

_TABLE = Objection.__table__


class RaisedBefore(Exception):
    """The very same form was sent before; the objection stands already."""


def add(objection: Mapping[str, Any]) -> None:
    """An objection waits for an answer.

    Raises:
        RaisedBefore: it stands already.
    """
    try:
        database.write(insert(Objection).values(**objection))
    except IntegrityError:
        raise RaisedBefore from None


def find(objection_id: uuid.UUID, *, of: uuid.UUID) -> Row[Any] | None:
    """One objection of this very person; null: there is none."""
    mine = (_TABLE.c.citizen_id == of, _TABLE.c.id == objection_id)
    return database.row(select(_TABLE).where(*mine))


def find_by_number(number: str) -> Row[Any] | None:
    """One objection, whoever raised it; null: there is none."""
    return database.row(select(_TABLE).where(_TABLE.c.number == number))


def waiting(
    *,
    of: uuid.UUID | None = None,
    but: uuid.UUID | None = None,
    after: Row[Any] | None = None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Objections that wait for an answer, the oldest first; `of` one person, `but` of others.

    `after` one of them: only those behind it.
    """
    query = select(_TABLE).where(_TABLE.c.closed_at.is_(None))
    if after is not None:
        at_once = (_TABLE.c.raised_at == after.raised_at) & (_TABLE.c.id > after.id)
        query = query.where((_TABLE.c.raised_at > after.raised_at) | at_once)
    if of is not None:
        query = query.where(_TABLE.c.citizen_id == of)
    if but is not None:
        query = query.where(_TABLE.c.citizen_id != but)
    return database.rows(query.order_by(_TABLE.c.raised_at, _TABLE.c.id).limit(limit))


def count_waiting(*, but: uuid.UUID | None) -> int:
    """How many wait for an answer; `but` those of one person."""
    query = select(func.count()).where(_TABLE.c.closed_at.is_(None))
    if but is not None:
        query = query.where(_TABLE.c.citizen_id != but)
    found = database.row(query)
    return 0 if found is None else int(found[0])


def late(first: datetime, extended: datetime, *, but: uuid.UUID | None = None) -> int:
    """How many wait that came before `first`, or before `extended` where their term is longer.

    `but` those of one person.
    """
    is_extended = exists().where(
        TermExtension.citizen_id == _TABLE.c.citizen_id, TermExtension.raised_id == _TABLE.c.id
    )
    in_first = (_TABLE.c.raised_at < first) & ~is_extended
    is_late = in_first | (_TABLE.c.raised_at < extended)
    query = select(func.count()).where(_TABLE.c.closed_at.is_(None), is_late)
    if but is not None:
        query = query.where(_TABLE.c.citizen_id != but)
    found = database.row(query)
    return 0 if found is None else int(found[0])


def hold(citizen_id: uuid.UUID, objection_id: uuid.UUID) -> bool:
    """Whether it is open; nobody answers it before the transaction ends."""
    this = (_TABLE.c.citizen_id == citizen_id, _TABLE.c.id == objection_id)
    query = select(_TABLE.c.id).where(*this, _TABLE.c.closed_at.is_(None))
    return database.row(query.with_for_update()) is not None


def close(
    citizen_id: uuid.UUID, objection_id: uuid.UUID, *, by: uuid.UUID, at: datetime, sealed: bytes
) -> bool:
    """Whether it was still open; it is answered now. Of two answers at once, one succeeds."""
    is_open = (
        Objection.citizen_id == citizen_id,
        Objection.id == objection_id,
        Objection.closed_at.is_(None),
    )
    told = {"closed_at": at, "answered_by": by, "sealed_answer": sealed}
    return database.write(update(Objection).where(*is_open).values(**told)) == 1
