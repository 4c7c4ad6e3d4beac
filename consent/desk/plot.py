"""Refused sign-ins by hour, as bars to be drawn and as the numbers behind them."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from consent.facets import records
from identity import clock

KIND = "sign_in:refused"
HOURS = 48
WIDTH, HEIGHT, LEFT, BELOW = 960, 240, 40, 40  # of the drawing, and its room for the scales
RIGHT = 32  # half a mark stands out beyond the last hour
STEP = (WIDTH - LEFT - RIGHT) // HOURS
# An hour stands out where it has so many, and so many times the usual hour's.
LEAST, TIMES = 5, 3
EVERY = 6  # hours between two marks of the scale


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour: where it begins, how often, and where its bar stands."""

    at: datetime
    count: int
    stands_out: bool
    x: int
    y: int
    height: int
    mark: str  # the hour of the clock, on every sixth; empty on the others

    @property
    def is_between(self) -> bool:
        """A mark between midnight and noon, which a narrow screen has no room for."""
        return self.mark in {"06:00", "18:00"}


@dataclass(frozen=True, slots=True)
class Plot:
    """All bars, the oldest first, and what the scale says."""

    bars: Sequence[Bar]
    top: int  # the highest number on the scale
    total: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    floor: int = HEIGHT - BELOW
    bar_width: int = STEP - 3

    @property
    def told(self) -> Sequence[Bar]:
        """The hours that have any, the latest first; every other hour has none."""
        return [bar for bar in reversed(self.bars) if bar.count]


def refused_sign_ins() -> Plot:
    """The last 48 hours up to this one, as the clock in Viet Nam has them."""
    this_hour = clock.now().replace(minute=0, second=0, microsecond=0)
    hours = [this_hour - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
    return drawn(hours, records.hours(KIND, since=hours[0]))


def drawn(hours: Sequence[datetime], happened: Mapping[datetime, int]) -> Plot:
    """Bars to scale. Vietnam's zone differs by whole hours, so its hours are ours."""
    counts = [happened.get(hour, 0) for hour in hours]
    top, usual = max(*counts, LEAST), statistics.median(counts)
    room = HEIGHT - BELOW - 10
    bars = []
    for number, (hour, count) in enumerate(zip(hours, counts, strict=True)):
        tall = -(-count * room // top)  # rounded up: one is seen beside a thousand
        stands_out = count >= LEAST and count > TIMES * usual
        x, y = LEFT + number * STEP, HEIGHT - BELOW - tall
        bars.append(Bar(hour, count, stands_out, x, y, tall, _mark(hour)))
    return Plot(bars, top, sum(counts))


def _mark(hour: datetime) -> str:
    local = hour.astimezone(clock.VIETNAM)
    return f"{local:%H:%M}" if local.hour % EVERY == 0 else ""
