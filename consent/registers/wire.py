"""A line of a register's file: `{national_id, attribute, value, as_of, …}` (contract, "Commands").

A fault names the field and what is expected, never what came.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from consent import places
from consent.attributes import catalogue, types, written
from consent.attributes.catalogue import Attribute
from consent.attributes.written import BadValue
from identity import clock
from identity.citizens.national_id import MalformedNationalId, NationalId

REQUIRED = frozenset({"national_id", "attribute", "value", "as_of"})
OPTIONAL = frozenset({"valid_from", "valid_to", "record_id", "about"})
LONGEST_LINE = 64 * 1024
LONGEST_RECORD = 100
OF_PLACES = frozenset({"place", "address"})
MEMBER = re.compile(r"[a-z_]{1,32}")


class BadLine(Exception):
    """This line is not kept."""

    def __init__(self, member: str, complaint: str) -> None:
        super().__init__(f"{member}: {complaint}")
        self.member = member


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a register says about one person."""

    number: int  # of the line
    national_id: NationalId
    attribute: Attribute
    value: types.Value = field(repr=False)
    as_of: date
    valid_from: str | None
    valid_to: str | None
    record_id: str | None = field(repr=False)
    about: NationalId | None  # null: about nobody else, or nobody is named

    @property
    def members(self) -> dict[str, Any]:
        """What is sealed of it."""
        return {
            "value": self.value,
            "valid_from": self.valid_from,
            "valid_to": self.valid_to,
            "record": self.record_id,
        }


def claim(line: bytes, number: int, *, register: str) -> Claim:
    """The line, read.

    Raises:
        BadLine: it is not kept; says which field, never its value.
    """
    told = _members(line)
    attribute = _attribute(told["attribute"], register)
    read = Claim(
        number=number,
        national_id=_number(told, "national_id"),
        attribute=attribute,
        value=_value(told["value"], attribute),
        as_of=_as_of(told["as_of"]),
        valid_from=_maybe(told, "valid_from", accept=written.day),
        valid_to=_maybe(told, "valid_to", accept=written.day),
        record_id=_maybe(told, "record_id", accept=_record_id),
        about=None if told.get("about") is None else _number(told, "about"),
    )
    _require_sense(read)
    _require_unit(read)
    return read


def _members(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise BadLine("line", "too long")
    try:
        # RFC 8259 §8.1: UTF-8, and the mark that some put before it is passed over.
        told = json.loads(line.decode("utf-8-sig"), object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        raise BadLine("line", "not a JSON object in UTF-8 with each member once") from None
    if not isinstance(told, dict):
        raise BadLine("line", "not a JSON object")
    for name in told:
        if name not in REQUIRED | OPTIONAL:
            raise BadLine(name if MEMBER.fullmatch(name) else "line", "an unknown member")
    for name in sorted(REQUIRED - told.keys()):
        raise BadLine(name, "is missing")
    return told


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _attribute(name: object, register: str) -> Attribute:
    attribute = catalogue.attributes().get(name) if isinstance(name, str) else None
    if attribute is None:
        raise BadLine("attribute", "not in the catalogue")
    if attribute.is_of_identity:
        raise BadLine("attribute", "identity keeps it: use citizens import")
    if attribute.register != register:
        raise BadLine("attribute", "another register owns it")
    return attribute


def _number(told: Mapping[str, Any], member: str) -> NationalId:
    try:
        return NationalId.strict(written.string(told[member], "12 digits"))
    except (MalformedNationalId, BadValue):
        raise BadLine(member, "expected 12 digits") from None


def _value(value: object, attribute: Attribute) -> types.Value:
    try:
        return types.canonical(attribute.type, value, attribute=attribute.name)
    except BadValue as complaint:
        raise BadLine("value", str(complaint)) from None


def _as_of(value: object) -> date:
    try:
        day = date.fromisoformat(written.day(value))
    except BadValue as complaint:
        raise BadLine("as_of", str(complaint)) from None
    if day > clock.today():
        raise BadLine("as_of", "expected a day that has come")
    return day


def _maybe(told: Mapping[str, Any], member: str, *, accept: Callable[[object], str]) -> str | None:
    try:
        return written.optional(accept, told.get(member))
    except BadValue as complaint:
        raise BadLine(member, str(complaint)) from None


def _record_id(value: object) -> str:
    return written.text(value, LONGEST_RECORD)


def _require_sense(read: Claim) -> None:
    if read.valid_from and read.valid_to and read.valid_to < read.valid_from:
        raise BadLine("valid_to", "expected no day before valid_from")
    if read.about is not None and not read.attribute.is_about_another:
        raise BadLine("about", "this attribute is about nobody else")
    if read.about == read.national_id:
        raise BadLine("about", "expected another person")


def _require_unit(read: Claim) -> None:
    """A code is one of the day it says, or of the day the value is from (docs/interfaces.md)."""
    if read.attribute.type not in OF_PLACES or not places.are_known():
        return
    told = cast("dict[str, str | None]", read.value)
    code, since = told["code"], told["valid_from"]
    on = read.as_of if since is None else date.fromisoformat(since)
    if code is not None and places.find(code, on) is None:
        raise BadLine("value", "no administrative unit has this code on that day")
