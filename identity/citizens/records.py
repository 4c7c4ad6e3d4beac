"""Tables of the register of people, and their queries."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Row,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.columns import Base
from identity.together import Clause


class Status(StrEnum):
    """What a person's account may still do."""

    ACTIVE = "active"
    LOCKED = "locked"
    DECEASED = "deceased"


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


Indexes = Iterable[tuple[str, bytes]]

_OF_PERSON = """
    FROM citizen c
    JOIN citizen_identity i ON i.citizen_id = c.citizen_id AND i.version = c.identity_version
    JOIN citizen_key k ON k.citizen_id = c.citizen_id
    WHERE c.citizen_id = :citizen
"""
_IDENTITY = {"sealed": bytes, "version": int, "as_of": date, "wrapped": bytes, "kek_id": str}
_IDENTITY_TEXT = "SELECT i.sealed, i.version, i.as_of, k.wrapped, k.kek_id" + _OF_PERSON
_PERSON = _IDENTITY | {"status": str, "account_level": int}
_PERSON_TEXT = (
    "SELECT i.sealed, i.version, i.as_of, k.wrapped, k.kek_id, c.status, c.account_level"
    + _OF_PERSON
)


def identity_clause(citizen_id: uuid.UUID) -> Clause:
    """Reads a person's newest identity, still sealed, and the wrapped key that opens it."""
    return Clause("person", _IDENTITY_TEXT, _IDENTITY_TEXT, {"citizen": citizen_id}, _IDENTITY)


def person_clause(citizen_id: uuid.UUID) -> Clause:
    """The same, and how the account stands: each column costs every answer that carries it."""
    return Clause("person", _PERSON_TEXT, _PERSON_TEXT, {"citizen": citizen_id}, _PERSON)


def find_by_indexes(indexes: Indexes) -> dict[bytes, uuid.UUID]:
    """Whom these blind indexes lead to, by digest; digests of nobody are absent."""
    found = database.rows(
        select(CitizenIndex.digest, CitizenIndex.citizen_id).where(
            tuple_(CitizenIndex.key_id, CitizenIndex.digest).in_(list(indexes))
        )
    )
    return {bytes(row.digest): row.citizen_id for row in found}


def held_account(citizen_id: uuid.UUID) -> Row[Any] | None:
    """The account and its password's age, which nobody changes before this transaction ends."""
    password = CitizenPassword.citizen_id == Citizen.citizen_id
    held = select(Citizen.status, CitizenPassword.changed_at).join(CitizenPassword, password)
    mine = held.where(Citizen.citizen_id == citizen_id)
    return database.row(mine.with_for_update(read=True))


def find_wrapped_key(citizen_id: uuid.UUID) -> Row[Any] | None:
    """The person's wrapped data key; null: unknown, or erased."""
    return database.row(
        select(CitizenKey.wrapped, CitizenKey.kek_id).where(CitizenKey.citizen_id == citizen_id)
    )


def enrolled(citizen_ids: Iterable[uuid.UUID]) -> Sequence[Row[Any]]:
    """Head row, newest identity, wrapped key and password of each of these people."""
    return database.rows(
        select(
            Citizen,
            CitizenIdentity.sealed,
            CitizenKey.wrapped,
            CitizenKey.kek_id,
            CitizenPassword.hash,
        )
        .join(
            CitizenIdentity,
            (CitizenIdentity.citizen_id == Citizen.citizen_id)
            & (CitizenIdentity.version == Citizen.identity_version),
        )
        .join(CitizenKey, CitizenKey.citizen_id == Citizen.citizen_id)
        .outerjoin(CitizenPassword, CitizenPassword.citizen_id == Citizen.citizen_id)
        .where(Citizen.citizen_id.in_(list(citizen_ids)))
    )


def factors(citizen_id: uuid.UUID) -> Sequence[Row[Any]]:
    """The second factors in use, with the wrapped key that opens them."""
    return database.rows(
        select(
            SecondFactor.id,
            SecondFactor.kind,
            SecondFactor.sealed,
            CitizenKey.wrapped,
            CitizenKey.kek_id,
        )
        .join(CitizenKey, CitizenKey.citizen_id == SecondFactor.citizen_id)
        .where(SecondFactor.citizen_id == citizen_id, SecondFactor.ended_at.is_(None))
        .order_by(SecondFactor.created_at)
    )


def spend_step(citizen_id: uuid.UUID, factor_id: uuid.UUID, *, step: int) -> bool:
    """Whether this time step was still unspent; it is spent now."""
    unspent = (
        SecondFactor.citizen_id == citizen_id,
        SecondFactor.id == factor_id,
        SecondFactor.last_step < step,
        SecondFactor.ended_at.is_(None),
    )
    return database.write(update(SecondFactor).where(*unspent).values(last_step=step)) == 1


def end_factors(citizen_id: uuid.UUID, kind: str, *, at: datetime) -> None:
    """The person's factors of this kind prove nothing any more."""
    database.write(
        update(SecondFactor)
        .where(
            SecondFactor.citizen_id == citizen_id,
            SecondFactor.kind == kind,
            SecondFactor.ended_at.is_(None),
        )
        .values(ended_at=at)
    )


def open_tickets(citizen_id: uuid.UUID) -> set[str]:
    """The kinds of warnings that are still open about a person."""
    found = database.rows(
        select(CitizenTicket.kind).where(
            CitizenTicket.citizen_id == citizen_id, CitizenTicket.closed_at.is_(None)
        )
    )
    return {row.kind for row in found}


def close_ticket(citizen_id: uuid.UUID, kind: str, *, at: datetime) -> None:
    """The register agrees again."""
    database.write(
        update(CitizenTicket)
        .where(
            CitizenTicket.citizen_id == citizen_id,
            CitizenTicket.kind == kind,
            CitizenTicket.closed_at.is_(None),
        )
        .values(closed_at=at)
    )


def change(citizen_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a person's head row."""
    database.write(update(Citizen).where(Citizen.citizen_id == citizen_id).values(**values))


def replace_hash(citizen_id: uuid.UUID, new: str, *, old: str | None, at: datetime) -> bool:
    """Whether the password was still the old one (null: there was none); it is the new one now."""
    if old is None:
        row = {"citizen_id": citizen_id, "hash": new, "changed_at": at}
        return database.write(insert(CitizenPassword), row) == 1
    same = (CitizenPassword.citizen_id == citizen_id, CitizenPassword.hash == old)
    changed = update(CitizenPassword).where(*same).values(hash=new, changed_at=at)
    return database.write(changed) == 1


def add(table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows to one of this area's tables."""
    if rows:
        database.write(insert(table), list(rows))
