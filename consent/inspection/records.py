"""What inspectors said of looks, and the looks of a time with what they are drawn by."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Row, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from consent.audit.records import LogPosition
from consent.facets.records import LogFacet, whole
from identity import database
from identity.columns import Base
from identity.entry import NOBODY
from identity.trail import AccessEntry


class Verdict(StrEnum):
    """What an inspector says of a look."""

    IN_ORDER = "in_order"
    TO_EXPLAIN = "to_explain"


class Inspection(Base):
    """One look that an inspector has reviewed; appended, never edited."""

    __tablename__ = "inspection"

    entry_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    inspector_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    verdict: Mapped[Verdict]
    sealed_note: Mapped[str]  # by the ring
    reviewed_at: Mapped[datetime]


def looks(types: Iterable[str], *, since: datetime, until: datetime) -> Sequence[Row[Any]]:
    """Acts of the staff of these types that stand in the tree, with their leaves' hashes."""
    facet, entry, place = LogFacet, AccessEntry, LogPosition
    same = (entry.citizen_id == facet.citizen_id) & (entry.id == facet.entry_id)
    wanted = (
        facet.type.in_(list(types)),
        facet.at >= since,
        facet.at < until,
        entry.actor_id != NOBODY,
    )
    return database.rows(
        select(facet.entry_id, facet.type, facet.at, entry.actor_id, place.leaf_hash)
        .join(entry, same)
        .join(place, place.position == facet.position)
        .where(*wanted)
        .order_by(facet.entry_id)
    )


def entries(entry_ids: Iterable[int], *, but: uuid.UUID | None) -> Sequence[Row[Any]]:
    """These entries with keys and places, the newest first; none about the person `but`."""
    query = whole().where(AccessEntry.id.in_(list(entry_ids)))
    if but is not None:
        query = query.where(AccessEntry.citizen_id != but)
    return database.rows(query.order_by(AccessEntry.id.desc()))


def reviews(entry_ids: Iterable[int]) -> Mapping[int, Row[Any]]:
    """What was said of these entries, by entry."""
    table = Inspection.__table__
    found = database.rows(select(table).where(table.c.entry_id.in_(list(entry_ids))))
    return {row.entry_id: row for row in found}


def add(values: Mapping[str, Any]) -> bool:
    """Whether nobody had said anything of this entry; this is said now."""
    insert = (postgresql if database.is_postgresql() else sqlite).insert(Inspection)
    return database.write(insert.values(**values).on_conflict_do_nothing()) == 1


def to_explain(*, limit: int) -> Sequence[Row[Any]]:
    """The newest reviews that ask for an explanation."""
    table = Inspection.__table__
    open_ones = select(table).where(table.c.verdict == Verdict.TO_EXPLAIN)
    return database.rows(open_ones.order_by(table.c.reviewed_at.desc()).limit(limit))
