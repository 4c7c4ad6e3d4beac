"""Publish the files of places: what they say stands, and what they do not name stays."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from consent.places import files, records, units
from consent.sheets import Published
from identity import clock
from identity.database import new_id, transaction

Cells = dict[str, Any]
UNIT_KEY = ("code", "valid_from")
CHANGE_KEY = ("old_code", "new_code", "effective_on")


def publish(folder: Path) -> Published:
    """Every unit and every change of the files stands as they say; the same files change nothing.

    Raises:
        BadSheet: nothing was imported; each fault with its file, line and column.
    """
    digest = files.digest(folder)
    edition = records.find_newest_edition()
    if edition is not None and edition.digest == digest:
        return Published(0, 0, edition.lines)
    told = files.read(folder)
    lines = len(told.units) + len(told.changes)
    with transaction():
        places = _put(told.units, records.every_place(), key=UNIT_KEY, put=records.put_places)
        changes = _put(
            told.changes, records.every_change(), key=CHANGE_KEY, put=records.put_changes
        )
        records.add_edition(
            {"id": new_id(), "digest": digest, "lines": lines, "imported_at": clock.now()}
        )
    units.forget()
    return Published(*(sum(counts) for counts in zip(places, changes, strict=True)))


def _put(
    told: Sequence[Cells],
    standing: Iterable[Any],
    *,
    key: tuple[str, ...],
    put: Callable[[Sequence[Cells]], None],
) -> tuple[int, int, int]:
    """How many rows are new, changed and unchanged; the first two were written."""
    before = {tuple(getattr(row, name) for name in key): row._mapping for row in standing}  # noqa: SLF001 - the row's public view
    new = [cells for cells in told if tuple(cells[name] for name in key) not in before]
    known = [cells for cells in told if tuple(cells[name] for name in key) in before]
    changed = [x for x in known if dict(before[tuple(x[name] for name in key)]) != x]
    put(new + changed)
    return len(new), len(changed), len(known) - len(changed)
