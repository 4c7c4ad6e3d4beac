"""Tables of the register of people."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base


class Status(StrEnum):
    """What a person's account may still do."""

    ACTIVE = "active"
    LOCKED = "locked"
    DECEASED = "deceased"


class Sex(StrEnum):
    """As the population register writes it."""

    MALE = "male"
    FEMALE = "female"
    UNDETERMINED = "undetermined"


class Citizen(Base):
    """One person; the head row that points at the newest identity.

    `citizen_id` is random and internal; who that is stands in sealed columns only.
    """

    __tablename__ = "citizen"

    citizen_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    status: Mapped[Status]
    account_level: Mapped[int]
    deceased_on: Mapped[date | None]
    identity_version: Mapped[int]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class CitizenIdentity(Base):
    """Number, name, date of birth and sex as one import told them: appended, never edited."""

    __tablename__ = "citizen_identity"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "version"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    version: Mapped[int]
    # JSON {national_id, full_name, date_of_birth, sex}, sealed under the person's key.
    sealed: Mapped[bytes]
    as_of: Mapped[date]
    recorded_at: Mapped[datetime]


class CitizenKey(Base):
    """The wrapped data key of one person; deleting it erases what it sealed."""

    __tablename__ = "citizen_key"

    citizen_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("citizen.citizen_id"), primary_key=True
    )
    wrapped: Mapped[bytes]
    kek_id: Mapped[str]


class CitizenIndex(Base):
    """Blind index of the personal number, one row per active index key."""

    __tablename__ = "citizen_index"
    __table_args__ = (
        PrimaryKeyConstraint("key_id", "digest"),
        Index("ix_citizen_index_citizen_id", "citizen_id"),
    )

    key_id: Mapped[str]
    digest: Mapped[bytes]
    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))


class CitizenTicket(Base):
    """A warning that a register may be wrong about a person; never a refusal."""

    __tablename__ = "citizen_ticket"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "id"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    id: Mapped[uuid.UUID]
    kind: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]  # null: still open


class CitizenPassword(Base):
    """The Argon2id hash; absent until the person has activated the account."""

    __tablename__ = "citizen_password"

    citizen_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("citizen.citizen_id"), primary_key=True
    )
    hash: Mapped[str]
    changed_at: Mapped[datetime]


class SecondFactor(Base):
    """Something a person proves besides the password."""

    __tablename__ = "second_factor"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "id"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    id: Mapped[uuid.UUID]
    kind: Mapped[str]  # totp | demo (a fixed code, only where MOTLAN_DEMO=1) | recovery
    sealed: Mapped[bytes]
    last_step: Mapped[int]  # the newest time step a code was spent for; a code works once
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # null: in use


