"""What stood for a person's attributes at an earlier moment: values are appended, never lost."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from consent.attributes import catalogue, records
from consent.attributes.catalogue import DECLARED
from consent.attributes.envelopes import VERIFIED, Value, open_members
from consent.attributes.values import of_identity, of_registers
from identity import clock, sealing
from identity.citizens import people

# What a person types on a decision page is kept in its transaction, just after the decision's own
# time; no transaction lasts longer (design §7).
TYPED = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Past:
    """What was ever known of a person under some names, still sealed."""

    key: bytes = field(repr=False)
    identities: Sequence[Any] = field(repr=False)  # rows, in the order in which they came
    rows: Sequence[Any] = field(repr=False)  # of values, likewise

    def at(self, moment: datetime, names: Iterable[str]) -> dict[str, Value] | None:
        """What stood for these names then, as the person saw it; those without a value are absent.

        Null: the person was not enrolled yet, so nothing can be said.
        """
        wanted = tuple(names)
        known = [row for row in self.identities if row.recorded_at <= moment]
        if not known:
            return None
        standing: dict[str, dict[str, Any]] = {}
        for row in self.rows:
            if row.attribute in wanted and row.recorded_at <= moment + _late(row):
                _stands(row, standing.setdefault(row.attribute, {}))
        on = moment.astimezone(clock.VIETNAM).date()
        opened = {
            name: [_opened(row, self.key, on=on) for row in by_register.values()]
            for name, by_register in standing.items()
        }
        found = {name: _chosen(each, on=on) for name, each in opened.items()}
        return found | of_identity(_members(known[-1], self.key), wanted, as_of=known[-1].as_of)


def past(citizen_id: uuid.UUID, names: Iterable[str]) -> Past:
    """The past of a person, as far as these names go: two statements, however long it was.

    Raises:
        people.NoSuchCitizen: unknown, or the person's key was destroyed.
    """
    known = records.identities(citizen_id)
    if not known:
        raise people.NoSuchCitizen("there is no such citizen")
    key = sealing.ring().unwrap(bytes(known[0].wrapped), known[0].kek_id)
    return Past(key, known, records.ever_told(citizen_id, of_registers(names)))


def _members(row: Any, key: bytes) -> people.Members:  # noqa: ANN401 - a row of the table
    place = (row.citizen_id, row.version)
    return people.open_identity(bytes(row.sealed), key, row=place).members()


def _late(row: Any) -> timedelta:  # noqa: ANN401 - a row of the table
    return TYPED if row.register == DECLARED else timedelta(0)


def _stands(row: Any, by_register: dict[str, Any]) -> None:  # noqa: ANN401 - a row of the table
    """As `registers.fill` moves a head: a later word about an earlier day does not stand."""
    before = by_register.get(row.register)
    if before is None or row.as_of >= before.as_of:
        by_register[row.register] = row


def _opened(row: Any, key: bytes, *, on: date) -> Value:  # noqa: ANN401 - a row of the table
    attribute = catalogue.attribute(row.attribute)
    members = open_members(bytes(row.sealed), key, value_id=row.id)
    return Value(
        name=row.attribute,
        value=members["value"],
        source=row.source,
        register=row.register,
        as_of=row.as_of,
        valid_from=members["valid_from"],
        valid_to=members["valid_to"],
        equals_paper=attribute.equals_paper and row.source == VERIFIED,
        is_stale=attribute.is_stale(row.as_of, on=on),
        is_disputed=False,  # what was in dispute then is kept nowhere
        about_id=row.about_id,
        row=row.id.hex,
    )


def _chosen(values: Sequence[Value], *, on: date) -> Value:
    """As `envelopes.chosen` chose on that day."""
    told = next((one for one in values if one.register == DECLARED), None)
    owned = next((one for one in values if one.register != DECLARED), None)
    if owned is None or told is None:
        return owned or told or values[0]
    return told if _is_old(owned, on) and not _is_old(told, on) else owned


def _is_old(value: Value, on: date) -> bool:
    has_ended = value.valid_to is not None and date.fromisoformat(value.valid_to) < on
    return has_ended or value.is_stale
