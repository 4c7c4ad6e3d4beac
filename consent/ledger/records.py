"""Tables of the ledger: decisions, the texts people saw, receipts, objections."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base


class State(StrEnum):
    """Where a decision stands; `transitions.py` says what may follow what."""

    REQUESTED = "requested"
    GIVEN = "given"
    REFUSED = "refused"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    EXHAUSTED = "exhausted"
    SUPERSEDED = "superseded"
    SUSPENDED = "suspended"


class DecisionText(Base):
    """A page text as people saw it, found by its hash: appended, never edited."""

    __tablename__ = "decision_text"

    hash: Mapped[str] = mapped_column(primary_key=True)  # SHA-256, hex
    template: Mapped[str]  # procedure code @ version / page text version
    language: Mapped[str]
    text: Mapped[str]
    recorded_at: Mapped[datetime]


class Decision(Base):
    """One decision about one reuse: appended, never edited.

    The rows that share a decision_id are its history; what may be released now stands in the
    grant's head row (design §4).
    """

    __tablename__ = "decision"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "decision_id", "version"),
        Index("ix_decision_public_service_id", "citizen_id", "public_service_id"),
    )

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    decision_id: Mapped[uuid.UUID]
    version: Mapped[int]  # 1, 2, 3… within one decision; two racing writers collide here
    state: Mapped[State]
    decided_at: Mapped[datetime]
    actor_id: Mapped[uuid.UUID]
    mandate_id: Mapped[uuid.UUID | None]  # null: the citizen decided for themselves
    public_service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("public_service.id"))
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    procedure: Mapped[str | None]  # null: a decision about scopes
    case: Mapped[str | None]
    basis: Mapped[str]
    purposes: Mapped[list[str]]
    attributes: Mapped[list[str]]
    template: Mapped[str]
    text_hash: Mapped[str] = mapped_column(ForeignKey("decision_text.hash"))
    preview_digest: Mapped[bytes]  # of what the screen showed: values, text version, language
    from_at: Mapped[datetime]
    until: Mapped[datetime]
    use_budget: Mapped[int | None]  # null: no limit
    channel: Mapped[str]  # web
    evidence: Mapped[dict[str, Any]]  # {session, acr, amr}
    language: Mapped[str]


class Receipt(Base):
    """What a person holds in hand after a decision: appended, never edited."""

    __tablename__ = "receipt"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "decision_id", "version"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    decision_id: Mapped[uuid.UUID]
    version: Mapped[int]
    number: Mapped[str] = mapped_column(unique=True)
    entry_id: Mapped[int]
    body_commit: Mapped[bytes]
    promise: Mapped[str]
    issued_at: Mapped[datetime]


class Objection(Base):
    """A person objects to a reuse: numbered, seen by the security officers."""

    __tablename__ = "objection"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "id"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    id: Mapped[uuid.UUID]
    number: Mapped[str] = mapped_column(unique=True)
    public_service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("public_service.id"))
    procedure: Mapped[str | None]
    case: Mapped[str | None]
    sealed_reason: Mapped[bytes]
    raised_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]  # null: not answered yet
