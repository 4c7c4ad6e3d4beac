"""The table of activation letters, and its queries."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Row, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.citizens.records import Citizen, CitizenIndex, CitizenPassword, Indexes, Status
from identity.columns import Base


class ActivationLetter(Base):
    """The newest letter to one person: a new one takes the place of the old, which is over."""

    __tablename__ = "activation_letter"
    __table_args__ = (Index("ix_activation_letter_expires_at", "expires_at"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("citizen.citizen_id"), primary_key=True
    )
    digest: Mapped[bytes]  # of the code, keyed
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]  # null: nobody has activated with it


def put_letters(letters: Sequence[Mapping[str, Any]]) -> None:
    """These are the newest letters to these people."""
    insert = (postgresql if database.is_postgresql() else sqlite).insert(ActivationLetter)
    told = {name: insert.excluded[name] for name in ("digest", "issued_at", "expires_at")}
    newest = insert.on_conflict_do_update(
        index_elements=["citizen_id"], set_=told | {"spent_at": None}
    )
    database.write(newest, list(letters))


def find_letter(indexes: Indexes) -> Row[Any] | None:
    """The account behind a typed number with its newest letter and its password's age, if any."""
    return database.row(
        select(
            CitizenIndex.citizen_id,
            Citizen.status,
            CitizenPassword.changed_at,
            ActivationLetter.digest,
            ActivationLetter.expires_at,
            ActivationLetter.spent_at,
        )
        .join(Citizen, Citizen.citizen_id == CitizenIndex.citizen_id)
        .outerjoin(CitizenPassword, CitizenPassword.citizen_id == CitizenIndex.citizen_id)
        .outerjoin(ActivationLetter, ActivationLetter.citizen_id == CitizenIndex.citizen_id)
        .where(tuple_(CitizenIndex.key_id, CitizenIndex.digest).in_(list(indexes)))
    )


def spend_letter(citizen_id: uuid.UUID, digest: bytes, *, at: datetime) -> bool:
    """Whether this was the person's newest letter and still good; it is spent now."""
    good = (
        ActivationLetter.citizen_id == citizen_id,
        ActivationLetter.digest == digest,
        ActivationLetter.spent_at.is_(None),
        ActivationLetter.expires_at > at,
    )
    return database.write(update(ActivationLetter).where(*good).values(spent_at=at)) == 1


def held_status(citizen_id: uuid.UUID) -> Row[Any] | None:
    """The account's state, which nobody changes before this transaction ends, and its password."""
    held = select(Citizen.status).where(Citizen.citizen_id == citizen_id)
    account = database.row(held.with_for_update())
    if account is None:
        return None
    password = select(CitizenPassword.changed_at).where(CitizenPassword.citizen_id == citizen_id)
    return account if database.row(password) is None else None


def without_letter(after: uuid.UUID | None, *, at: datetime, limit: int) -> list[uuid.UUID]:
    """People who need a letter: active, without a password, and with no letter still good."""
    wanted = [Citizen.status == Status.ACTIVE, ~_has_password(), ~_has_letter(at)]
    if after is not None:
        wanted.append(Citizen.citizen_id > after)
    people = select(Citizen.citizen_id).where(*wanted).order_by(Citizen.citizen_id).limit(limit)
    return [row.citizen_id for row in database.rows(people)]


def those_without_password(citizen_ids: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """Who of these people is active and has no password, whatever letter there is."""
    wanted = (Citizen.citizen_id.in_(list(citizen_ids)), Citizen.status == Status.ACTIVE)
    people = select(Citizen.citizen_id).where(*wanted, ~_has_password())
    return [row.citizen_id for row in database.rows(people.order_by(Citizen.citizen_id))]


def _has_password() -> Any:  # noqa: ANN401 - an SQL condition
    mine = CitizenPassword.citizen_id == Citizen.citizen_id
    return select(CitizenPassword.citizen_id).where(mine).exists()


def _has_letter(at: datetime) -> Any:  # noqa: ANN401 - an SQL condition
    good = (
        ActivationLetter.citizen_id == Citizen.citizen_id,
        ActivationLetter.spent_at.is_(None),
        ActivationLetter.expires_at > at,
    )
    return select(ActivationLetter.citizen_id).where(*good).exists()
