"""The table of exports and its queries: asked for once, decided once by a second officer."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Row, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from identity import clock, database
from identity.columns import Base
from identity.staff.sessions import StaffMember

MOST_SHOWN = 50


class State(StrEnum):
    """How far an export has come."""

    WAITING = "waiting"  # for an officer of another unit
    READY = "ready"  # small, or confirmed
    DECLINED = "declined"


class AuditExport(Base):
    """What one officer wants as a file: the filters, and exactly how many entries they found."""

    __tablename__ = "audit_export"
    __table_args__ = (Index("ix_audit_export_expires_at", "expires_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    unit: Mapped[str]  # of whoever asked, when they asked
    filters: Mapped[dict[str, Any]]  # parameters of an address, v1: {type, service, …: text}
    upto: Mapped[int] = mapped_column(BigInteger)  # only what stood in the tree before this
    entries: Mapped[int]
    reason: Mapped[str]  # sealed by the ring
    state: Mapped[State]
    requested_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]  # null: nobody had to, or has
    decided_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]  # while it waits: of the request; then: of the file
    file_digest: Mapped[bytes | None]  # SHA-256 of what was first fetched; null: nothing was


_TABLE = AuditExport.__table__


def add(export: Mapping[str, Any]) -> None:
    """An export was asked for."""
    database.write(insert(AuditExport).values(**export))


def find(export_id: uuid.UUID) -> Row[Any] | None:
    """One of them, whoever asked; null: there is none."""
    return database.row(select(_TABLE).where(_TABLE.c.id == export_id))


def shown(staff_id: uuid.UUID, *, at: datetime) -> Sequence[Row[Any]]:
    """What this officer asked for, and what waits for anybody, the newest first."""
    waits = (_TABLE.c.state == State.WAITING) & (_TABLE.c.expires_at > at)
    query = select(_TABLE).where((_TABLE.c.staff_id == staff_id) | waits)
    return database.rows(query.order_by(_TABLE.c.id.desc()).limit(MOST_SHOWN))


def taken_alone(staff_id: uuid.UUID, *, since: datetime) -> int:
    """How many entries this officer asked for since then that no second officer had a say in."""
    alone = (
        _TABLE.c.staff_id == staff_id,
        _TABLE.c.requested_at > since,
        _TABLE.c.state == State.READY,
        _TABLE.c.decided_by.is_(None),
    )
    found = database.row(select(func.coalesce(func.sum(_TABLE.c.entries), 0)).where(*alone))
    return 0 if found is None else int(found[0])


def count_waiting(officer: StaffMember) -> int:
    """How many wait that an officer of this unit may decide."""
    query = (
        select(func.count())
        .select_from(_TABLE)
        .where(
            _TABLE.c.state == State.WAITING,
            _TABLE.c.expires_at > clock.now(),
            _TABLE.c.staff_id != officer.id,
            _TABLE.c.unit != officer.unit,
        )
    )
    found = database.row(query)
    return 0 if found is None else int(found[0])


def decide(export_id: uuid.UUID, **told: Any) -> bool:  # noqa: ANN401 - columns
    """Whether it still waited; it is decided now. Of two decisions at once, one succeeds."""
    waits = (
        AuditExport.id == export_id,
        AuditExport.state == State.WAITING,
        AuditExport.expires_at > told["decided_at"],
    )
    return database.write(update(AuditExport).where(*waits).values(**told)) == 1


def keep_digest(export_id: uuid.UUID, file_digest: bytes) -> None:
    """What the file was when it was first fetched."""
    first = (AuditExport.id == export_id, AuditExport.file_digest.is_(None))
    database.write(update(AuditExport).where(*first).values(file_digest=file_digest))
