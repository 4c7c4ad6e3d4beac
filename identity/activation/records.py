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
    # From when on it opens an account that has a password; null: it opens none that has.
    recovers_from: Mapped[datetime | None]
    unit: Mapped[str | None]  # whose counter gave it out; null: no counter did, it was posted


def put_letters(letters: Sequence[Mapping[str, Any]]) -> None:
    """These are the newest letters to these people."""
    insert = (postgresql if database.is_postgresql() else sqlite).insert(ActivationLetter)
    names = ("digest", "issued_at", "expires_at", "recovers_from", "unit")
    told = {name: insert.excluded[name] for name in names}
    newest = insert.on_conflict_do_update(
        index_elements=["citizen_id"], set_=told | {"spent_at": None}
    )
    posted = {"recovers_from": None, "unit": None, "spent_at": None}
    database.write(newest, [{**posted, **letter} for letter in letters])


def find_letter(indexes: Indexes) -> Row[Any] | None:
    """The account behind a typed number with its newest letter and its password's age, if any."""
    return database.row(
        select(
            CitizenIndex.citizen_id,
            Citizen.status,
            CitizenPassword.changed_at,
            ActivationLetter.digest,
            ActivationLetter.issued_at,
            ActivationLetter.expires_at,
            ActivationLetter.spent_at,
            ActivationLetter.recovers_from,
        )
        .join(Citizen, Citizen.citizen_id == CitizenIndex.citizen_id)
        .outerjoin(CitizenPassword, CitizenPassword.citizen_id == CitizenIndex.citizen_id)
        .outerjoin(ActivationLetter, ActivationLetter.citizen_id == CitizenIndex.citizen_id)
        .where(tuple_(CitizenIndex.key_id, CitizenIndex.digest).in_(list(indexes)))
    )


def newest_letter(citizen_id: uuid.UUID) -> Row[Any] | None:
    """The person's newest letter, whatever became of it, and their password's age, if any."""
    return database.row(
        select(ActivationLetter.__table__, CitizenPassword.changed_at)
        .outerjoin(CitizenPassword, CitizenPassword.citizen_id == ActivationLetter.citizen_id)
        .where(ActivationLetter.citizen_id == citizen_id)
    )


def spend_letter(citizen_id: uuid.UUID, digest: bytes, *, at: datetime) -> Row[Any] | None:
    """The person's newest letter, which was still good and is spent now; null: it was not."""
    good = (
        ActivationLetter.citizen_id == citizen_id,
        ActivationLetter.digest == digest,
        ActivationLetter.spent_at.is_(None),
        ActivationLetter.expires_at > at,
    )
    told = (ActivationLetter.issued_at, ActivationLetter.recovers_from)
    spent = update(ActivationLetter).where(*good).values(spent_at=at)
    return database.write_row(spent.returning(*told))


def void_letter(citizen_id: uuid.UUID, *, at: datetime) -> bool:
    """Whether the person's newest letter was still good; it opens nothing any more."""
    good = (
        ActivationLetter.citizen_id == citizen_id,
        ActivationLetter.spent_at.is_(None),
        ActivationLetter.expires_at > at,
    )
    return database.write(update(ActivationLetter).where(*good).values(expires_at=at)) == 1


def held(citizen_id: uuid.UUID) -> Row[Any] | None:
    """The account's state, which nobody changes before this transaction ends, and its password."""
    mine = Citizen.citizen_id == citizen_id
    if database.row(select(Citizen.status).where(mine).with_for_update(read=True)) is None:
        return None
    password = (CitizenPassword.hash, CitizenPassword.changed_at)
    same = CitizenPassword.citizen_id == Citizen.citizen_id
    found = select(Citizen.citizen_id, Citizen.status, *password)
    return database.row(found.outerjoin(CitizenPassword, same).where(mine))


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
