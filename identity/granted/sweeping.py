"""Grants on which nothing hangs any more go, so that their table does not grow for ever."""

import uuid
from datetime import timedelta

from identity import clock, database
from identity.granted import records

KEPT = timedelta(days=2)  # longer than any request that could still name the grant
SWEEP = 2_000  # grants that one step of the sweep looks at
_FIRST = uuid.UUID(int=0)
# Where the sweep goes on. A worker begins somewhere, so that one which never lives long enough
# for the whole way does not always clear the same part.
_swept: list[records.Key] = []


def sweep() -> int:
    """Grants on which nothing hangs any more are gone; how many. The worker's duty.

    It walks by key, a bounded step a turn: most grants rest on decisions of a year, and a search
    for the others would read all of them each time. Where much is found it goes straight on.
    """
    gone = 0
    while True:
        found = _sweep_on()
        gone += found
        if found * 4 < SWEEP:
            return gone


def _sweep_on() -> int:
    after = _swept.pop() if _swept else (uuid.uuid4(), _FIRST)
    until = records.key_after(after, steps=SWEEP)
    with database.transaction():
        gone = records.delete_unused(after, until, changed_before=clock.now() - KEPT)
    _swept.append(until or (_FIRST, _FIRST))
    return gone
