"""Catalogue files: CSV that is right from first line to last, or refused with each fault."""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Reading = Callable[[str], Any]


class BadSheet(Exception):
    """The file is not imported at all; `faults` says where and what is expected."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the file, its cells read."""

    number: int
    cells: dict[str, Any]

    def fault(self, column: str, complaint: str) -> str:
        """A fault of this line."""
        return f"line {self.number}, {column}: {complaint}"


@dataclass(frozen=True, slots=True)
class Published:
    """What an import changed."""

    new: int
    changed: int
    unchanged: int


def read(
    path: Path, readings: Mapping[str, Reading], *, key: str, optional: frozenset[str] = frozenset()
) -> list[Line]:
    """Every row of the file, each cell read by its column; `key` stands in one row only.

    Raises:
        BadSheet: with every fault of the file, not only the first.
    """
    faults: list[str] = []
    lines = list(_lines(path, readings, optional=optional, faults=faults))
    faults += _repeated(lines, key)
    if faults:
        raise BadSheet(faults)
    return lines


def _lines(
    path: Path,
    readings: Mapping[str, Reading],
    *,
    optional: frozenset[str],
    faults: list[str],
) -> Iterator[Line]:
    rows = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    _require_columns(_columns(rows), readings, optional=optional)
    try:
        for row in rows:
            if None in row or None in row.values():
                faults.append(f"line {rows.line_num}: not as many cells as columns")
                continue
            line = Line(rows.line_num, {})
            for column, cell in row.items():
                try:
                    line.cells[column] = readings[column](_tidy(cell))
                except ValueError as complaint:
                    faults.append(line.fault(column, str(complaint)))
            yield line
    except csv.Error:
        faults.append(f"line {rows.line_num}: not CSV")


def _columns(rows: "csv.DictReader[str]") -> list[str]:
    try:
        return list(rows.fieldnames or ())
    except csv.Error:
        raise BadSheet(["line 1: not CSV"]) from None


def _tidy(cell: str) -> str:
    return unicodedata.normalize("NFC", cell).strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadSheet(["the file is not UTF-8"]) from None


def _require_columns(
    told: list[str], readings: Mapping[str, Reading], *, optional: frozenset[str]
) -> None:
    missing = [name for name in readings if name not in told and name not in optional]
    faults = [f"line 1: the column {name} is missing" for name in missing]
    faults += [f"line 1: no column is called {name[:40]}" for name in told if name not in readings]
    if len(set(told)) != len(told):
        faults.append("line 1: a column stands twice")
    if faults:
        raise BadSheet(faults)


def _repeated(lines: list[Line], key: str) -> Iterator[str]:
    seen: set[Any] = set()
    for line in lines:
        value = line.cells.get(key)
        if value is not None and value in seen:
            yield line.fault(key, "stands in an earlier line too")
        seen.add(value)


def text(cell: str) -> str:
    """Words, at least one."""
    if not cell:
        raise ValueError("expected a text")
    return cell


def text_or_none(cell: str) -> str | None:
    """Words, or nothing."""
    return cell or None


def free_text(cell: str) -> str:
    """Words, perhaps none."""
    return cell


def word(*allowed: str) -> Reading:
    """One of these words."""

    def reading(cell: str) -> str:
        if cell not in allowed:
            raise ValueError("expected one of " + ", ".join(allowed))
        return cell

    return reading


def like(pattern: str, expected: str) -> Reading:
    """A text of this form."""
    form = re.compile(pattern)

    def reading(cell: str) -> str:
        if not form.fullmatch(cell):
            raise ValueError(f"expected {expected}")
        return cell

    return reading


def whole(lowest: int, highest: int) -> Reading:
    """A whole number between two."""

    def reading(cell: str) -> int:
        if not (cell.isascii() and cell.isdecimal() and lowest <= int(cell) <= highest):
            raise ValueError(f"expected a whole number from {lowest} to {highest}")
        return int(cell)

    return reading


def whole_or_none(lowest: int, highest: int) -> Reading:
    """A whole number between two, or nothing."""
    number = whole(lowest, highest)
    return lambda cell: number(cell) if cell else None


def yes_or_no(cell: str) -> bool:
    """Yes or no."""
    if cell not in {"yes", "no"}:
        raise ValueError("expected yes or no")
    return cell == "yes"


def several(cell: str) -> list[str]:
    """Texts apart by bars, none twice; perhaps none at all."""
    entries = [entry.strip() for entry in cell.split("|")] if cell else []
    if "" in entries:
        raise ValueError("expected entries apart by single bars")
    if len(set(entries)) != len(entries):
        raise ValueError("expected each entry once")
    return entries


def at_least_one(cell: str) -> list[str]:
    """Texts apart by bars, none twice, at least one."""
    entries = several(cell)
    if not entries:
        raise ValueError("expected at least one entry")
    return entries
