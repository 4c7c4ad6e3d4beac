"""Tables of the sequenced log: positions, each person's own list, signed heads; searches."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base


class LogPosition(Base):
    """Where in the tree an entry stands: appended by the sequencer alone."""

    __tablename__ = "log_position"
    __table_args__ = (Index("ix_log_position_entry", "citizen_id", "entry_id", unique=True),)

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    citizen_id: Mapped[uuid.UUID]
    entry_id: Mapped[int] = mapped_column(BigInteger)
    leaf_hash: Mapped[bytes]


class LogSubject(Base):
    """One person's own numbered list of positions, so that a gap in it can be seen."""

    __tablename__ = "log_subject"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "n"),)

    citizen_id: Mapped[uuid.UUID]
    n: Mapped[int]  # 1, 2, 3… for this person
    position: Mapped[int] = mapped_column(BigInteger)
    previous: Mapped[int | None] = mapped_column(BigInteger)  # null: the first of them


class LogHead(Base):
    """A signed checkpoint of the tree (C2SP tlog-checkpoint)."""

    __tablename__ = "log_head"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes]
    checkpoint: Mapped[str]
    signed_at: Mapped[datetime]


class SequencerState(Base):
    """The frontier of the tree and where to look for the next entries; one row."""

    __tablename__ = "sequencer_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # always 1
    size: Mapped[int] = mapped_column(BigInteger)
    frontier: Mapped[list[Any]]  # hex hashes of the perfect subtrees, largest first
    left_behind: Mapped[int] = mapped_column(BigInteger)  # all entries with a lower xid are placed
    changed_at: Mapped[datetime]


class AuditSearch(Base):
    """What a security officer looked for, behind an opaque id: no person stands in a URL."""

    __tablename__ = "audit_search"
    __table_args__ = (Index("ix_audit_search_expires_at", "expires_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    found_id: Mapped[uuid.UUID | None]  # whom the number belongs to; null: nobody
    wrapped: Mapped[bytes]
    kek_id: Mapped[str]
    sealed: Mapped[bytes]  # JSON {case, reason}
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
