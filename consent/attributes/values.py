"""Values with their envelopes: which one stands, and what a person declares beside it."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from consent.attributes import catalogue, records, types
from consent.attributes.catalogue import DECLARED, OF_IDENTITY, Attribute
from consent.attributes.envelopes import (
    TOLD,
    VERIFIED,
    Sealed,
    Value,
    chosen,
    members_of,
    opened,
    seal_members,
    sealed_in,
    why_withheld,
)
from identity import clock, database, sealing
from identity.citizens import people
from identity.citizens.people import Members
from identity.errors import InvalidRequest
from identity.together import Answer, Clause, look

__all__ = [
    "NotSupplied",
    "Value",
    "clause",
    "current",
    "declare",
    "head",
    "of_identity",
    "of_registers",
    "open_values",
    "opened_from",
    "tellable",
    "ticket",
    "whole_clause",
]


class NotSupplied(InvalidRequest):
    """The person cannot supply this attribute: only its register can say it."""

    slug = "not-supplied-by-person"
    title = "A person cannot declare this attribute"


def clause(names: Iterable[str], citizen_id: uuid.UUID) -> Clause:
    """The clause `vals` of a joined statement: reads what stands for these names, still sealed.

    `open_values` opens its answer. Names that identity keeps have nothing here: the clause
    `person` of identity reads them.
    """
    return records.values_clause(citizen_id, of_registers(names))


def whole_clause(names: Iterable[str]) -> Clause:
    """The same of the statement's own `citizen`, if each name has a value that may be told."""
    return records.whole_clause(of_registers(names))


def tellable(names: Iterable[str], citizen_id: uuid.UUID) -> frozenset[str]:
    """Those of the names, none of identity's, whose value may be told now."""
    parts = sealed_in(look(clause(names, citizen_id)) or {})
    return frozenset(name for name in parts if why_withheld(parts[name]) is None)


def of_registers(names: Iterable[str]) -> tuple[str, ...]:
    """The names whose values stand here, not in identity."""
    return tuple([name for name in names if name not in OF_IDENTITY])


def open_values(answer: Answer, key: bytes | sealing.Opener) -> dict[str, Value]:
    """The value of each name that the clause `vals` found."""
    known, today = catalogue.attributes(), clock.today()
    return {
        name: opened(chosen(parts), key, of=known[name], on=today)
        for name, parts in sealed_in(answer).items()
    }


def of_identity(members: Members, names: Iterable[str], *, as_of: date) -> dict[str, Value]:
    """Those of the names that identity keeps, in the same envelope, as of that day."""
    known, today = catalogue.attributes(), clock.today()
    return {
        name: _of_identity(known[name], members[OF_IDENTITY[name]], as_of=as_of, on=today)
        for name in names
        if name in OF_IDENTITY
    }


def _of_identity(attribute: Attribute, value: str, *, as_of: date, on: date) -> Value:
    return Value(
        name=attribute.name,
        value=value,
        source=VERIFIED,
        register=attribute.register,
        as_of=as_of,
        valid_from=None,
        valid_to=None,
        equals_paper=attribute.equals_paper,
        is_stale=attribute.is_stale(as_of, on=on),
        is_disputed=False,
        about_id=None,
        row=None,
    )


def current(citizen_id: uuid.UUID, names: Iterable[str]) -> dict[str, Value]:
    """What stands now for these names, identity's own included; names without one are absent.

    Raises:
        people.NoSuchCitizen: unknown, or the person's key was destroyed.
        catalogue.UnknownAttribute: a name is not in the catalogue.
    """
    wanted = tuple(names)
    catalogue.require_known(wanted)
    answer = look(people.identity_clause(citizen_id), clause(wanted, citizen_id))
    if answer is None:
        raise people.NoSuchCitizen("there is no such citizen")
    found = opened_from(answer, citizen_id, names=wanted)
    return {name: found[name] for name in wanted if name in found}


def opened_from(
    answer: Answer, citizen_id: uuid.UUID, *, names: Collection[str]
) -> dict[str, Value]:
    """Each name's value from the answer of the clauses `vals` and `person`, identity's included."""
    key = sealing.Opener(people.key_from(answer))
    found = open_values(answer, key)
    if not OF_IDENTITY.keys().isdisjoint(names):
        members = people.members_from(answer, citizen_id, key=key)
        found |= of_identity(members, names, as_of=answer["person.as_of"])
    return found


def declare(citizen_id: uuid.UUID, told: Mapping[str, types.Value]) -> dict[str, uuid.UUID]:
    """What the person says stands from now on as their own word, beside each register's.

    Inside the caller's transaction. A value that differs from the register's opens a ticket:
    nothing is overwritten. The ids are those of the appended values.

    Raises:
        NotSupplied: only the register can say it.
        types.BadValue: not a stored value of the attribute's type.
    """
    attributes = [_supplied(name) for name in told]
    stored = {a.name: types.canonical(a.type, told[a.name], attribute=a.name) for a in attributes}
    answer = look(people.identity_clause(citizen_id), clause(stored, citizen_id))
    if answer is None:
        raise people.NoSuchCitizen("there is no such citizen")
    key, standing = people.key_from(answer), sealed_in(answer)
    said = [(a, stored[a.name], database.new_id()) for a in attributes]
    records.append_values([_declared(citizen_id, key, said=part) for part in said])
    records.move_heads(
        [head(citizen_id, a.name, register=DECLARED, value_id=i) for a, _, i in said]
    )
    against = [
        a.name
        for a, value, _ in said
        if _differs(a, value, parts=standing.get(a.name, []), key=key)
    ]
    records.open_tickets([ticket(citizen_id, name, kind="declared_differs") for name in against])
    return {attribute.name: value_id for attribute, _, value_id in said}


def _supplied(name: str) -> Attribute:
    attribute = catalogue.attribute(name)
    if not attribute.may_be_supplied:
        raise NotSupplied("this attribute comes from its register only")
    return attribute


def _declared(
    citizen_id: uuid.UUID, key: bytes, *, said: tuple[Attribute, types.Value, uuid.UUID]
) -> dict[str, Any]:
    attribute, value, value_id = said
    return {
        "citizen_id": citizen_id,
        "id": value_id,
        "attribute": attribute.name,
        "register": DECLARED,
        "source": TOLD,
        "as_of": clock.today(),
        "sealed": seal_members(members_of(value), key, value_id=value_id),
        "about_id": None,
        "recorded_at": clock.now(),
    }


def _differs(
    attribute: Attribute, value: types.Value, *, parts: Sequence[Sealed], key: bytes
) -> bool:
    owned = [part for part in parts if part.register != DECLARED]
    today = clock.today()
    return any(opened(part, key, of=attribute, on=today).value != value for part in owned)


def head(
    citizen_id: uuid.UUID,
    name: str,
    *,
    register: str,
    value_id: uuid.UUID,
    valid_to: str | None = None,
) -> dict[str, Any]:
    """The head row that makes a value stand, until the end of the day `valid_to` (ISO 8601)."""
    return {
        "citizen_id": citizen_id,
        "attribute": name,
        "register": register,
        "value_id": value_id,
        "is_disputed": False,
        "valid_to": None if valid_to is None else date.fromisoformat(valid_to),
    }


def ticket(citizen_id: uuid.UUID, name: str, *, kind: str) -> dict[str, Any]:
    """The row that asks somebody to look."""
    return {
        "citizen_id": citizen_id,
        "id": database.new_id(),
        "attribute": name,
        "kind": kind,
        "opened_at": clock.now(),
        "closed_at": None,
    }
