"""Tables of sign-in: sessions, devices, half sign-ins, budgets for guessing."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base


class CitizenSession(Base):
    """One signed-in browser. The cookie is a handle: it yields the citizen, then the digest."""

    __tablename__ = "citizen_session"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "id"),
        Index("ix_citizen_session_digest", "citizen_id", "digest", unique=True),
        Index("ix_citizen_session_expires_at", "expires_at"),
    )

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    id: Mapped[uuid.UUID]
    digest: Mapped[bytes]
    actor_id: Mapped[uuid.UUID]  # who acts; equal to citizen_id when oneself
    mandate_id: Mapped[uuid.UUID | None]  # null: nobody is represented
    browser_digest: Mapped[bytes]
    acr: Mapped[int]  # 1 to 4, earned by this sign-in
    amr: Mapped[list[str]]
    auth_at: Mapped[datetime]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # null: alive until expires_at


class KnownDevice(Base):
    """A browser this person has finished a sign-in with; it has its own budget for mistakes."""

    __tablename__ = "known_device"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "browser_digest"),
        Index("ix_known_device_last_at", "last_at"),
    )

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    browser_digest: Mapped[bytes]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class SignInStep(Base):
    """Between the password and the one-time code: proves the password to the next page only."""

    __tablename__ = "sign_in_step"
    __table_args__ = (Index("ix_sign_in_step_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    browser_digest: Mapped[bytes]
    who: Mapped[uuid.UUID]  # citizen_id or staff id
    is_staff: Mapped[bool]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]  # null: the code is still awaited


class AttemptBudget(Base):
    """How many tries are left for one key (a number on a device, an address block) in a window."""

    __tablename__ = "attempt_budget"
    __table_args__ = (Index("ix_attempt_budget_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)  # keyed digest of kind and key
    used: Mapped[int]
    window_started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
