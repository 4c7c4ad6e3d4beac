"""Administrative units looked up by code and day, what became of them, and where they came from.

What was read is kept, at most a few thousand answers, until another import stands.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from consent.kept import Kept
from consent.places import records
from consent.places.plain import plain

ANSWERS_KEPT = 4096
MOST_FOUND = 50
LONGEST_SEARCH = 100
DAY = timedelta(days=1)
HCMC = "79"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One unit from a day to a day."""

    code: str
    valid_from: date  # `records.ALWAYS`: its beginning is not on record
    valid_to: date | None  # its last day; null: it stands
    level: str
    kind: str
    name: str
    parent: str | None  # the code of the unit above; null: a province

    @property
    def written(self) -> str:
        """As in a sentence: *phường Sài Gòn*, *Quận 1*, *Thành phố Hồ Chí Minh*."""
        # Decree 30/2020/NĐ-CP, Appendix II: a capital before a number, and for this one city.
        # Where a person's name asks for one too, the data does not say whose name it is.
        is_special = self.name[:1].isdigit() or self.code == HCMC
        kind = self.kind[:1].upper() + self.kind[1:] if is_special else self.kind
        return f"{kind} {self.name}"

    def stands_on(self, day: date) -> bool:
        """Whether the code means this unit on that day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def _newest() -> uuid.UUID | None:
    edition = records.find_newest_edition()
    return None if edition is None else edition.id


_edition: Kept[uuid.UUID | None] = Kept(_newest)


def forget() -> None:
    """Ask at the next use which import stands."""
    _edition.forget()


def are_known() -> bool:
    """Whether places were imported at all."""
    return _edition.get() is not None


def find(code: str, on: date) -> Unit | None:
    """The unit that had this code on that day; null: none, or nothing was imported."""
    edition = _edition.get()
    if edition is None:
        return None
    return next((unit for unit in _called(edition, code) if unit.stands_on(on)), None)


def above(unit: Unit, on: date) -> tuple[Unit, ...]:
    """The unit and those above it on that day, itself first."""
    line = [unit]
    while line[-1].parent is not None:
        upper = find(line[-1].parent, on)
        if upper is None:
            break
        line.append(upper)
    return tuple(line)


def successors(code: str, on: date, *, until: date) -> tuple[Unit, ...]:
    """What the unit that had this code on `on` is on the day `until`.

    Itself where it still stands. Several: it was split, and which of them a place in it belongs
    to cannot be told from the code; the first is the likeliest. None: unknown, or its level ended.
    """
    unit, edition = find(code, on), _edition.get()
    if unit is None or edition is None:
        return ()
    found: dict[Unit, None] = {}  # in order, each once
    waiting = [unit]
    while waiting:
        one = waiting.pop(0)
        if one.valid_to is None or one.valid_to >= until:
            found[one] = None
        else:
            waiting += _on(_became(edition, one.code, one.valid_to + DAY), one.valid_to + DAY)
    return tuple(found)


def origins(unit: Unit) -> tuple[Unit, ...]:
    """The units whose territory, whole or in part, it was made of; none where it always was."""
    edition = _edition.get()
    if edition is None or unit.valid_from == records.ALWAYS:
        return ()
    return tuple(_on(_came(edition, unit.code, unit.valid_from), unit.valid_from - DAY))


def search(words: str, *, on: date | None = None, limit: int = 20) -> tuple[Unit, ...]:
    """Units by name, with or without accents and kind: `ben nghe`, `phường Bến Nghé`.

    Of any day, those that stand first; with `on`, of that day alone.
    """
    wanted = plain(words[:LONGEST_SEARCH])
    if not wanted or not are_known():
        return ()
    found = records.matching(wanted, on, limit=max(0, min(limit, MOST_FOUND)))
    return tuple(_unit(row) for row in found)


def _on(codes: Iterable[str], day: date) -> list[Unit]:
    units = (find(code, day) for code in codes)
    return [unit for unit in units if unit is not None]


# Keyed by the import, so that another one, or another database, never meets these answers.
@lru_cache(maxsize=ANSWERS_KEPT)
def _called(_edition: uuid.UUID, code: str) -> tuple[Unit, ...]:
    return tuple(_unit(row) for row in records.called(code))


@lru_cache(maxsize=ANSWERS_KEPT)
def _became(_edition: uuid.UUID, code: str, effective_on: date) -> tuple[str, ...]:
    return tuple(row.new_code for row in records.successors(code, effective_on))


@lru_cache(maxsize=ANSWERS_KEPT)
def _came(_edition: uuid.UUID, code: str, effective_on: date) -> tuple[str, ...]:
    return tuple(row.old_code for row in records.origins(code, effective_on))


def _unit(row: Any) -> Unit:  # noqa: ANN401 - a row of records
    return Unit(
        code=row.code,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        level=row.level,
        kind=row.kind,
        name=row.name,
        parent=row.parent,
    )
