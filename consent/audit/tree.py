"""The Merkle tree of the access log, RFC 6962 §2.1; proofs are checked as in RFC 9162 §2.1."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice, pairwise
from typing import Self

HASH_BYTES = 32
PIECE = 4_096  # leaves hashed at a time, so that a long log is never all in memory
EMPTY_ROOT = hashlib.sha256(b"").digest()

# The hash of a complete subtree: `level` 0 is the leaves, `index` counts within the level.
Node = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry; the prefix keeps a leaf from passing as a node."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Frontier:
    """All that is needed to go on growing a tree: its complete subtrees, largest first.

    What is stored of it (`packed`) may never change: the raw hashes, one after the other.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a frontier that no tree of this size can have."""
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError("a frontier has one hash for each bit set in its size")
        if any(len(each) != HASH_BYTES for each in self.hashes):
            raise ValueError("a hash has 32 bytes")

    @classmethod
    def unpacked(cls, size: int, packed: bytes) -> Self:
        """The frontier that was stored as `packed`."""
        steps = range(0, len(packed) + HASH_BYTES, HASH_BYTES)
        return cls(size, tuple(packed[start:end] for start, end in pairwise(steps)))

    def packed(self) -> bytes:
        """The frontier as bytes to store beside its size."""
        return b"".join(self.hashes)

    def grown(self, leaves: Iterable[bytes]) -> Self:
        """The frontier after these leaf hashes, in this order."""
        frontier, coming = self, iter(leaves)
        while piece := list(islice(coming, PIECE)):
            frontier = frontier._followed_by(piece)
        return frontier

    def _followed_by(self, level: list[bytes]) -> Self:
        # Level by level: what stood alone begins the next pairs, and what is odd stands alone.
        alone, stays, size = list(self.hashes), [], self.size
        grown = size + len(level)
        while level or size:
            if size & 1:
                level.insert(0, alone.pop())
            if len(level) & 1:
                stays.append(level.pop())
            level = list(map(node_hash, level[::2], level[1::2]))
            size >>= 1
        return type(self)(grown, tuple(reversed(stays)))

    def root(self) -> bytes:
        """The root hash of the tree at this size."""
        return _joined(self.hashes) if self.hashes else EMPTY_ROOT


def inclusion_proof(index: int, size: int, *, node: Node) -> list[bytes]:
    """The path that proves leaf `index` in the tree of `size`, RFC 6962 §2.1.1: siblings up."""
    if not 0 <= index < size:
        raise ValueError("this tree has no such leaf")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_range_root(middle, end, node=node))
            end = middle
        else:
            proof.append(_range_root(start, middle, node=node))
            start = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, *, node: Node) -> list[bytes]:
    """The hashes that prove that the tree of `new` only added to that of `old`, §2.1.2."""
    if not 0 <= old <= new:
        raise ValueError("a tree is consistent only with a larger one")
    proof: list[bytes] = []
    start, end = 0, new
    while 0 < old < end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_range_root(middle, end, node=node))
            end = middle
        else:
            proof.append(_range_root(start, middle, node=node))
            start = middle
    if start > 0:  # else this subtree is the old tree itself, whose root the verifier has
        proof.append(_range_root(start, end, node=node))
    return proof[::-1]


@dataclass(frozen=True)
class Head:
    """What a signed head says: how many entries, and the root over them."""

    size: int
    root: bytes


def is_included(leaf: bytes, index: int, *, proof: Sequence[bytes], head: Head) -> bool:
    """The leaf stands at `index` of the tree under this head. RFC 9162 §2.1.3.2."""
    if not 0 <= index < head.size or not _are_hashes(proof):
        return False
    position, last = index, head.size - 1
    current = leaf
    for sibling in proof:
        if last == 0:
            return False  # longer than the path can be
        if position & 1 or position == last:
            current = node_hash(sibling, current)
            position, last = _past_left_edge(position, last)
        else:
            current = node_hash(current, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and current == head.root


def is_consistent(old: Head, new: Head, *, proof: Sequence[bytes]) -> bool:
    """Everything under the old head is under the new one, unchanged. RFC 9162 §2.1.4.2."""
    if old.size == 0:
        return not proof and old.root == EMPTY_ROOT
    if old.size == new.size:
        return not proof and old.root == new.root
    if old.size > new.size or not proof or not _are_hashes(proof):
        return False
    path = list(proof)
    if old.size & (old.size - 1) == 0:
        path.insert(0, old.root)  # a complete old tree is its own first step
    return _climb(old, new, path=path)


def _climb(old: Head, new: Head, *, path: Sequence[bytes]) -> bool:
    position, last = old.size - 1, new.size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_root = new_root = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_root, new_root = node_hash(step, old_root), node_hash(step, new_root)
            position, last = _past_left_edge(position, last)
        else:
            new_root = node_hash(new_root, step)
        position, last = position >> 1, last >> 1
    return last == 0 and old_root == old.root and new_root == new.root


def _are_hashes(proof: Sequence[bytes]) -> bool:
    return all(len(each) == HASH_BYTES for each in proof)


def _past_left_edge(position: int, last: int) -> tuple[int, int]:
    # On the ragged right edge a node may have no sibling for some levels: skip those.
    while not position & 1 and position:
        position, last = position >> 1, last >> 1
    return position, last


def _split(size: int) -> int:
    # The largest power of two smaller than `size`, RFC 6962 §2.1.
    return 1 << ((size - 1).bit_length() - 1)


def _range_root(start: int, end: int, *, node: Node) -> bytes:
    parts: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(node(level, start >> level))
        start += 1 << level
    return _joined(parts)


def _joined(parts: Sequence[bytes]) -> bytes:
    return reduce(lambda right, left: node_hash(left, right), reversed(parts))
