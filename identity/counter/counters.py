"""Where to go when signing in does not work: the counters that `MOTLAN_COUNTERS` lists."""

import csv
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from identity import settings
from identity.presentation import by_words

log = structlog.get_logger(__name__)
COLUMNS = ("province", "name", "address", "hours", "phone")
LONGEST = 300
AT_ONCE = 12  # a longer list is shown for one province at a time


class CountersError(Exception):
    """The file is not what it should be; its text says which line and why."""


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter, in the words of whoever runs it. `phone` may be empty."""

    province: str
    name: str
    address: str
    hours: str
    phone: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page of help tells: a list, or the provinces to choose from."""

    listed: Sequence[Counter]
    provinces: Sequence[str]  # empty: the list is whole
    province: str  # the chosen one; empty: none


_lock = threading.Lock()
_read: tuple[tuple[Path, int, int], Sequence[Counter]] | None = None


def shown(province: str = "") -> Shown:
    """The counters to show; nothing where none are known, or the file cannot be read now."""
    found = _known()
    if len(found) <= AT_ONCE:
        return Shown(found, (), "")
    provinces = by_words({one.province for one in found}, str)
    chosen = province if province in provinces else ""
    return Shown([one for one in found if chosen and one.province == chosen], provinces, chosen)


def look() -> str | None:
    """What is wrong with the file, for `motlan doctor`; null: nothing, or there is none."""
    path = settings.current().counters
    if path is None:
        return None
    try:
        read(path)
    except (OSError, CountersError) as fault:
        return f"MOTLAN_COUNTERS: {fault}; /sign-in/help shows no counter until it is mended"
    return None


def read(path: Path) -> list[Counter]:
    """The counters of a file: CSV in UTF-8 with our columns, every cell but `phone` filled.

    Raises:
        OSError: it cannot be opened.
        CountersError: it is something else.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            if tuple(rows.fieldnames or ()) != COLUMNS:
                raise CountersError(f"the first line must be {','.join(COLUMNS)}")
            return [_counter(row, rows.line_num) for row in rows]
    except (UnicodeDecodeError, csv.Error) as fault:
        raise CountersError(f"it is no CSV in UTF-8 ({type(fault).__name__})") from None


def _counter(row: dict[str, str], line: int) -> Counter:
    told = {name: " ".join((row.get(name) or "").split()) for name in COLUMNS}
    if None in row or any(row.get(name) is None for name in COLUMNS):
        raise CountersError(f"line {line} has not {len(COLUMNS)} cells")
    for name, text in told.items():
        if (not text and name != "phone") or len(text) > LONGEST or not text.isprintable():
            raise CountersError(f"line {line}, {name}: 1 to {LONGEST} visible characters")
    return Counter(**told)


def _known() -> Sequence[Counter]:
    """What the file holds now; read again once it has changed."""
    global _read  # noqa: PLW0603 - one process, one list
    path = settings.current().counters
    if path is None:
        return ()
    try:
        found = path.stat()
        stamp = (path, found.st_mtime_ns, found.st_size)
        with _lock:
            if _read is None or _read[0] != stamp:
                _read = (stamp, read(path))
            return _read[1]
    except (OSError, CountersError) as fault:
        log.warning("counters not read", kind=type(fault).__name__)
        return ()
