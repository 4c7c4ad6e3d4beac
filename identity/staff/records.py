"""Tables of the people who work here and their queries: security officers, later others."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Row, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
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
    password_hash: Mapped[str]
    wrapped: Mapped[bytes]  # the data key that seals the two columns below
    kek_id: Mapped[str]
    sealed_name: Mapped[bytes]
    sealed_factor: Mapped[bytes]  # JSON {kind: totp|demo, secret}
    last_step: Mapped[int]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # null: still here


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


def is_taken(username: str) -> bool:
    """Whether anybody has or had this username: names are never given twice."""
    return database.row(select(Staff.id).where(Staff.username == username)) is not None


def add(values: Mapping[str, Any]) -> None:
    """Somebody works here."""
    database.write(insert(Staff), values)


def replace_hash(staff_id: uuid.UUID, new: str, *, old: str) -> None:
    """The same password under today's cost, unless it was changed meanwhile."""
    same = (Staff.id == staff_id, Staff.password_hash == old)
    database.write(update(Staff).where(*same).values(password_hash=new))


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


def end_session(session_id: uuid.UUID, *, at: datetime) -> None:
    """The session is over on every process."""
    living = (StaffSession.id == session_id, StaffSession.ended_at.is_(None))
    database.write(update(StaffSession).where(*living).values(ended_at=at))
