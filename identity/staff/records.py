"""Tables of the people who work here and their queries: accounts, sessions, recovery codes."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Row, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.citizens.records import Citizen
from identity.columns import Base


class Role(StrEnum):
    """What a staff account may do; one account has one role."""

    SECURITY_OFFICER = "security-officer"
    INSPECTOR = "inspector"
    COUNTER_OFFICER = "counter-officer"
    OPERATOR = "operator"


class Staff(Base):
    """One staff account with its own password and second factor."""

    __tablename__ = "staff"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    role: Mapped[Role]
    unit: Mapped[str]
    # Whose citizen account this is, so that nobody opens entries about themselves; null: unknown.
    own_citizen_id: Mapped[uuid.UUID | None]
    password_hash: Mapped[str]  # empty: not enrolled yet, or reset; nobody's password fits
    wrapped: Mapped[bytes]  # the data key that seals the two columns below
    kek_id: Mapped[str]
    sealed_name: Mapped[bytes]
    sealed_factor: Mapped[bytes]  # JSON {kind: totp|demo|none, secret}
    last_step: Mapped[int]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # null: still here
    # When password or second factor last changed; null: as they were made.
    changed_at: Mapped[datetime | None]


class StaffRecoveryCode(Base):
    """A printed code that stands in for the authenticator once. Its digest is keyed."""

    __tablename__ = "staff_recovery_code"

    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]  # null: still good


class StaffSession(Base):
    """One signed-in browser of a staff member."""

    __tablename__ = "staff_session"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(unique=True)
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # null: alive until expires_at


def find_by_username(username: str) -> Row[Any] | None:
    """The account of somebody who still works here."""
    return database.row(select(Staff).where(Staff.username == username, Staff.ended_at.is_(None)))


def find_by_id(staff_id: uuid.UUID) -> Row[Any] | None:
    """The account of somebody who still works here."""
    return database.row(select(Staff).where(Staff.id == staff_id, Staff.ended_at.is_(None)))


def held(staff_id: uuid.UUID) -> Row[Any] | None:
    """The account of somebody who still works here, which nobody else changes meanwhile."""
    mine = select(Staff).where(Staff.id == staff_id, Staff.ended_at.is_(None))
    return database.row(mine.with_for_update())


def find_ever(username: str) -> Row[Any] | None:
    """The account of somebody who works here or did once."""
    return database.row(select(Staff).where(Staff.username == username))


def everybody() -> Sequence[Row[Any]]:
    """Every account there is or was."""
    return database.rows(select(Staff))


def accounts_of(citizen_id: uuid.UUID) -> Sequence[uuid.UUID]:
    """The accounts that this person has or had."""
    theirs = select(Staff.id).where(Staff.own_citizen_id == citizen_id)
    return [row.id for row in database.rows(theirs)]


def hold_person(citizen_id: uuid.UUID) -> Sequence[Row[Any]]:
    """The accounts of this person; nobody else gives them a role before this transaction ends."""
    database.row(
        select(Citizen.citizen_id).where(Citizen.citizen_id == citizen_id).with_for_update()
    )
    return database.rows(
        select(Staff.id, Staff.role, Staff.ended_at).where(Staff.own_citizen_id == citizen_id)
    )


def units() -> Sequence[str]:
    """The units somebody works in, each spelling once."""
    rows = database.rows(select(Staff.unit).where(Staff.ended_at.is_(None)).distinct())
    return [row.unit for row in rows]


def is_taken(username: str) -> bool:
    """Whether anybody has or had this username: names are never given twice."""
    return database.row(select(Staff.id).where(Staff.username == username)) is not None


def add(values: Mapping[str, Any]) -> None:
    """Somebody works here."""
    database.write(insert(Staff), values)


def replace_hash(
    staff_id: uuid.UUID, new: str, *, old: str, changed_at: datetime | None = None
) -> bool:
    """Whether the hash was still the old one; null: the same password under today's cost."""
    same = (Staff.id == staff_id, Staff.password_hash == old, Staff.ended_at.is_(None))
    values: dict[str, Any] = {"password_hash": new}
    if changed_at is not None:
        values["changed_at"] = changed_at
    return database.write(update(Staff).where(*same).values(**values)) == 1


def change(staff_id: uuid.UUID, **values: Any) -> bool:  # noqa: ANN401 - of its columns
    """Whether somebody still works here under this id; the account has these values now."""
    living = (Staff.id == staff_id, Staff.ended_at.is_(None))
    return database.write(update(Staff).where(*living).values(**values)) == 1


def spend_step(staff_id: uuid.UUID, *, step: int) -> bool:
    """Whether this time step of the second factor was unspent; it is spent now."""
    unspent = (Staff.id == staff_id, Staff.last_step < step)
    return database.write(update(Staff).where(*unspent).values(last_step=step)) == 1


def add_session(values: Mapping[str, Any]) -> None:
    """A staff member's browser is signed in."""
    database.write(insert(StaffSession), values)


def find_session(digest: bytes) -> Row[Any] | None:
    """The session that nobody ended, with the account of somebody who still works here."""
    return database.row(
        select(
            StaffSession.id.label("session_id"),
            StaffSession.last_seen_at,
            StaffSession.expires_at,
            Staff,
        )
        .join(Staff, Staff.id == StaffSession.staff_id)
        .where(
            StaffSession.digest == digest,
            StaffSession.ended_at.is_(None),
            Staff.ended_at.is_(None),
        )
    )


def touch_session(session_id: uuid.UUID, *, at: datetime) -> None:
    """The session was used now."""
    used = (StaffSession.id == session_id, StaffSession.last_seen_at < at)
    database.write(update(StaffSession).where(*used).values(last_seen_at=at))


def renew_session(session_id: uuid.UUID, *, digest: bytes) -> bool:
    """Whether nobody ended the session; it has another cookie now."""
    living = (StaffSession.id == session_id, StaffSession.ended_at.is_(None))
    return database.write(update(StaffSession).where(*living).values(digest=digest)) == 1


def end_session(session_id: uuid.UUID, *, at: datetime) -> None:
    """The session is over on every process."""
    living = (StaffSession.id == session_id, StaffSession.ended_at.is_(None))
    database.write(update(StaffSession).where(*living).values(ended_at=at))


def end_sessions(staff_id: uuid.UUID, *, at: datetime, spare: uuid.UUID | None = None) -> int:
    """How many sessions of this staff member ended now; null: none is spared."""
    living = [StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None)]
    if spare is not None:
        living.append(StaffSession.id != spare)
    return database.write(update(StaffSession).where(*living).values(ended_at=at))


def replace_recovery_codes(staff_id: uuid.UUID, digests: Sequence[bytes], *, at: datetime) -> None:
    """These are the recovery codes from now on, and no others."""
    database.write(delete(StaffRecoveryCode).where(StaffRecoveryCode.staff_id == staff_id))
    if digests:
        code = {"staff_id": staff_id, "created_at": at, "spent_at": None}
        database.write(insert(StaffRecoveryCode), [code | {"digest": each} for each in digests])


def spend_recovery_code(staff_id: uuid.UUID, digest: bytes, *, at: datetime) -> bool:
    """Whether this code was good; it is spent now."""
    good = (
        StaffRecoveryCode.staff_id == staff_id,
        StaffRecoveryCode.digest == digest,
        StaffRecoveryCode.spent_at.is_(None),
    )
    return database.write(update(StaffRecoveryCode).where(*good).values(spent_at=at)) == 1


def recovery_codes_left(staff_id: uuid.UUID) -> int:
    """How many recovery codes are still good."""
    good = (StaffRecoveryCode.staff_id == staff_id, StaffRecoveryCode.spent_at.is_(None))
    row = database.row(select(func.count().label("n")).where(*good))
    return 0 if row is None else int(row.n)
