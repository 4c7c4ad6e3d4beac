"""A citizen's own timeline: every entry about them, day by day; reading it leaves no entry."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from consent.looks import records
from consent.looks.entries import Look, opened
from identity import clock

PAGE = 50


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day, as the calendar in Viet Nam has it; the latest first."""

    on: date
    looks: Sequence[Look]


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page of it. `listed` and `missing` are about the whole, so that a gap can be seen."""

    days: Sequence[Day]
    older: int | None  # the entry before which the next page begins; null: this is the last
    listed: int  # how many entries the log has numbered for this person
    missing: int  # how many of those are gone: the log was changed


def timeline(citizen_id: uuid.UUID, *, before: int | None, language: str) -> Timeline:
    """The entries about one person, older than `before`."""
    rows = records.entries(of=citizen_id, before=before, limit=PAGE + 1)
    looks = [opened(row, language) for row in rows[:PAGE]]
    listed, readable = records.counts(citizen_id)
    return Timeline(
        days=[Day(on, list(same)) for on, same in groupby(looks, key=_day)],
        older=looks[-1].id if len(rows) > PAGE else None,
        listed=listed,
        missing=listed - readable,
    )


def _day(look: Look) -> date:
    return look.at.astimezone(clock.VIETNAM).date()
