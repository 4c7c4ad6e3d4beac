"""How often a public service may ask for one answer (RFC 8628 §3.5, CIBA Core §7.3).

An honest poll writes nothing: when the last one was, each process remembers for itself, and only
who comes too early is on record, with a longer interval. Over several processes a hasty service
is noticed as soon as it meets one of them twice.
"""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from identity import clock

INTERVAL = 5  # seconds between two polls, as long as nobody is hasty
STEP = 5  # RFC 8628 §3.5: by so much the interval grows each time
LONGEST = 60
LENIENCE = timedelta(seconds=1)  # what the way through the network may shorten
MOST_REMEMBERED = 10_000

_lock = threading.Lock()
_last: OrderedDict[bytes, datetime] = OrderedDict()


def is_hasty(digest: bytes, interval_seconds: int) -> bool:
    """Whether this poll comes too early after the one before; it is remembered in any case."""
    now = clock.now()
    with _lock:
        before = _last.pop(digest, None)
        _last[digest] = now
        if len(_last) > MOST_REMEMBERED:
            _last.popitem(last=False)
    least = timedelta(seconds=interval_seconds) - LENIENCE
    return before is not None and timedelta(0) <= now - before < least


def longer(interval_seconds: int) -> int:
    """The interval from now on, for who was hasty."""
    return min(interval_seconds + STEP, LONGEST)
