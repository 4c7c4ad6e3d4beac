"""The sequencer: gives each committed entry its place in the tree, once, in an order that holds.

Nothing takes a position inside a request. Entries are placed in the order of their ids, which were
taken after the head row's lock, so a disclosure never stands behind the withdrawal that ended it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from consent.audit import records
from consent.audit.tree import Frontier, leaf_hash
from identity import clock
from identity.database import AnyRow, transaction
from identity.entry import NOBODY

BATCH = 2_000


def sequence() -> int:
    """Place what may be placed now, at most one batch; how many entries were.

    Only the worker calls it, alone (`identity/worker.py` holds the lock).
    """
    with transaction():
        state = records.sequencer_state()
        size = 0 if state is None else state.size
        left_behind = 0 if state is None else state.left_behind
        horizon = records.horizon()
        found = records.unplaced(left_behind, limit=BATCH)
        ready = _ready(found, horizon)
        if not ready:
            return 0
        leaves = [leaf_hash(bytes(entry.leaf)) for entry in ready]
        records.append_positions(*_rows(ready, leaves, start=size))
        frontier = Frontier.unpacked(size, b"" if state is None else bytes(state.frontier))
        records.keep_state(
            {
                "size": size + len(ready),
                "frontier": frontier.grown(leaves).packed(),
                "left_behind": _next_left_behind(left_behind, horizon, found=found, placed=ready),
                "changed_at": clock.now(),
                "signed_size": 0 if state is None else state.signed_size,
                "signed_frontier": b"" if state is None else state.signed_frontier,
            }
        )
    return len(ready)


def _ready(found: Sequence[AnyRow], horizon: int | None) -> list[AnyRow]:
    """Up to the first entry whose transaction may still have older company on its way."""
    if horizon is None:
        return list(found)
    ready = []
    for entry in found:
        # The horizon alone would let a withdrawal with a low xid overtake the disclosure before
        # it, whose xid is higher though its id is lower; so everything behind it waits.
        if entry.xid >= horizon:
            break
        ready.append(entry)
    return ready


def _next_left_behind(
    before: int, horizon: int | None, *, found: Sequence[AnyRow], placed: Sequence[AnyRow]
) -> int:
    if len(found) < BATCH:  # all that was visible when the horizon was known
        lowest = min((entry.xid for entry in found[len(placed) :]), default=None)
    else:
        lowest = records.lowest_left_behind(before)
    if horizon is None:
        return int(placed[-1].id) + 1 if lowest is None else lowest
    return horizon if lowest is None else min(horizon, lowest)


def _rows(
    ready: Sequence[AnyRow], leaves: Sequence[bytes], *, start: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    ends = records.ends_of({entry.citizen_id for entry in ready} - {NOBODY})
    placed: list[dict[str, Any]] = []
    subjects: list[dict[str, Any]] = []
    latest = _latest(start)
    for position, (entry, leaf) in enumerate(zip(ready, leaves, strict=True), start):
        person = entry.citizen_id
        latest = max(latest or entry.at, entry.at)
        placed.append(
            {
                "position": position,
                "citizen_id": person,
                "entry_id": entry.id,
                "leaf_hash": leaf,
                "behind_seconds": _behind(entry.at, latest),
            }
        )
        if person == NOBODY:
            continue
        n, previous = ends.get(person, (0, None))
        ends[person] = (n + 1, position)
        subjects.append(
            {"citizen_id": person, "n": n + 1, "position": position, "previous": previous}
        )
    return placed, subjects


def _latest(size: int) -> datetime | None:
    """The latest time that the entries placed so far tell; null: there is none."""
    last = next(iter(records.placed(size - 1, size)), None)
    if last is None or last.at is None:  # its entry is gone, which `log verify` tells
        return None
    at: datetime = last.at
    return at + timedelta(seconds=last.behind_seconds or 0)


def _behind(at: datetime, latest: datetime) -> int | None:
    """A clock that was set back moves nothing; what it told meanwhile is marked."""
    return int((latest - at).total_seconds()) or None
