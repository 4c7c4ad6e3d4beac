"""The sequencer: gives each committed entry its place in the tree, once, in an order that holds.

Nothing takes a position inside a request. Entries are placed in the order of their ids, which were
taken after the head row's lock, so a disclosure never stands behind the withdrawal that ended it.
The database numbers and hashes what it holds; only the tree's frontier is grown here.
"""

from consent.audit import records
from consent.audit.tree import Frontier
from identity import clock
from identity.database import transaction

BATCH = 2_000


def sequence() -> int:
    """Place what may be placed now, at most one batch; how many entries were.

    Only the worker calls it, alone (`identity/worker.py` holds the lock).
    """
    with transaction():
        state = records.sequencer_state()
        size = 0 if state is None else state.size
        left_behind = 0 if state is None else state.left_behind
        # Before the look at the entries: whatever is below it has ended, and is seen by that look.
        horizon = records.horizon()
        end = size + records.place(left_behind, horizon, size=size, most=BATCH)
        if end == size:
            return 0
        records.enlist(size, end)
        _, leaves, entries = zip(*records.placed(size, end, columns=records.HASH), strict=True)
        frontier = Frontier.unpacked(size, b"" if state is None else bytes(state.frontier))
        records.keep_state(
            {
                "size": end,
                "frontier": frontier.grown(leaves).packed(),
                "left_behind": _next_left_behind(left_behind, horizon, last=entries[-1]),
                "changed_at": clock.now(),
                "signed_size": 0 if state is None else state.signed_size,
                "signed_frontier": b"" if state is None else state.signed_frontier,
            }
        )
    return end - size


def _next_left_behind(before: int, horizon: int | None, *, last: int) -> int:
    """Below which every entry has its place now; `last` is the one placed last."""
    if horizon is None:
        return last + 1
    lowest = records.lowest_left_behind(before, horizon, after=last)
    return horizon if lowest is None else lowest
