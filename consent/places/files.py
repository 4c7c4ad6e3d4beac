"""The files of places (`data/README.md`): right from first line to last, or refused."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

from consent import sheets
from consent.places.plain import plain
from consent.places.records import ALWAYS
from consent.places.units import DAY
from consent.sheets import BadSheet, Line

UNITS, CHANGES, RESOLUTIONS = "units.csv", "unit_changes.csv", "resolutions.csv"
PROVINCE, DISTRICT, COMMUNE = "province", "district", "commune"
DIGITS = {PROVINCE: 2, DISTRICT: 3, COMMUNE: 5}
KINDS = {
    PROVINCE: {"tỉnh", "thành phố"},
    DISTRICT: {"quận", "huyện", "thị xã", "thành phố"},
    COMMUNE: {"phường", "xã", "thị trấn", "đặc khu"},
}
UPPER = {PROVINCE: (), DISTRICT: (PROVINCE,), COMMUNE: (DISTRICT, PROVINCE)}
WHOLE, PART = "whole", "part"
ISO_DAY = r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}"


def day(cell: str) -> date:
    """A day of the calendar."""
    try:
        return date.fromisoformat(sheets.like(ISO_DAY, "a day")(cell))
    except ValueError:
        raise ValueError("expected a day such as 2025-07-01") from None


def day_or_always(cell: str) -> date:
    """A day, or nothing: the beginning is not on record."""
    return day(cell) if cell else ALWAYS


def day_or_none(cell: str) -> date | None:
    """A day, or nothing: it still holds."""
    return day(cell) if cell else None


CODE = sheets.like(r"[0-9]{2,5}", "the code of an administrative unit")
COLUMNS: dict[str, dict[str, sheets.Reading]] = {
    UNITS: {
        "code": CODE,
        "valid_from": day_or_always,
        "valid_to": day_or_none,
        "level": sheets.word(*DIGITS),
        "kind": sheets.text,
        "name": sheets.text,
        "parent": lambda cell: CODE(cell) if cell else None,
    },
    CHANGES: {
        "old_code": CODE,
        "new_code": CODE,
        "effective_on": day,
        "extent": sheets.word(WHOLE, PART),
        "likely": sheets.yes_or_no,
        "resolution": sheets.text,
    },
    RESOLUTIONS: {
        "number": sheets.text,
        "issued_on": day,
        "effective_on": day_or_none,
        "seen_in": sheets.at_least_one,
    },
}
Cells = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Places:
    """What the files say, as rows of the tables."""

    units: list[Cells] = field(repr=False)
    changes: list[Cells] = field(repr=False)


def packaged() -> Path:
    """The files that come with the software."""
    return Path(str(resources.files(__package__).joinpath("data")))


def digest(folder: Path) -> bytes:
    """What tells these files from any others.

    Raises:
        BadSheet: a file is missing.
    """
    missing = [name for name in COLUMNS if not (folder / name).is_file()]
    if missing:
        raise BadSheet([_of(name, "no such file in the folder") for name in missing])
    each = [hashlib.sha256((folder / name).read_bytes()).digest() for name in COLUMNS]
    return hashlib.sha256(b"".join(each)).digest()


def read(folder: Path) -> Places:
    """The files of the folder.

    Raises:
        BadSheet: with each fault of each file: its line, its column, what is expected.
    """
    faults: list[str] = []
    units, changes, resolutions = (_sheet(folder, name, faults=faults) for name in COLUMNS)
    if not faults:
        known = Known(units, changes, resolutions=resolutions)
        faults += [_of(UNITS, fault) for fault in known.faults_of_units()]
        faults += [_of(CHANGES, fault) for fault in known.faults_of_changes()]
    if faults:
        raise BadSheet(faults)
    return Places([_unit(line.cells) for line in units], [_change(x.cells) for x in changes])


def _sheet(folder: Path, name: str, *, faults: list[str]) -> list[Line]:
    # Only the numbers of resolutions are keys by themselves; the others are told with their day.
    try:
        return sheets.read(folder / name, COLUMNS[name], key="number")
    except BadSheet as bad:
        faults += [_of(name, fault) for fault in bad.faults]
        return []


def _of(name: str, fault: str) -> str:
    line = re.match(r"line [0-9]+", fault)
    return f"{line[0]} of {name}{fault[line.end() :]}" if line else f"{name}: {fault}"


def _unit(cells: Cells) -> Cells:
    return cells | {"plain": plain(f"{cells['kind']} {cells['name']}")}


def _change(cells: Cells) -> Cells:
    rest = {name: cell for name, cell in cells.items() if name != "likely"}
    return rest | {"is_likely": cells["likely"]}


class Known:
    """The lines of the three files, held against each other."""

    def __init__(self, units: list[Line], changes: list[Line], *, resolutions: list[Line]) -> None:
        self.units, self.changes = units, changes
        self.called: dict[str, list[Line]] = defaultdict(list)
        for line in sorted(units, key=lambda line: line.cells["valid_from"]):
            self.called[line.cells["code"]].append(line)
        self.became: dict[tuple[str, date], list[Line]] = defaultdict(list)
        for line in changes:
            self.became[line.cells["old_code"], line.cells["effective_on"]].append(line)
        self.effective = {x.cells["number"]: x.cells["effective_on"] for x in resolutions}

    def faults_of_units(self) -> Iterator[str]:
        """Each unit is of its level, stands under another, and ends only to become something."""
        for line in self.units:
            cells = line.cells
            if len(cells["code"]) != DIGITS[cells["level"]]:
                yield line.fault("code", f"a {cells['level']} has {DIGITS[cells['level']]} digits")
            if cells["kind"] not in KINDS[cells["level"]]:
                kinds = ", ".join(sorted(KINDS[cells["level"]]))
                yield line.fault("kind", f"expected one of {kinds}")
            if cells["valid_to"] is not None and cells["valid_to"] < cells["valid_from"]:
                yield line.fault("valid_to", "expected no day before valid_from")
            elif self._is_lost(cells):
                yield line.fault("valid_to", f"no line of {CHANGES} says what became of it")
            if not self._has_upper(cells):
                yield line.fault("parent", "no unit of a level above has this code all that time")
        yield from self._overlaps()

    def _is_lost(self, cells: Cells) -> bool:
        # Districts went without a successor: their level ended.
        if cells["valid_to"] is None or cells["level"] == DISTRICT:
            return False
        return (cells["code"], cells["valid_to"] + DAY) not in self.became

    def _has_upper(self, cells: Cells) -> bool:
        levels: Sequence[str] = UPPER[cells["level"]]
        if not levels:
            return cells["parent"] is None
        last = cells["valid_to"] or date.max
        return cells["parent"] is not None and all(
            (upper := self._at(cells["parent"], on)) is not None and upper["level"] in levels
            for on in (cells["valid_from"], last)
        )

    def _at(self, code: str, on: date) -> Cells | None:
        cells = (line.cells for line in self.called.get(code, ()))
        return next(
            (x for x in cells if x["valid_from"] <= on <= (x["valid_to"] or date.max)), None
        )

    def _overlaps(self) -> Iterator[str]:
        for lines in self.called.values():
            for before, line in pairwise(lines):
                if line.cells["valid_from"] <= (before.cells["valid_to"] or date.max):
                    yield line.fault("valid_from", "another unit has this code on that day")

    def faults_of_changes(self) -> Iterator[str]:
        """Each change ends one unit and begins another on its day, and a resolution says so."""
        twice = Counter(
            (x.cells["old_code"], x.cells["new_code"], x.cells["effective_on"])
            for x in self.changes
        )
        for line in self.changes:
            cells = line.cells
            effective_on = cells["effective_on"]
            ended = self._at(cells["old_code"], effective_on - DAY)
            if ended is None or ended["valid_to"] != effective_on - DAY:
                yield line.fault("old_code", "no unit of this code ends the day before")
            begun = self._at(cells["new_code"], effective_on)
            if begun is None or begun["valid_from"] != effective_on:
                yield line.fault("new_code", "no unit of this code begins on that day")
            if self.effective.get(cells["resolution"]) != effective_on:
                yield line.fault("resolution", f"not in {RESOLUTIONS} with this day")
            if twice[cells["old_code"], cells["new_code"], effective_on] > 1:
                yield line.fault("new_code", "stands twice for this unit and day")
        yield from self._splits()

    def _splits(self) -> Iterator[str]:
        for lines in self.became.values():
            extents = {line.cells["extent"] for line in lines}
            if extents != {WHOLE if len(lines) == 1 else PART}:
                yield lines[0].fault("extent", "expected one whole, or several parts")
            if sum(line.cells["likely"] for line in lines) != 1:
                yield lines[0].fault("likely", "expected yes in one line of this unit")
