"""Queries about withdrawals that their recipients have not acknowledged."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from identity import database
from identity.outbox import OutboxMessage


def silent(kind: str, *, late_before: datetime, limit: int) -> Sequence[Row[Any]]:
    """One row for each public service with messages it has not acknowledged, the oldest first."""
    unheard = (OutboxMessage.kind == kind, OutboxMessage.delivered_at.is_(None))
    has_address = OutboxMessage.target.is_not(None)
    oldest = func.min(OutboxMessage.created_at)
    return database.rows(
        select(
            OutboxMessage.public_service_id,
            func.count().label("number"),
            oldest.label("oldest_at"),
            func.count().filter(OutboxMessage.created_at < late_before).label("late"),
            func.count().filter(~has_address).label("without_address"),
            func.count().filter(has_address, OutboxMessage.next_at.is_(None)).label("given_up"),
        )
        .where(*unheard)
        .group_by(OutboxMessage.public_service_id)
        .order_by(oldest)
        .limit(limit)
    )


def count_silent(kind: str) -> int:
    """How many public services have not acknowledged a message."""
    unheard = (OutboxMessage.kind == kind, OutboxMessage.delivered_at.is_(None))
    number = func.count(OutboxMessage.public_service_id.distinct())
    found = database.row(select(number).where(*unheard))
    return 0 if found is None else int(found[0])
