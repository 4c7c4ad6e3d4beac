"""The table of extensions, and its queries: one for each request of a person, for good."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, PrimaryKeyConstraint, Row, insert, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.columns import Base


class TermExtension(Base):
    """A security officer needs longer for an answer than the term says, and said why."""

    __tablename__ = "term_extension"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "raised_id"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    raised_id: Mapped[uuid.UUID]  # of the objection or the complaint
    kind: Mapped[str]  # which of them: the name of its table
    granted_by: Mapped[uuid.UUID]  # the security officer
    granted_at: Mapped[datetime]
    sealed_reason: Mapped[bytes]  # unit and words, under the person's key


_TABLE = TermExtension.__table__


class ExtendedBefore(Exception):
    """It was extended already."""


def add(extension: Mapping[str, Any]) -> None:
    """The request has a later day.

    Raises:
        ExtendedBefore: it has one already.
    """
    try:
        database.write(insert(TermExtension).values(**extension))
    except IntegrityError:
        raise ExtendedBefore from None


def find(raised_id: uuid.UUID, *, of: uuid.UUID) -> Row[Any] | None:
    """The extension of one request of this very person; null: there is none."""
    mine = (_TABLE.c.citizen_id == of, _TABLE.c.raised_id == raised_id)
    return database.row(select(_TABLE).where(*mine))


def extended(requests: Collection[tuple[uuid.UUID, uuid.UUID]]) -> frozenset[uuid.UUID]:
    """Which of these were extended: each told as whose it is, and its id."""
    if not requests:
        return frozenset()
    these = tuple_(_TABLE.c.citizen_id, _TABLE.c.raised_id).in_(list(requests))
    return frozenset(
        row.raised_id for row in database.rows(select(_TABLE.c.raised_id).where(these))
    )
