"""One line of `citizens import`: read strictly, refused by field and never by value."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from identity import clock
from identity.citizens.birth_date import BirthDate
from identity.citizens.national_id import NationalId, Sex
from identity.citizens.people import Identity
from identity.citizens.person_name import registered_name
from identity.citizens.records import Status

DEMO_ONLY = frozenset({"password", "one_time_code"})
NAMES = frozenset(
    {"national_id", "full_name", "date_of_birth", "sex", "account_level", "status", "deceased_on"}
)
LEVELS = (1, 2)
_TELLABLE = re.compile(r"[a-z_]{1,40}")  # another name might be somebody's number
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CODE = re.compile(r"[0-9]{6}")

Read = TypeVar("Read")
Word = TypeVar("Word", bound=StrEnum)


class BadLine(ValueError):
    """A field cannot be used. The message names field and rule, never the value."""

    def __init__(self, name: str, rule: str) -> None:
        super().__init__(f"{name}: {rule}")


@dataclass(frozen=True, slots=True)
class Line:
    """One person as a line of the file tells them."""

    identity: Identity = field(repr=False)
    account_level: int | None  # null: left out, so what is known stays
    status: Status | None  # likewise, with the day of death
    deceased_on: date | None  # null: alive, or the day is unknown
    password: str | None = field(repr=False, default=None)  # null: none was given
    one_time_code: str | None = field(repr=False, default=None)  # null: none was given


def read_line(raw: bytes, *, is_demo: bool) -> Line:
    """The person whom a line of JSON describes.

    Raises:
        BadLine: a member is unknown, missing or cannot be used.
    """
    members = _members(raw)
    _require_known(members, NAMES | DEMO_ONLY if is_demo else NAMES)
    identity = Identity(
        _read(members, "national_id", by=NationalId.strict),
        _read(members, "full_name", by=registered_name),
        _read(members, "date_of_birth", by=_birth_date),
        _read(members, "sex", by=lambda text: _word(Sex, text)),
    )
    status = _find(members, "status", by=lambda text: _word(Status, text))
    return Line(
        identity,
        _level(members["account_level"]) if "account_level" in members else None,
        status,
        _deceased_on(members, status, born=identity.date_of_birth),
        _find(members, "password", by=_password),
        _find(members, "one_time_code", by=_code),
    )


def _members(raw: bytes) -> dict[str, Any]:
    try:
        # RFC 8259 §8.1: the mark that some put before their UTF-8 is passed over.
        members = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        raise BadLine("line", "must be one JSON object in UTF-8, each member once") from None
    if not isinstance(members, dict):
        raise BadLine("line", "must be a JSON object")
    return members


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _require_known(members: dict[str, Any], known: frozenset[str]) -> None:
    for name in members:
        if name in DEMO_ONLY - known:
            raise BadLine(name, "is taken only where MOTLAN_DEMO=1")
        if name not in known:
            told = name if _TELLABLE.fullmatch(name) else "a member"
            raise BadLine(told, "is not known here")


def _read(members: dict[str, Any], name: str, *, by: Callable[[str], Read]) -> Read:
    text = members.get(name)
    if text is None:
        raise BadLine(name, "is missing")
    if not isinstance(text, str):
        raise BadLine(name, "must be a text")
    try:
        return by(text)
    except ValueError as fault:  # each of ours says the rule, never the text
        raise BadLine(name, str(fault)) from None


def _find(members: dict[str, Any], name: str, *, by: Callable[[str], Read]) -> Read | None:
    return None if members.get(name) is None else _read(members, name, by=by)


def _word(kind: type[Word], text: str) -> Word:
    if text not in set(kind):
        raise ValueError("must be one of " + ", ".join(kind))
    return kind(text)


def _level(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value not in LEVELS:
        raise BadLine("account_level", "must be 1 or 2")
    return value


def _birth_date(text: str) -> BirthDate:
    born = BirthDate.parse(text)
    if born.is_after(clock.today()):
        raise ValueError("must not lie in the future")
    return born


def _day(text: str) -> date:
    if _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise ValueError("must be a day like 2026-03-09")


def _deceased_on(members: dict[str, Any], status: Status | None, *, born: BirthDate) -> date | None:
    day = _find(members, "deceased_on", by=_day)
    if day is None:
        return None
    if status is not Status.DECEASED:
        raise BadLine("deceased_on", "needs the status deceased")
    if day > clock.today() or born.is_after(day):
        raise BadLine("deceased_on", "must lie between birth and today")
    return day


def _password(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _code(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise ValueError("must be six digits")
    return text
