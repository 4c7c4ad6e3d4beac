"""Entries as a CSV file (RFC 4180) that no spreadsheet takes for formulas."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from consent.desk.listing import read
from consent.facets.records import Narrowed, listed
from consent.looks.entries import Look
from identity import clock

PIECE = 500  # entries in memory at one time
BOM = "\ufeff".encode()
COLUMNS = (
    *("entry", "position", "time", "type", "about", "actor", "unit", "organisation", "service"),
    *("procedure", "case", "basis", "result", "attributes", "reason"),
)
# What a spreadsheet begins a formula with, or another cell; U+2212 is a minus too.
_BEGINS = ("=", "+", "-", "@", "\u2212", "\t", "\r", "\n")
# Where lists are separated by semicolons, a spreadsheet takes our quotes for text and begins
# another cell behind each of these.
_CELLS = re.compile(r"(?<=;)|(?<=.[\t\r\n])", re.DOTALL)
_PASSED_OVER = re.compile(r'[\s"]+')


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of the file."""

    content: bytes
    entries: int


def pieces(wanted: Narrowed, *, header: Sequence[str]) -> Iterator[Piece]:
    """The file, piece by piece, the oldest entry first; the same each time it is made."""
    yield Piece(BOM + _lines([header]), 0)
    last = -1
    while rows := listed(wanted, after=last, limit=PIECE):
        yield Piece(_lines([_cells(look) for look in read(rows, "vi")]), len(rows))
        last = rows[-1].id


def _lines(lines: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(
        [safe(cell) for cell in line] for line in lines
    )
    return text.getvalue().encode()


def safe(cell: str) -> str:
    """The cell with an apostrophe before each part of it that a spreadsheet could calculate."""
    return "".join(_safe(part) for part in _CELLS.split(cell))


def _safe(cell: str) -> str:
    # Forms of another width are folded before it is judged, and what nobody sees is passed over.
    seen = "".join(each for each in cell if unicodedata.category(each) != "Cf")
    folded = unicodedata.normalize("NFKC", seen)
    begins = _PASSED_OVER.match(folded)
    if seen.startswith(_BEGINS) or folded.startswith(_BEGINS, begins.end() if begins else 0):
        return f"'{cell}"
    return cell


def _cells(look: Look) -> list[str]:
    service, said = look.service, look.subject
    told: list[Any] = [
        look.id,
        look.position,
        look.at.astimezone(clock.VIETNAM).isoformat(timespec="seconds"),
        look.type,
        look.tag,
        look.actor_tag if look.is_by_another else look.tag if look.is_by_self else "",
        look.acting.get("unit"),
        service and service.organisation.name,
        service and service.client_id,
        said.get("procedure"),
        said.get("case"),
        said.get("basis"),
        "refused" if look.is_refused else "done",
        "; ".join(said.get("attributes") or ()),
        said.get("reason"),
    ]
    return ["" if each is None else str(each) for each in told]
