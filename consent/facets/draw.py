"""The worker draws from each placed entry what it can be found by; nothing of a person but its id.

Of an entry the subject part alone is opened, outside the transaction, so that nobody waits for it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from consent.audit.tree import Frontier
from consent.facets import records
from consent.looks.entries import is_refused, subject
from identity.database import transaction

BATCH = 200  # small, so that requests of the same machine wait for little
FAN = 256  # subtrees of one tier below one of the next, as the tiles of C2SP have them
MOST_NODES = 8  # of one tier in one turn


def draw() -> int:
    """The next entries of the tree can be found, and whole subtrees have their roots; how many.

    Only the worker calls it, alone.
    """
    start = records.reach()
    read = [(source, subject(source)) for source in records.sources(start, start + BATCH)]
    if read:
        with transaction():
            records.append([_facet(source, says) for source, says in read], _hours(read))
    return len(read) + _grow(start + len(read))


def _facet(source: records.Source, says: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "position": source.position,
        "citizen_id": source.citizen_id,
        "entry_id": source.id,
        "type": source.type,
        "at": source.at,
        "public_service_id": source.public_service_id,
        "basis": says.get("basis"),
        "is_refused": is_refused(source.type, says),
    }


def _hours(
    read: Sequence[tuple[records.Source, Mapping[str, Any]]],
) -> Counter[tuple[str, datetime]]:
    """How often each type happened in each hour; one entry may stand for many refusals."""
    told: Counter[tuple[str, datetime]] = Counter()
    for source, says in read:
        hour_at = source.at.replace(minute=0, second=0, microsecond=0)
        told[source.type, hour_at] += int(says.get("repeats") or 1)
    return told


def _grow(size: int) -> int:
    """Subtrees that became whole have their roots, the smallest first."""
    nexts, made, tier = records.next_nodes(), 0, 1
    whole = size // FAN  # how many subtrees of this tier can be whole
    while whole:
        first = nexts.get(tier, 0)
        fresh = range(first, min(whole, first + MOST_NODES))
        made += _write(tier, fresh)
        whole = fresh.stop // FAN if fresh else first // FAN
        tier += 1
    return made


def _write(tier: int, fresh: range) -> int:
    if not fresh:
        return 0
    start, end = fresh.start * FAN, fresh.stop * FAN
    if tier == 1:
        below = records.leaf_hashes([(start, end)])
    else:
        stored = records.nodes([(tier - 1, start, end)])
        below = {n: node for (_, n), node in stored.items()}
    if len(below) < end - start:  # a position is gone, which `log verify` tells
        return 0
    made = [{"tier": tier, "n": n, "hash": _root(below, n)} for n in fresh]
    with transaction():
        records.append_nodes(made)
    return len(made)


def _root(below: Mapping[int, bytes], n: int) -> bytes:
    return Frontier().grown(below[at] for at in range(n * FAN, (n + 1) * FAN)).root()
