"""What is counted while we work, for `/metrics`: every label is a word of ours, no caller's."""

import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge, Histogram

from identity import database, lines

EVERY_SECONDS = 1.0


class Durations(Histogram):
    """A histogram that hears of many at once."""

    def add(self, seconds: float, counts: Sequence[int]) -> None:
        """Together they took so many seconds, and so many of them fell under each bound."""
        self._sum.inc(seconds)
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


BOUNDS = Histogram.DEFAULT_BUCKETS
REQUESTS = Counter("motlan_requests", "Requests by route and status", ["route", "method", "status"])
DURATION = Durations("motlan_request_seconds", "Time to answer by route", ["route"], buckets=BOUNDS)
# Gauges are summed over the processes that live: `operations/metrics.py` takes out the others'.
REFUSALS = Counter("motlan_refusals", "Refusals by their name in docs/errors.md", ["slug"])
TURNED_AWAY = Counter("motlan_turned_away", "Requests answered 503 because too many waited")
PASSWORDS = Gauge(
    "motlan_passwords", "Password hashes by state", ["state"], multiprocess_mode="livesum"
)
CONNECTIONS = Gauge(
    "motlan_database_connections",
    "Connections of the processes by state; waiting: requests that more of them would help",
    ["state"],
    multiprocess_mode="livesum",
)
FAILED_DUTIES = Counter("motlan_duty_failures", "Turns of the worker that failed", ["duty"])

HASHING, QUEUED = PASSWORDS.labels("hashing"), PASSWORDS.labels("waiting")


Answered = tuple[str, str, int]  # route, method and status


@dataclass(slots=True)
class _Tally:
    """Answers of one kind that were not told yet."""

    seconds: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * len(BOUNDS))


_tallies: dict[Answered, _Tally] = {}
_tallying = threading.Lock()


def answered(what: Answered, seconds: float) -> None:
    """One more answer: counted here and told by `tell`, as telling may cost more than answering.

    A process that is killed takes along what it counted since: a second at most.
    """
    with _tallying:
        tally = _tallies.get(what)
        if tally is None:
            tally = _tallies[what] = _Tally()
        tally.seconds += seconds
        tally.counts[bisect_left(BOUNDS, seconds)] += 1


def tell() -> None:
    """What was counted so far is what a scrape finds."""
    with _tallying:
        told = dict(_tallies)
        _tallies.clear()
    for (route, method, status), tally in told.items():
        REQUESTS.labels(route, method, str(status)).inc(sum(tally.counts))
        DURATION.labels(route).add(tally.seconds, tally.counts)


def watch() -> None:
    """From now on this process tells each second what it counted, and how its pool is used."""
    threading.Thread(target=_watch, name="meters", daemon=True).start()


def _watch() -> None:
    while True:
        tell()
        look()
        time.sleep(EVERY_SECONDS)


def look() -> None:
    """How the connections of threads and of the event loop stand now; on SQLite there are none."""
    pool = database.state().pool if database.is_open() else None
    if pool is None:
        return
    told, on_loop = pool.get_stats(), lines.usage()
    free = told.get("pool_available", 0)
    CONNECTIONS.labels("free").set(free + on_loop.free)
    CONNECTIONS.labels("used").set(told.get("pool_size", 0) - free + on_loop.used)
    CONNECTIONS.labels("waiting").set(told.get("requests_waiting", 0) + on_loop.waiting)
