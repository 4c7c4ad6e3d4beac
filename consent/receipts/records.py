"""Queries from a receipt's number to its decision, and to the entry that it promises."""

import uuid
from typing import Any

from sqlalchemy import Row, select

from consent.audit.records import LogPosition
from consent.ledger.records import Receipt
from identity import database
from identity.trail import AccessEntry


def find(number: str) -> Row[Any] | None:
    """The receipt with this number, whosever it is; null: there is none."""
    table = Receipt.__table__
    return database.row(select(table).where(table.c.number == number))


def entry(citizen_id: uuid.UUID, entry_id: int) -> Row[Any] | None:
    """The leaf of one entry and its place in the tree, null until it has one; null: it is gone."""
    query = (
        select(
            AccessEntry.type,
            AccessEntry.at,
            AccessEntry.c_subject,
            AccessEntry.c_actor,
            LogPosition.position,
            LogPosition.leaf_hash,
        )
        .outerjoin(
            LogPosition,
            (LogPosition.citizen_id == AccessEntry.citizen_id)
            & (LogPosition.entry_id == AccessEntry.id),
        )
        .where(AccessEntry.citizen_id == citizen_id, AccessEntry.id == entry_id)
    )
    return database.row(query)
