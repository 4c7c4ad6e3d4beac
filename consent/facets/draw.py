"""The worker draws from each placed entry what it can be found by; nothing of a person but its id.

Entries are opened outside the transaction, so that nobody waits for it.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from consent.audit import records as log
from consent.audit.tree import Frontier
from consent.facets import records
from consent.looks.entries import Look, opened
from identity.database import AnyRow, transaction
from identity.public_services import registered

BATCH = 500
FAN = 256  # subtrees of one tier below one of the next, as the tiles of C2SP have them
MOST_NODES = 8  # of one tier in one turn


def draw() -> int:
    """The next entries of the tree can be found, and whole subtrees have their roots; how many.

    Only the worker calls it, alone.
    """
    start = records.reach()
    rows = [row for row in log.placed(start, start + BATCH) if row.type is not None]
    registered.by_ids({row.public_service_id for row in rows})
    looks = [opened(row, "vi") for row in rows]
    if looks:
        with transaction():
            facets = [_facet(look, row) for look, row in zip(looks, rows, strict=True)]
            records.append(facets, _hours(looks))
    return len(looks) + _grow(start + len(looks))


def _facet(look: Look, row: AnyRow) -> dict[str, Any]:
    return {
        "position": look.position,
        "citizen_id": look.citizen_id,
        "entry_id": look.id,
        "type": look.type,
        "at": look.at,
        "public_service_id": row.public_service_id,
        "basis": look.subject.get("basis"),
        "is_refused": look.is_refused,
    }


def _hours(looks: list[Look]) -> Counter[tuple[str, datetime]]:
    """How often each type happened in each hour; one entry may stand for many refusals."""
    told: Counter[tuple[str, datetime]] = Counter()
    for look in looks:
        hour_at = look.at.replace(minute=0, second=0, microsecond=0)
        told[look.type, hour_at] += int(look.subject.get("repeats") or 1)
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
