"""Tables of printed recovery codes and of credentials that are being chosen, and their queries."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Row,
    case,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.columns import Base


class RecoveryCode(Base):
    """One printed code of a person's newest set; each is a second factor, once."""

    __tablename__ = "recovery_code"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "digest"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    digest: Mapped[bytes]  # keyed
    made_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]  # null: still good


class FactorSetup(Base):
    """What a person is about to prove themself with: between the pages, in one browser."""

    __tablename__ = "factor_setup"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "digest"),
        Index("ix_factor_setup_expires_at", "expires_at"),
    )

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    digest: Mapped[bytes]
    browser_digest: Mapped[bytes]
    letter_digest: Mapped[bytes | None]  # null: no activation; password and factor were proved
    password_hash: Mapped[str | None]  # null: no password was chosen here
    # JSON {kind, secret, codes}, sealed by the ring; null: no second factor was chosen yet.
    sealed: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]  # null: not finished


def replace_codes(citizen_id: uuid.UUID, digests: Iterable[bytes], *, at: datetime) -> None:
    """The person's codes are these, all of them good; the ones of before are worth nothing."""
    delete_codes(citizen_id)
    made = {"citizen_id": citizen_id, "made_at": at, "spent_at": None}
    database.write(insert(RecoveryCode), [made | {"digest": digest} for digest in digests])


def delete_codes(citizen_id: uuid.UUID) -> None:
    """The person has no codes."""
    database.write(delete(RecoveryCode).where(RecoveryCode.citizen_id == citizen_id))


def spend_code(citizen_id: uuid.UUID, digests: Iterable[bytes], *, at: datetime) -> bool:
    """Whether the person has this code and it was still good; it is spent now."""
    good = (
        RecoveryCode.citizen_id == citizen_id,
        RecoveryCode.digest.in_(list(digests)),
        RecoveryCode.spent_at.is_(None),
    )
    return database.write(update(RecoveryCode).where(*good).values(spent_at=at)) == 1


def codes(citizen_id: uuid.UUID) -> Row[Any] | None:
    """When the person's set was made, how many it has and how many are left; null dates: none."""
    left = func.sum(case((RecoveryCode.spent_at.is_(None), 1), else_=0))
    return database.row(
        select(
            func.count().label("made"),
            func.coalesce(left, 0).label("left"),
            func.max(RecoveryCode.made_at).label("made_at"),
        ).where(RecoveryCode.citizen_id == citizen_id)
    )


def add_setup(values: Mapping[str, Any]) -> None:
    """Somebody may choose in this browser."""
    database.write(insert(FactorSetup), values)


def find_setup(citizen_id: uuid.UUID, digest: bytes) -> Row[Any] | None:
    """The set-up with this digest, whatever has become of it."""
    mine = (FactorSetup.citizen_id == citizen_id, FactorSetup.digest == digest)
    return database.row(select(FactorSetup.__table__).where(*mine))


def held_setup(citizen_id: uuid.UUID, digest: bytes) -> Row[Any] | None:
    """The same, and of two who are about to change it one waits for the other."""
    mine = (FactorSetup.citizen_id == citizen_id, FactorSetup.digest == digest)
    return database.row(select(FactorSetup.__table__).where(*mine).with_for_update())


def end_setups(citizen_id: uuid.UUID, *, at: datetime) -> None:
    """Whatever this person was choosing finishes nothing any more."""
    is_open = (FactorSetup.citizen_id == citizen_id, FactorSetup.spent_at.is_(None))
    database.write(update(FactorSetup).where(*is_open).values(spent_at=at))


def change_setup(
    citizen_id: uuid.UUID, digest: bytes, *, at: datetime, values: Mapping[str, Any]
) -> bool:
    """Whether the set-up was still open; it has these values now."""
    is_open = (
        FactorSetup.citizen_id == citizen_id,
        FactorSetup.digest == digest,
        FactorSetup.spent_at.is_(None),
        FactorSetup.expires_at > at,
    )
    return database.write(update(FactorSetup).where(*is_open).values(**values)) == 1
