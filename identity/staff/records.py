"""Tables of the people who work here: security officers, later inspectors and operators."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base


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
