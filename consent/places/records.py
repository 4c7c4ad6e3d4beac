"""Tables of administrative units, of what became of them, and of their imports."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, PrimaryKeyConstraint, Row, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.columns import Base

ALWAYS = date.min  # the first day of a unit whose beginning is not on record


class Place(Base):
    """One administrative unit from a day to a day. Its code means nothing without the day."""

    __tablename__ = "place"
    __table_args__ = (PrimaryKeyConstraint("code", "valid_from"),)

    code: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # its last day; null: it stands
    level: Mapped[str]  # province | district | commune
    kind: Mapped[str]  # tỉnh, phường, …
    name: Mapped[str]
    parent: Mapped[str | None]  # the code of the unit above; null: a province
    plain: Mapped[str]  # kind and name without accents, for who searches


class PlaceChange(Base):
    """On this day the territory of one unit, or a part of it, came to another."""

    __tablename__ = "place_change"
    __table_args__ = (
        PrimaryKeyConstraint("old_code", "new_code", "effective_on"),
        Index("ix_place_change_new_code", "new_code", "effective_on"),
    )

    old_code: Mapped[str]
    new_code: Mapped[str]
    effective_on: Mapped[date]
    extent: Mapped[str]  # whole | part
    is_likely: Mapped[bool]  # of several parts the one to name first; decides nothing
    resolution: Mapped[str]


class PlaceEdition(Base):
    """One import of the files of places; the newest is what stands."""

    __tablename__ = "place_edition"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes]  # of the files, so that the same files again are nothing to do
    lines: Mapped[int]  # how many units and changes they had
    imported_at: Mapped[datetime]


def find_newest_edition() -> Row[Any] | None:
    """The import that stands; null: nothing was imported."""
    return database.row(select(PlaceEdition.__table__).order_by(PlaceEdition.id.desc()).limit(1))


def add_edition(edition: Mapping[str, Any]) -> None:
    """The files were imported."""
    database.write(insert(PlaceEdition).values(edition))


def every_place() -> Sequence[Row[Any]]:
    """Every unit there ever was on record."""
    return database.rows(select(Place.__table__))


def every_change() -> Sequence[Row[Any]]:
    """Everything that became of them."""
    return database.rows(select(PlaceChange.__table__))


def put_places(places: Sequence[Mapping[str, Any]]) -> None:
    """These units stand as told."""
    _put(Place, places, key=("code", "valid_from"))


def put_changes(changes: Sequence[Mapping[str, Any]]) -> None:
    """These changes stand as told."""
    _put(PlaceChange, changes, key=("old_code", "new_code", "effective_on"))


def _put(table: type[Base], told: Sequence[Mapping[str, Any]], *, key: Sequence[str]) -> None:
    if not told:
        return
    put = (postgresql.insert if database.is_postgresql() else sqlite.insert)(table)
    rest = {name: put.excluded[name] for name in told[0] if name not in key}
    database.write(put.on_conflict_do_update(index_elements=list(key), set_=rest), list(told))


def called(code: str) -> Sequence[Row[Any]]:
    """Every unit that ever had this code, the earliest first."""
    table = Place.__table__
    return database.rows(select(table).where(Place.code == code).order_by(Place.valid_from))


def successors(code: str, effective_on: date) -> Sequence[Row[Any]]:
    """The codes that a unit's territory went to on this day, the likely one first."""
    was = (PlaceChange.old_code == code) & (PlaceChange.effective_on == effective_on)
    order = PlaceChange.is_likely.desc(), PlaceChange.new_code
    return database.rows(select(PlaceChange.new_code).where(was).order_by(*order))


def origins(code: str, effective_on: date) -> Sequence[Row[Any]]:
    """The codes whose territory, or a part of it, came to a unit on this day."""
    became = (PlaceChange.new_code == code) & (PlaceChange.effective_on == effective_on)
    return database.rows(select(PlaceChange.old_code).where(became).order_by(PlaceChange.old_code))


def matching(words: str, on: date | None, *, limit: int) -> Sequence[Row[Any]]:
    """Units whose plain name has these words in a row; `on` null: of any day, standing ones first.

    The words are letters, digits and spaces alone, so nothing in them is a wildcard.
    """
    bare = Place.plain
    has_words = or_(
        bare == words,
        bare.like(f"{words} %"),
        bare.like(f"% {words}"),
        bare.like(f"% {words} %"),
    )
    found = select(Place.__table__).where(has_words)
    if on is not None:
        stands = Place.valid_to.is_(None) | (Place.valid_to >= on)
        found = found.where(Place.valid_from <= on, stands)
    is_over = Place.valid_to.is_not(None)
    ends_with = bare.like(f"% {words}") | (bare == words)
    order = is_over, ends_with.desc(), Place.plain, Place.code, Place.valid_from
    return database.rows(found.order_by(*order).limit(limit))
