"""Tables of attributes, of the registers that own them, and of values."""

import uuid
from datetime import date, datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base


class Register(Base):
    """A register and its keeper; `declared` has none."""

    __tablename__ = "register"

    name: Mapped[str] = mapped_column(primary_key=True)
    name_vi: Mapped[str]
    name_en: Mapped[str]
    keeper: Mapped[str | None]  # null: nobody keeps it (declared)
    keeper_code: Mapped[str | None]  # the keeper's organisation code; null: not told yet


class Attribute(Base):
    """One version of one attribute of the catalogue. Appended, never edited."""

    __tablename__ = "attribute"
    __table_args__ = (PrimaryKeyConstraint("name", "version"),)

    name: Mapped[str]
    version: Mapped[int]
    label_vi: Mapped[str]
    label_en: Mapped[str]
    register: Mapped[str] = mapped_column(ForeignKey("register.name"))
    type: Mapped[str]
    sensitivity: Mapped[str]  # basic | sensitive
    freshness_days: Mapped[int | None]  # null: never stale
    equals_paper: Mapped[bool]
    may_be_supplied: Mapped[bool]
    notes: Mapped[str]
    source: Mapped[str]
    recorded_at: Mapped[datetime]


class AttributeValue(Base):
    """A value with its envelope: appended, never overwritten."""

    __tablename__ = "attribute_value"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "id"),
        Index("ix_attribute_value_attribute", "citizen_id", "attribute"),
    )

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    id: Mapped[uuid.UUID]
    attribute: Mapped[str]
    register: Mapped[str] = mapped_column(ForeignKey("register.name"))
    source: Mapped[int]  # 1 verified by government, 2 told by the person
    as_of: Mapped[date]
    # JSON {value, valid_from, valid_to, record}, sealed under the person's key.
    sealed: Mapped[bytes]
    about_id: Mapped[uuid.UUID | None]  # whom else it is about, where known; null otherwise
    recorded_at: Mapped[datetime]


class AttributeHead(Base):
    """Which value stands now, per register; the only mutable row of a value's life."""

    __tablename__ = "attribute_head"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "attribute", "register"),
        ForeignKeyConstraint(
            ["citizen_id", "value_id"], ["attribute_value.citizen_id", "attribute_value.id"]
        ),
    )

    citizen_id: Mapped[uuid.UUID]
    attribute: Mapped[str]
    register: Mapped[str]
    value_id: Mapped[uuid.UUID]
    is_disputed: Mapped[bool]


class ValueTicket(Base):
    """Two sources disagree about a value: somebody must look, nothing is overwritten."""

    __tablename__ = "value_ticket"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "id"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    id: Mapped[uuid.UUID]
    attribute: Mapped[str]
    kind: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]  # null: still open
