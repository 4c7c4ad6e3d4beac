"""Tables of attributes, of the registers that own them, and of values, and their queries."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Row,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from identity import clock, database
from identity.citizens.records import CitizenIdentity, CitizenKey
from identity.columns import Base
from identity.together import Clause


class Register(Base):
    """A register and its keeper; `declared` has none."""

    __tablename__ = "register"

    name: Mapped[str] = mapped_column(primary_key=True)
    name_vi: Mapped[str]
    name_en: Mapped[str]
    keeper: Mapped[str | None]  # null: nobody keeps it (declared)
    keeper_code: Mapped[str | None]  # the keeper's organisation code; null: not told yet


class Attribute(Base):
    """One version of one attribute of the catalogue. Appended, never edited."""

    __tablename__ = "attribute"
    __table_args__ = (PrimaryKeyConstraint("name", "version"),)

    name: Mapped[str]
    version: Mapped[int]
    label_vi: Mapped[str]
    label_en: Mapped[str]
    register: Mapped[str] = mapped_column(ForeignKey("register.name"))
    type: Mapped[str]
    sensitivity: Mapped[str]  # basic | sensitive
    freshness_days: Mapped[int | None]  # null: never stale
    equals_paper: Mapped[bool]
    may_be_supplied: Mapped[bool]
    notes: Mapped[str]
    source: Mapped[str]
    recorded_at: Mapped[datetime]


class AttributeValue(Base):
    """A value with its envelope: appended, never overwritten."""

    __tablename__ = "attribute_value"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "id"),
        Index("ix_attribute_value_attribute", "citizen_id", "attribute"),
    )

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    id: Mapped[uuid.UUID]
    attribute: Mapped[str]
    register: Mapped[str] = mapped_column(ForeignKey("register.name"))
    source: Mapped[int]  # 1 verified by government, 2 told by the person
    as_of: Mapped[date]
    # JSON {value, valid_from, valid_to, record}, sealed under the person's key.
    sealed: Mapped[bytes]
    about_id: Mapped[uuid.UUID | None]  # whom else it is about, where known; null otherwise
    recorded_at: Mapped[datetime]


class AttributeHead(Base):
    """Which value stands now, per register; the only mutable row of a value's life."""

    __tablename__ = "attribute_head"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "attribute", "register"),
        ForeignKeyConstraint(
            ["citizen_id", "value_id"], ["attribute_value.citizen_id", "attribute_value.id"]
        ),
    )

    citizen_id: Mapped[uuid.UUID]
    attribute: Mapped[str]
    register: Mapped[str]
    value_id: Mapped[uuid.UUID]
    is_disputed: Mapped[bool]
    valid_to: Mapped[date | None]  # its last day, as sealed in the value; null: no end is told


class ValueTicket(Base):
    """Two sources disagree about a value: somebody must look, nothing is overwritten."""

    __tablename__ = "value_ticket"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "id"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    id: Mapped[uuid.UUID]
    attribute: Mapped[str]
    kind: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]  # null: still open


# What one head and its value look like in the answer of the clause `vals`, in this order.
_ENVELOPE = (
    "v.attribute, v.register, v.source, v.as_of, v.id, {sealed}, v.about_id, h.is_disputed,"
    " h.valid_to"
)
_HEADS = """
    FROM attribute_head h
    JOIN attribute_value v ON v.citizen_id = h.citizen_id AND v.id = h.value_id
    WHERE h.citizen_id = :citizen AND h.attribute
"""
_POSTGRES = (
    f"SELECT coalesce(CAST(json_agg(json_build_array({_ENVELOPE})) AS text), '[]') AS found"
    f" {_HEADS}"
    " = ANY(CAST(:vals_array AS text[]))"
).format(sealed="encode(v.sealed, 'hex')")
_SQLITE = (
    f"SELECT json_group_array(json_array({_ENVELOPE})) AS found {_HEADS}"  # noqa: S608 - our own
    " IN (SELECT value FROM json_each(:vals_names))"
).format(sealed="hex(v.sealed)")
# A value for each name, about nobody else, in no dispute, not ended: the entry may name them all.
_WHOLE = (
    " HAVING count(DISTINCT h.attribute) = {n}"
    " AND count(v.about_id) = 0 AND count(CASE WHEN h.is_disputed THEN 1 END) = 0"
    " AND count(CASE WHEN h.valid_to < {today} THEN 1 END) = 0"
)
_WHOLE_TEXTS = (
    _POSTGRES
    + _WHOLE.format(
        n="cardinality(CAST(:vals_array AS text[]))", today="CAST(:vals_today AS date)"
    ),
    _SQLITE + _WHOLE.format(n="json_array_length(:vals_names)", today=":vals_today"),
)
# These heads and no others, in no dispute: what was read before is what is released now.
_SAME = (
    " HAVING count(*) = :vals_count AND count(CASE WHEN h.value_id {among} THEN 1 END)"
    " = :vals_count AND count(CASE WHEN h.is_disputed THEN 1 END) = 0"
)
_SAME_TEXTS = (
    _POSTGRES + _SAME.format(among="= ANY(:vals_ids)"),
    _SQLITE + _SAME.format(among="IN (SELECT value FROM json_each(:vals_ids))"),
)
_FOUND = {"found": str}


def values_clause(citizen_id: uuid.UUID, names: Sequence[str]) -> Clause:
    """Reads what stands for these names, however much that is; a row always comes back."""
    params = {"citizen": citizen_id, **_listed(tuple(names))}
    return Clause("vals", _POSTGRES, _SQLITE, params, _FOUND)


def whole_clause(names: Sequence[str]) -> Clause:
    """The same, on condition that each name has a value that stands and is about nobody else.

    Of the person whom another clause of the statement calls `citizen`.
    """
    params = {**_listed(tuple(names)), "vals_today": clock.today().isoformat()}
    return Clause("vals", *_WHOLE_TEXTS, params, _FOUND)


def same_clause(names: Sequence[str], *, value_ids: Sequence[uuid.UUID]) -> Clause:
    """Likewise, on condition that exactly these values stand for these names."""
    params = {
        **_listed(tuple(names)),
        "vals_ids": list(value_ids),
        "vals_count": len(value_ids),
    }
    return Clause("vals", *_SAME_TEXTS, params, _FOUND)


@lru_cache(maxsize=1024)
def _listed(names: tuple[str, ...]) -> Mapping[str, str]:
    """As each database reads a list at once; the same few lists are asked for again and again."""
    quoted = [name.replace("\\", r"\\").replace('"', r"\"") for name in names]
    array = ",".join([f'"{name}"' for name in quoted])
    return {"vals_names": json.dumps(names), "vals_array": f"{{{array}}}"}


def all_versions() -> Sequence[Row[Any]]:
    """Every version of every attribute, a name's oldest first."""
    table = Attribute.__table__
    return database.rows(select(table).order_by(Attribute.name, Attribute.version))


def append_version(version: Mapping[str, Any]) -> None:
    """Add one version of one attribute."""
    database.write(insert(Attribute).values(version))


def registers() -> Sequence[Row[Any]]:
    """Every register."""
    return database.rows(select(Register.__table__).order_by(Register.name))


def put_register(columns: Mapping[str, Any]) -> None:
    """The register stands as told; what is null here stays as it was."""
    kind = postgresql.insert if database.is_postgresql() else sqlite.insert
    rest = {k: v for k, v in columns.items() if k != "name" and v is not None}
    put = kind(Register).values(**columns)
    database.write(put.on_conflict_do_update(index_elements=["name"], set_=rest))


def name_keeper(register: str, code: str) -> bool:
    """Whether there is such a register; its keeper has this organisation code now."""
    named = update(Register).where(Register.name == register).values(keeper_code=code)
    return database.write(named) == 1


def told(
    citizen_ids: Iterable[uuid.UUID], names: Iterable[str], *, registers: Iterable[str]
) -> Sequence[Row[Any]]:
    """Every value these registers ever told of these people, and whether it stands."""
    head, value = AttributeHead, AttributeValue
    is_head = (head.citizen_id == value.citizen_id) & (head.value_id == value.id)
    return database.rows(
        select(value.__table__, head.value_id.is_not(None).label("stands"))
        .outerjoin(head, is_head)
        .where(
            value.citizen_id.in_(list(citizen_ids)),
            value.attribute.in_(list(names)),
            value.register.in_(list(registers)),
        )
        .order_by(value.citizen_id, value.id)
    )


def ever_told(citizen_id: uuid.UUID, names: Iterable[str]) -> Sequence[Row[Any]]:
    """Every value that was ever known of a person, in the order in which they came."""
    value = AttributeValue.__table__
    query = select(value).where(
        value.c.citizen_id == citizen_id, value.c.attribute.in_(list(names))
    )
    return database.rows(query.order_by(value.c.recorded_at, value.c.id))


def identities(citizen_id: uuid.UUID) -> Sequence[Row[Any]]:
    """Every identity a person ever had, the first one first; none: unknown, or erased."""
    table, key = CitizenIdentity.__table__, CitizenKey.citizen_id
    query = select(table, CitizenKey.wrapped, CitizenKey.kek_id)
    joined = query.join(CitizenKey, key == table.c.citizen_id)
    return database.rows(joined.where(table.c.citizen_id == citizen_id).order_by(table.c.version))


def append_values(values: Sequence[Mapping[str, Any]]) -> None:
    """Add values; what stands is not touched."""
    if values:
        database.write(insert(AttributeValue), list(values))


def move_heads(moved: Sequence[Mapping[str, Any]]) -> None:
    """From now on these values stand: one row for each person, attribute and register."""
    if not moved:
        return
    kind = postgresql.insert if database.is_postgresql() else sqlite.insert
    put = kind(AttributeHead)
    database.write(
        put.on_conflict_do_update(
            index_elements=["citizen_id", "attribute", "register"],
            set_={"value_id": put.excluded.value_id, "valid_to": put.excluded.valid_to},
        ),
        list(moved),
    )


def open_tickets(tickets: Sequence[Mapping[str, Any]]) -> None:
    """Somebody must look at these."""
    if tickets:
        database.write(insert(ValueTicket), list(tickets))
