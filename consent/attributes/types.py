"""The types of attribute values: stored from a register or a form, shown on a page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import cast

from consent import places
from consent.attributes import codes, written
from consent.attributes.written import BadValue, Value
from identity import clock, presentation
from identity.citizens.birth_date import BirthDate

__all__ = ["TYPES", "BadValue", "Value", "ValueType", "canonical", "shown", "supplied"]


@dataclass(frozen=True, slots=True)
class ValueType:
    """One type of the contract, in its three directions."""

    accept: Callable[[object], Value]  # a register's JSON
    read: Callable[[str], Value]  # a form field, filled in by a person
    show: Callable[[Value, "Reader"], str]


@dataclass(frozen=True, slots=True)
class Reader:
    """What a page says beside the value: whose codes they are, and in which language."""

    attribute: str
    language: str


def canonical(type_name: str, value: object, *, attribute: str = "") -> Value:
    """The stored form of what a register says.

    Raises:
        BadValue: another type or form, or a code outside the attribute's closed list.
    """
    return listed(TYPES[type_name].accept(value), attribute)


def supplied(type_name: str, typed: str, *, attribute: str = "") -> Value:
    """The stored form of what a person typed: the same value, written more freely.

    Raises:
        BadValue: it cannot be read as this type without guessing.
    """
    return listed(TYPES[type_name].read(typed.strip()), attribute)


def shown(type_name: str, value: Value, *, attribute: str = "", language: str = "vi") -> str:
    """The text of a stored value on a page; the attribute says what its codes mean."""
    return TYPES[type_name].show(value, Reader(attribute, language))


def listed(value: Value, attribute: str) -> Value:
    """The value, unless the attribute has a closed list of codes and this is none of them."""
    if isinstance(value, str) and not codes.is_allowed(attribute, value):
        raise BadValue("expected one of the codes of this attribute")
    return value


def as_it_is(value: Value, _reader: Reader) -> str:
    return str(value)


def show_code(value: Value, reader: Reader) -> str:
    return codes.label(reader.attribute, str(value), language=reader.language)


def show_code_list(value: Value, reader: Reader) -> str:
    entries = cast("list[str]", value)
    return ", ".join(
        codes.label(reader.attribute, entry, language=reader.language) for entry in entries
    )


def show_phone(value: Value, _reader: Reader) -> str:
    return presentation.phone(str(value))


def show_partial_date(value: Value, _reader: Reader) -> str:
    return BirthDate.parse(str(value)).shown()


def show_day(value: Value, _reader: Reader) -> str:
    return presentation.day(date.fromisoformat(str(value)))


def show_boolean(value: Value, reader: Reader) -> str:
    yes, no = ("Yes", "No") if reader.language == "en" else ("Có", "Không")
    return yes if value else no


def show_number(value: Value, reader: Reader) -> str:
    return presentation.number(Decimal(str(value)), language=reader.language)


def show_money(value: Value, reader: Reader) -> str:
    return presentation.money(cast("int", value), language=reader.language)


def show_place(value: Value, _reader: Reader) -> str:
    # Where somebody was born keeps the name of its day.
    return str(cast("dict[str, str | None]", value)["text"])


def show_address(value: Value, reader: Reader) -> str:
    told = cast("dict[str, str | None]", value)
    return places.words(told, clock.today(), language=reader.language)


TYPES: Mapping[str, ValueType] = MappingProxyType(
    {
        "text": ValueType(written.text, written.text, as_it_is),
        "code": ValueType(written.code, written.code, show_code),
        "code_list": ValueType(written.code_list, written.code_list_typed, show_code_list),
        "person_name": ValueType(written.person_name, written.person_name, as_it_is),
        "personal_number": ValueType(written.personal_number, written.personal_number, as_it_is),
        "phone": ValueType(written.phone, written.dialled, show_phone),
        "email": ValueType(written.email, written.email, as_it_is),
        "partial_date": ValueType(
            written.partial_date, written.partial_date_typed, show_partial_date
        ),
        "date": ValueType(written.day, written.day_typed, show_day),
        "boolean": ValueType(written.boolean, written.boolean_typed, show_boolean),
        "integer": ValueType(written.integer, written.integer_typed, show_number),
        "decimal": ValueType(written.decimal, written.decimal_typed, show_number),
        "money": ValueType(written.integer, written.money_typed, show_money),
        "place": ValueType(written.place, written.place_typed, show_place),
        "address": ValueType(written.place, written.place_typed, show_address),
    }
)
