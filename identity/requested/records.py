"""Tables of authorization requests: pushed by a public service, and waiting for a person."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from identity.columns import Base


class AuthorizationRequest(Base):
    """A validated request that waits for a person; bound to one browser, ten minutes."""

    __tablename__ = "authorization_request"
    __table_args__ = (Index("ix_authorization_request_expires_at", "expires_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    browser_digest: Mapped[bytes]
    public_service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("public_service.id"))
    params: Mapped[dict[str, Any]]  # the checked parameters, names as on the wire
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]  # null: no code and no error was sent yet
    pushed_digest: Mapped[bytes | None]  # the pushed request it came by; null: it came by itself
    # The request elsewhere that it answers: {kind, digest, until, citizen}; null: a browser's own.
    polled: Mapped[dict[str, Any] | None]
    # What the person has decided for it so far: {grant_id, refused: […]}; null: nothing.
    outcome: Mapped[dict[str, Any] | None]


class PushedRequest(Base):
    """A validated request that a public service pushed (RFC 9126): a minute, one answer."""

    __tablename__ = "pushed_request"
    __table_args__ = (Index("ix_pushed_request_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)  # of its request_uri
    public_service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("public_service.id"))
    params: Mapped[dict[str, Any]]  # the checked parameters, names as on the wire
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]  # null: no code and no error was sent for it
