"""The nodes that one path through the tree needs, read in two statements however large it is."""

from collections.abc import Iterable, Mapping

from consent.audit.tree import HASH_BYTES, Frontier, inclusion_proof
from consent.facets import records
from consent.facets.draw import FAN

LEVELS = 8  # of the tree in one tier: 256 is two to the eighth


class PathBroken(Exception):
    """A position is missing, so there is no path."""


def path(index: int, size: int) -> list[bytes]:
    """The path of one leaf to the root of the tree of `size` (RFC 6962 §2.1.1).

    Raises:
        PathBroken: a position is missing.
    """
    needed: list[tuple[int, int]] = []

    def note(level: int, n: int) -> bytes:
        needed.append((level, n))
        return bytes(HASH_BYTES)

    inclusion_proof(index, size, node=note)
    found = _read(needed)
    return inclusion_proof(index, size, node=lambda level, n: _node(found, level, n=n))


def _tier(level: int, n: int) -> tuple[int, int, int]:
    """Under which stored nodes a node stands: their tier, the first, and before which."""
    tier, above = divmod(level, LEVELS)
    return tier, n << above, (n + 1) << above


def _read(needed: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    ranges = {_tier(level, n) for level, n in needed}
    leaves = [(start, end) for tier, start, end in ranges if tier == 0]
    higher = [each for each in ranges if each[0]]
    stored = records.nodes(higher) if higher else {}
    asked = {(tier, n) for tier, start, end in higher for n in range(start, end)}
    # What the worker has not written yet is made from the leaves below it.
    below = {(tier, n): (n * FAN**tier, (n + 1) * FAN**tier) for tier, n in asked - set(stored)}
    leaves += below.values()
    hashes = records.leaf_hashes(leaves) if leaves else {}
    made = {node: _over(hashes, places) for node, places in below.items()}
    return stored | made | {(0, position): leaf for position, leaf in hashes.items()}


def _over(hashes: Mapping[int, bytes], places: tuple[int, int]) -> bytes:
    if any(position not in hashes for position in range(*places)):
        raise PathBroken("a position is missing")
    return Frontier().grown(hashes[position] for position in range(*places)).root()


def _node(found: Mapping[tuple[int, int], bytes], level: int, *, n: int) -> bytes:
    tier, start, end = _tier(level, n)
    if any((tier, at) not in found for at in range(start, end)):
        raise PathBroken("a position is missing")
    return Frontier().grown(found[tier, at] for at in range(start, end)).root()
