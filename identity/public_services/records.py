"""Tables of who may ask: organisations and their public services (OIDC clients)."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base


class Level(StrEnum):
    """Where in the administration an organisation stands."""

    CENTRAL = "central"
    PROVINCE = "province"
    COMMUNE = "commune"
    OTHER = "other"


class Block(StrEnum):
    """Which branch of the political system it belongs to."""

    GOVERNMENT = "government"
    PARTY = "party"
    NATIONAL_ASSEMBLY = "national_assembly"
    FRONT = "front"
    COURT = "court"
    PROCURACY = "procuracy"
    OTHER = "other"


class Organisation(Base):
    """An agency; `code` is its electronic agency code."""

    __tablename__ = "organisation"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    level: Mapped[Level]
    block: Mapped[Block]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class PublicService(Base):
    """One OIDC client of an organisation: a mutable, versioned head row."""

    __tablename__ = "public_service"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(unique=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    # RFC 7591 client metadata as registered, and our members; wire.py states the shape.
    registration: Mapped[dict[str, Any]]
    secret_digest: Mapped[bytes | None] = mapped_column(LargeBinary)  # null: no secret
    sector: Mapped[str]  # whose pairwise subjects it shares
    is_active: Mapped[bool]
    version: Mapped[int]  # caches hold the row only as long as this is a condition
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class SpentAssertion(Base):
    """A client assertion works once, over all processes and restarts."""

    __tablename__ = "spent_assertion"
    __table_args__ = (Index("ix_spent_assertion_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)  # of client_id and jti
    expires_at: Mapped[datetime]
