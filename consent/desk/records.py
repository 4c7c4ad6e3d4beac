"""Saved searches, and what the desk asks of the log, of the services and of the worker."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Row, delete, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from consent.audit.records import LogHead, SequencerState
from consent.facets.records import LogFacet, whole
from identity import database
from identity.columns import Base
from identity.public_services.records import Organisation, PublicService
from identity.staff.records import Staff
from identity.trail import AccessEntry
from identity.worker import WorkerState

MOST_SERVICES = 2_000


class SavedSearch(Base):
    """Filters that one officer keeps under a name; never a person."""

    __tablename__ = "saved_search"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    name: Mapped[str]
    filters: Mapped[dict[str, Any]]  # parameters of an address, v1: {type, service, …: text}
    created_at: Mapped[datetime]


def find_entry(entry_id: int, *, but: uuid.UUID | None) -> Row[Any] | None:
    """One entry with its keys and its place, unless it is about this person."""
    query = whole().where(AccessEntry.id == entry_id)
    return database.row(query if but is None else query.where(AccessEntry.citizen_id != but))


def is_about(entry_id: int, citizen_id: uuid.UUID) -> bool:
    """Whether this entry is about this person."""
    own = (AccessEntry.citizen_id == citizen_id, AccessEntry.id == entry_id)
    return database.row(select(AccessEntry.id).where(*own)) is not None


def services() -> Sequence[Row[Any]]:
    """Every public service with its organisation, by the names of both."""
    query = (
        select(
            PublicService.id,
            PublicService.client_id,
            PublicService.registration,
            Organisation.code,
            Organisation.name,
        )
        .join(Organisation, Organisation.id == PublicService.organisation_id)
        .order_by(Organisation.name, PublicService.client_id)
        .limit(MOST_SERVICES)
    )
    return database.rows(query)


@dataclass(frozen=True, slots=True)
class Signs:
    """What the worker, the sequencer and the newest head left in their rows."""

    turns: Mapping[str, tuple[datetime, str]]  # of a duty: when it last ended well, and its word
    placed: int
    found: int  # entries that filters know
    size: int  # of the newest signed head
    signed_at: datetime | None  # null: nothing was signed yet


def signs() -> Signs:
    """All of them at one moment."""
    state, head = SequencerState, LogHead
    newest = select(func.max(head.size)).scalar_subquery()
    ours = (
        select(
            select(func.coalesce(func.max(state.size), 0)).scalar_subquery().label("placed"),
            select(func.coalesce(func.max(LogFacet.position), -1) + 1)
            .scalar_subquery()
            .label("found"),
            func.coalesce(newest, 0).label("size"),
            select(head.signed_at).where(head.size == newest).scalar_subquery().label("signed_at"),
        )
    ).subquery("ours")
    turn = WorkerState
    query = select(ours, turn.duty, turn.at, turn.detail).outerjoin(turn, turn.duty.is_not(None))
    rows = database.rows(query)
    told = {row.duty: (row.at, row.detail) for row in rows if row.duty is not None}
    one = rows[0]  # there is always one: what it is joined to may have none
    return Signs(told, one.placed, one.found, one.size, one.signed_at)


def saved(staff_id: uuid.UUID) -> Sequence[Row[Any]]:
    """The searches that this officer keeps, by name."""
    table = SavedSearch.__table__
    mine = select(table).where(table.c.staff_id == staff_id)
    return database.rows(mine.order_by(table.c.name, table.c.id))


def hold(staff_id: uuid.UUID) -> None:
    """Until the transaction ends nobody else counts or adds to what this officer keeps."""
    database.row(select(Staff.id).where(Staff.id == staff_id).with_for_update())


def keep(search: Mapping[str, Any]) -> None:
    """A search is kept."""
    database.write(insert(SavedSearch).values(**search))


def remove(search_id: uuid.UUID, *, of: uuid.UUID) -> bool:
    """Whether this officer kept it; it is gone now."""
    own = (SavedSearch.id == search_id, SavedSearch.staff_id == of)
    return database.write(delete(SavedSearch).where(*own)) == 1
