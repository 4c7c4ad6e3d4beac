"""Addresses on pages: the unit of today, and in brackets what the address was registered as.

What cannot be told is not guessed: where a unit was split, the words as registered stay, and the
page says between which units of today it lies. A code without its day says nothing at all.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date

from consent.places import units
from consent.places.plain import plain
from consent.places.units import DAY, Unit
from identity import presentation

SHORT = {
    "tỉnh": "t",
    "thành phố": "tp",
    "quận": "q",
    "huyện": "h",
    "thị xã": "tx",
    "phường": "p",
    "xã": "x",
    "thị trấn": "tt",
    "đặc khu": "dk",
}
# What a register may have written itself; it stays.
FORMERLY = re.compile(r"(.*\S)\s*\((trước [0-9]{2}/[0-9]{2}/[0-9]{4}: .+)\)")


def words(value: Mapping[str, str | None], on: date, *, language: str = "vi") -> str:
    """The text of an address `{text, code, valid_from}` as it is worded on that day."""
    text, code, since = str(value["text"]), value.get("code"), value.get("valid_from")
    if code is None or since is None:
        return text
    unit = units.find(code, date.fromisoformat(since))
    if unit is None:
        return text
    before = units.above(unit, date.fromisoformat(since))
    now = units.successors(code, date.fromisoformat(since), until=on)
    if len(now) > 1:
        return _undecided(text, before, now=now, on=on, language=language)
    after = units.above(now[0], on) if now else before
    if _names(before) == _names(after):
        return _with_origin(text, unit, language=language)
    return _renamed(text, before, after=after, language=language)


def _renamed(text: str, before: Sequence[Unit], *, after: Sequence[Unit], language: str) -> str:
    told = FORMERLY.fullmatch(text)
    head, earlier = (told[1], told[2]) if told else (text, "")
    street = _street(head, before)
    if street is None:
        # Its words do not end with the unit's names: they stay whole, in the brackets.
        street, formerly = [], head
    else:
        formerly = _line(before, unlike=after)
    return presentation.address(
        ", ".join([*street, *_names(after)]),
        formerly="; ".join(filter(None, (formerly, earlier))),
        changed_on=_changed_on(before),
        language=language,
    )


def _with_origin(text: str, unit: Unit, *, language: str) -> str:
    """What it was before, if it all came from one unit and the register does not say so itself."""
    came = units.origins(unit)
    if len(came) != 1 or FORMERLY.fullmatch(text):
        return text
    before = units.above(came[0], unit.valid_from - DAY)
    formerly = _line(before, unlike=units.above(unit, unit.valid_from))
    changed_on = unit.valid_from
    return presentation.address(text, formerly=formerly, changed_on=changed_on, language=language)


def _undecided(
    text: str, before: Sequence[Unit], *, now: Sequence[Unit], on: date, language: str
) -> str:
    """The words as registered, and between which units of today the place lies."""
    since = presentation.day(_changed_on(before[:1]))
    *others, last = [unit.written for unit in now]
    top = units.above(now[0], on)[-1].written
    within = "" if top == before[-1].written else f", {top}"
    if language == "en":
        return f"{text} (since {since} in {', '.join(others)} or {last}{within}; not determined)"
    return f"{text} (từ {since} thuộc {', '.join(others)} hoặc {last}{within}; chưa xác định)"


def _changed_on(before: Sequence[Unit]) -> date:
    return min(unit.valid_to for unit in before if unit.valid_to is not None) + DAY


def _names(line: Sequence[Unit]) -> list[str]:
    return [unit.written for unit in line]


def _line(before: Sequence[Unit], *, unlike: Sequence[Unit]) -> str:
    """The former names, without the province where its name is still the same."""
    names = _names(before)
    is_same = len(names) > 1 and names[-1] == unlike[-1].written
    return ", ".join(names[:-1] if is_same else names)


def _street(text: str, line: Sequence[Unit]) -> list[str] | None:
    """What stands before the names of the units; null: the text does not end with them."""
    parts = [part.strip() for part in text.split(",")]
    for unit in reversed(line):
        if parts and plain(parts[-1]) in _spellings(unit):
            parts.pop()
        elif unit is line[0]:
            return None
    return parts


def _spellings(unit: Unit) -> set[str]:
    name, short = plain(unit.name), SHORT.get(unit.kind, "")
    spelled = {plain(unit.written), f"{short} {name}", f"{short}{name}"}
    return spelled if name.isdigit() else spelled | {name}
