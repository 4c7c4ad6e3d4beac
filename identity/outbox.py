"""Messages that must leave: written in the caller's transaction, delivered by the worker."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base


class OutboxMessage(Base):
    """One message to one public service, until it was delivered or given up."""

    __tablename__ = "outbox_message"
    __table_args__ = (Index("ix_outbox_message_next_at", "next_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    public_service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("public_service.id"))
    reference: Mapped[str]  # what it is about, e.g. a decision_id; shown to people
    target: Mapped[str | None]  # null: the service told no address (kept for polling)
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    tries: Mapped[int]
    next_at: Mapped[datetime | None]  # null: nothing more will be tried
    delivered_at: Mapped[datetime | None]  # null: not acknowledged
    last_error: Mapped[str | None]  # a short word, never the answer's text
