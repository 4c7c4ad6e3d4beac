"""The table of enrolments: who may give a staff account its password and second factor, until when.

Every act on it is one conditional statement: a link is used once, and by the browser that opened it
last.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Row, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.columns import Base


class StaffEnrolment(Base):
    """One chance to give an account what proves its owner."""

    __tablename__ = "staff_enrolment"
    __table_args__ = (
        Index("ix_staff_enrolment_expires_at", "expires_at"),
        Index("ix_staff_enrolment_step_digest", "step_digest", unique=True),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # stands in the link; no secret
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    # Keyed; null: begun by who is signed in, who keeps the password and gets a new second factor.
    code_digest: Mapped[bytes | None]
    step_digest: Mapped[bytes | None]  # of the text that the pages bring back; null: none is open
    browser_digest: Mapped[bytes | None]  # the browser that may go on
    step_ends_at: Mapped[datetime | None]
    new_hash: Mapped[str | None]  # of the password that was chosen; null: not yet
    # JSON {secret, codes, step} under the account's key: what the last page puts in force.
    sealed_setup: Mapped[bytes | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]  # null: not used yet


def add(values: Mapping[str, Any]) -> None:
    """Somebody may enrol."""
    database.write(insert(StaffEnrolment), values)


def end(staff_id: uuid.UUID, *, at: datetime) -> None:
    """Whatever was open for this account buys nothing any more."""
    mine = (StaffEnrolment.staff_id == staff_id, StaffEnrolment.spent_at.is_(None))
    nothing = dict.fromkeys(("step_digest", "new_hash", "sealed_setup"))
    database.write(update(StaffEnrolment).where(*mine).values(spent_at=at, **nothing))


def find(enrolment_id: uuid.UUID, *, at: datetime) -> Row[Any] | None:
    """The enrolment that may still be used."""
    is_open = (
        StaffEnrolment.id == enrolment_id,
        StaffEnrolment.spent_at.is_(None),
        StaffEnrolment.expires_at > at,
    )
    return database.row(select(StaffEnrolment).where(*is_open))


def find_step(step_digest: bytes, browser_digest: bytes) -> Row[Any] | None:
    """The enrolment that this browser has opened last, or has finished."""
    mine = (
        StaffEnrolment.step_digest == step_digest,
        StaffEnrolment.browser_digest == browser_digest,
    )
    return database.row(select(StaffEnrolment).where(*mine))


def open_step(enrolment_id: uuid.UUID, *, at: datetime, values: Mapping[str, Any]) -> bool:
    """Whether the enrolment may still be used; this browser goes on with it, from the beginning."""
    is_open = (
        StaffEnrolment.id == enrolment_id,
        StaffEnrolment.spent_at.is_(None),
        StaffEnrolment.expires_at > at,
    )
    fresh = {"new_hash": None, "sealed_setup": None, **values}
    return database.write(update(StaffEnrolment).where(*is_open).values(**fresh)) == 1


def keep(step_digest: bytes, *, at: datetime, values: Mapping[str, Any]) -> bool:
    """Whether this step was still open; the enrolment has these values now."""
    return (
        database.write(update(StaffEnrolment).where(*_open(step_digest, at)).values(**values)) == 1
    )


def keep_first_setup(step_digest: bytes, *, sealed: bytes) -> None:
    """The step has a set-up: this one, if there was none."""
    has_none = (StaffEnrolment.step_digest == step_digest, StaffEnrolment.sealed_setup.is_(None))
    database.write(update(StaffEnrolment).where(*has_none).values(sealed_setup=sealed))


def spend(step_digest: bytes, *, at: datetime) -> bool:
    """Whether this step was still open; the enrolment is used up, and forgets what it held."""
    used = {"spent_at": at, "new_hash": None, "sealed_setup": None}
    return database.write(update(StaffEnrolment).where(*_open(step_digest, at)).values(**used)) == 1


def _open(step_digest: bytes, at: datetime) -> tuple[Any, ...]:
    return (
        StaffEnrolment.step_digest == step_digest,
        StaffEnrolment.spent_at.is_(None),
        StaffEnrolment.step_ends_at > at,
        StaffEnrolment.expires_at > at,
    )
