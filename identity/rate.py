"""How fast one public service may call the machine endpoints: a token bucket in this process.

It bounds what one runaway caller takes from the others; guesses are bounded by the database.
"""

import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from identity.errors import TooManyRequests

PER_SECOND = 10_000.0
BURST = 20_000.0
# Callers are authenticated services, or the address of whoever is none: either is bounded here.
MOST_REMEMBERED = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Limit:
    """`burst` calls at once, `per_second` for ever; what is not used fills up again."""

    def __init__(self, per_second: float = PER_SECOND, burst: float = BURST) -> None:
        self._per_second, self._burst = per_second, burst
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, caller: str) -> None:
        """One call of this caller is counted.

        Raises:
            TooManyRequests: it has none left; `Retry-After` says when it has.
        """
        now = time.monotonic()
        with self._lock:
            bucket = self._buckets.get(caller)
            if bucket is None:
                bucket = self._remember(caller, now)
            left = min(self._burst, bucket.left + (now - bucket.at) * self._per_second)
            bucket.at = now
            if left >= 1:
                bucket.left = left - 1
                return
            bucket.left = left
            wait = (1 - bucket.left) / self._per_second
        seconds = str(max(1, math.ceil(wait)))
        raise TooManyRequests(
            "wait as long as Retry-After says", headers=(("Retry-After", seconds),)
        )

    def _remember(self, caller: str, now: float) -> _Bucket:
        if len(self._buckets) >= MOST_REMEMBERED:
            self._buckets.popitem(last=False)
        bucket = self._buckets[caller] = _Bucket(self._burst, now)
        return bucket


machines = Limit()
