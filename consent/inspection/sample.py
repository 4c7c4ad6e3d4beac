"""Which looks an inspector reviews: one in ten of each day that is over, drawn by the log itself.

The hash of a look's leaf decides. It holds random keys, so nobody who looks can tell beforehand;
and whoever has the log draws the same again, now or in ten years.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from consent.inspection import records
from identity import clock

# Acts of those who review, and of those at the counters. What an inspector does is none of them.
TYPES = (
    "staff:looked",
    "search:saved",
    "export:requested",
    "export:confirmed",
    "export:declined",
    "export:refused",
    "export:made",
    "counter:looked",
    "counter:refused",
    "letter:issued",
)
ONE_IN = 10
SHOWN_DAYS = 30
_SEED = b"motlan-inspection/v1"  # never changes: the sample of a day stays what it was


@dataclass(frozen=True, slots=True)
class Day:
    """What was looked at on one day, and which of it is the sample."""

    on: date
    count: int
    sample: Sequence[int]  # ids of entries, the newest first
    reviewed: int = 0  # of the sample

    @property
    def name(self) -> str:
        """As an address has it."""
        return self.on.isoformat()

    @property
    def is_done(self) -> bool:
        """Whether the whole sample was reviewed."""
        return self.reviewed == len(self.sample)


@dataclass(frozen=True, slots=True)
class Acted:
    """How often one member of the staff did what is reviewed."""

    actor_id: uuid.UUID
    count: int


def is_drawn(leaf_hash: bytes) -> bool:
    """Whether this look belongs to its day's sample, whatever else happened that day."""
    return _number(leaf_hash) % ONE_IN == 0


def drawn(rows: Sequence[Any]) -> list[int]:
    """The sample among the looks of one day: one in ten, and one at least."""
    if not rows:
        return []
    sample = [row.entry_id for row in rows if is_drawn(bytes(row.leaf_hash))]
    least = min(rows, key=lambda row: _number(bytes(row.leaf_hash)))
    return sorted(sample or [least.entry_id], reverse=True)


def _number(leaf_hash: bytes) -> int:
    return int.from_bytes(hashlib.sha256(_SEED + leaf_hash).digest()[:8])


def day(on: date) -> Day:
    """One day's sample; of a day that is not over, nothing is drawn yet."""
    rows = _looks(on, on)
    sample = drawn(rows) if on < clock.today() else []
    return Day(on, len(rows), sample, len(records.reviews(sample)) if sample else 0)


def lately() -> tuple[list[Day], list[Acted]]:
    """The last thirty days that are over and had looks, and who looked how often; most first."""
    last = clock.today() - timedelta(days=1)
    by_day: dict[date, list[Any]] = {}
    rows = _looks(last - timedelta(days=SHOWN_DAYS - 1), last)
    for row in rows:
        by_day.setdefault(row.at.astimezone(clock.VIETNAM).date(), []).append(row)
    samples = {on: drawn(found) for on, found in by_day.items()}
    known = set(records.reviews([each for sample in samples.values() for each in sample]))
    days = [
        Day(on, len(by_day[on]), sample, len(known.intersection(sample)))
        for on, sample in sorted(samples.items(), reverse=True)
    ]
    acted = Counter(row.actor_id for row in rows)
    return days, [Acted(actor, count) for actor, count in acted.most_common()]


def _looks(first: date, last: date) -> Sequence[Any]:
    until = last + timedelta(days=1)
    return records.looks(TYPES, since=_midnight(first), until=_midnight(until))


def _midnight(on: date) -> datetime:
    return datetime.combine(on, time(), clock.VIETNAM)
