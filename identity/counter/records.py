"""The table of what a counter officer looked up, between the card and the letter."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Row, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.columns import Base


class Need(StrEnum):
    """What the person has lost."""

    LETTER = "first_letter"
    PASSWORD = "forgot_password"
    FACTORS = "lost_factors"


class Card(StrEnum):
    """What the person has shown."""

    ID_CARD = "id_card"
    CERTIFICATE = "certificate"
    ELECTRONIC = "electronic"


class CounterLook(Base):
    """One person, looked up by one officer for one letter at most."""

    __tablename__ = "counter_look"
    __table_args__ = (Index("ix_counter_look_expires_at", "expires_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # stands in the address; no secret
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    found_id: Mapped[uuid.UUID]
    need: Mapped[Need]
    card: Mapped[Card]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]  # null: no letter was given yet, and none refused
    # JSON {code, valid_until, good_from}, sealed by the ring, to be printed; null: not given yet,
    # or printed.
    sealed_letter: Mapped[str | None]


def add(values: Mapping[str, Any]) -> None:
    """An officer compares somebody with their card."""
    database.write(insert(CounterLook), values)


def find(look_id: uuid.UUID, staff_id: uuid.UUID, *, at: datetime) -> Row[Any] | None:
    """A look of this very officer that is not over; null: there is none."""
    return database.row(select(CounterLook.__table__).where(*_open(look_id, staff_id, at=at)))


def spend(look_id: uuid.UUID, staff_id: uuid.UUID, *, at: datetime) -> bool:
    """Whether nothing had come of the look yet; something does now."""
    unspent = (*_open(look_id, staff_id, at=at), CounterLook.spent_at.is_(None))
    return database.write(update(CounterLook).where(*unspent).values(spent_at=at)) == 1


def keep_letter(look_id: uuid.UUID, *, sealed: str, until: datetime) -> None:
    """The letter can be printed until then."""
    mine = CounterLook.id == look_id
    kept = {"sealed_letter": sealed, "expires_at": until}
    database.write(update(CounterLook).where(mine).values(**kept))


def end(look_id: uuid.UUID, staff_id: uuid.UUID, *, at: datetime) -> None:
    """The look is over, and what it held is gone."""
    mine = _open(look_id, staff_id, at=at)
    database.write(update(CounterLook).where(*mine).values(sealed_letter=None, expires_at=at))


def _open(look_id: uuid.UUID, staff_id: uuid.UUID, *, at: datetime) -> tuple[Any, ...]:
    mine = (CounterLook.id == look_id, CounterLook.staff_id == staff_id)
    return (*mine, CounterLook.expires_at > at)
