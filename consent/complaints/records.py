"""The table of complaints about single looks, and its queries: raised once, answered once."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Row,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.columns import Base

_OPEN = text("closed_at IS NULL")


class Complaint(Base):
    """A person does not recognise one entry about themselves: numbered, sealed, answered once."""

    __tablename__ = "complaint"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "id"),
        # One entry has one open complaint, however often the button is pressed.
        Index(
            "ux_complaint_open",
            "citizen_id",
            "entry_id",
            unique=True,
            postgresql_where=_OPEN,
            sqlite_where=_OPEN,
        ),
        Index("ix_complaint_raised_at", "raised_at"),
    )

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    id: Mapped[uuid.UUID]
    number: Mapped[str] = mapped_column(unique=True)
    entry_id: Mapped[int] = mapped_column(BigInteger)
    # Whose look it was; null: no public service's.
    public_service_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("public_service.id"))
    # Who acted where no public service did: neither they nor their unit answer; null otherwise.
    staff_id: Mapped[uuid.UUID | None]
    staff_unit: Mapped[str | None]
    sealed_text: Mapped[bytes]
    raised_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]  # null: not answered yet
    answered_by: Mapped[uuid.UUID | None]  # the security officer
    sealed_answer: Mapped[bytes | None]


_TABLE = Complaint.__table__


@dataclass(frozen=True, slots=True)
class Mine:
    """What one officer may answer: nothing they raised, nor a look of theirs or of their unit."""

    citizen_id: uuid.UUID | None  # the officer's own account; null: unknown
    staff_ids: Collection[uuid.UUID] = ()  # the officer's own, of now and of before
    units: Sequence[str] = ()  # however the name of the officer's unit was written

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same in SQL; a look that was no member's of the staff excludes nobody."""
        staff, unit = _TABLE.c.staff_id, _TABLE.c.staff_unit
        told = [or_(staff.is_(None), staff.not_in(self.staff_ids))] if self.staff_ids else []
        told += [or_(unit.is_(None), unit.not_in(self.units))] if self.units else []
        return told if self.citizen_id is None else [*told, _TABLE.c.citizen_id != self.citizen_id]


class RaisedBefore(Exception):
    """There is an open complaint about this very entry already."""


def add(complaint: Mapping[str, Any]) -> None:
    """A complaint waits for an answer.

    Raises:
        RaisedBefore: one about this entry waits already.
    """
    try:
        database.write(insert(Complaint).values(**complaint))
    except IntegrityError:
        raise RaisedBefore from None


def find(complaint_id: uuid.UUID, *, of: uuid.UUID) -> Row[Any] | None:
    """One complaint of this very person; null: there is none."""
    mine = (_TABLE.c.citizen_id == of, _TABLE.c.id == complaint_id)
    return database.row(select(_TABLE).where(*mine))


def find_open(entry_id: int, *, of: uuid.UUID) -> Row[Any] | None:
    """The complaint about one entry that waits for an answer; null: there is none."""
    mine = (_TABLE.c.citizen_id == of, _TABLE.c.entry_id == entry_id, _TABLE.c.closed_at.is_(None))
    return database.row(select(_TABLE).where(*mine))


def of_person(citizen_id: uuid.UUID, *, limit: int) -> Sequence[Row[Any]]:
    """What a person has complained about, the latest first."""
    mine = select(_TABLE).where(_TABLE.c.citizen_id == citizen_id)
    return database.rows(mine.order_by(_TABLE.c.raised_at.desc(), _TABLE.c.id.desc()).limit(limit))


def find_by_number(number: str) -> Row[Any] | None:
    """One complaint, whoever raised it; null: there is none."""
    return database.row(select(_TABLE).where(_TABLE.c.number == number))


def units() -> Sequence[str]:
    """The units of whom complaints are about, as each was written then."""
    unit = _TABLE.c.staff_unit
    found = database.rows(select(unit).where(unit.is_not(None)).distinct())
    return [row.staff_unit for row in found]


def waiting(*, mine: Mine, limit: int) -> Sequence[Row[Any]]:
    """What an officer may answer, the oldest first."""
    query = select(_TABLE).where(_TABLE.c.closed_at.is_(None), *mine.conditions())
    return database.rows(query.order_by(_TABLE.c.raised_at, _TABLE.c.id).limit(limit))


def answered(*, mine: Mine, limit: int) -> Sequence[Row[Any]]:
    """What was answered, the latest raised first."""
    query = select(_TABLE).where(_TABLE.c.closed_at.is_not(None), *mine.conditions())
    return database.rows(query.order_by(_TABLE.c.raised_at.desc(), _TABLE.c.id).limit(limit))


def count_waiting(mine: Mine) -> int:
    """How many wait that an officer may answer."""
    query = select(func.count()).where(_TABLE.c.closed_at.is_(None), *mine.conditions())
    found = database.row(query)
    return 0 if found is None else int(found[0])


def hold(citizen_id: uuid.UUID, complaint_id: uuid.UUID) -> bool:
    """Whether it is open; nobody answers it before the transaction ends."""
    this = (_TABLE.c.citizen_id == citizen_id, _TABLE.c.id == complaint_id)
    query = select(_TABLE.c.id).where(*this, _TABLE.c.closed_at.is_(None))
    return database.row(query.with_for_update()) is not None


def close(
    citizen_id: uuid.UUID, complaint_id: uuid.UUID, *, by: uuid.UUID, at: datetime, sealed: bytes
) -> bool:
    """Whether it was still open; it is answered now. Of two answers at once, one succeeds."""
    is_open = (
        Complaint.citizen_id == citizen_id,
        Complaint.id == complaint_id,
        Complaint.closed_at.is_(None),
    )
    told = {"closed_at": at, "answered_by": by, "sealed_answer": sealed}
    return database.write(update(Complaint).where(*is_open).values(**told)) == 1
