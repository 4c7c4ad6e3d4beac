"""The proof that an entry stands in the log, made now and shown step by step (RFC 9162 §2.1.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consent.audit import heads, records
from consent.audit.notes import NoteError, read_checkpoint
from consent.audit.tree import Head, is_included, leaf_hash, node_hash
from consent.facets.nodes import PathBroken, path
from identity import clock, entry


@dataclass(frozen=True, slots=True)
class Step:
    """One step up: the hash beside, on which side it stands, and what both give."""

    sibling: str
    is_left: bool
    gives: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Everything that was computed, and what it was held against."""

    position: int
    leaf: str  # the text the tree hashes, recomputed from the entry's own columns
    leaf_hash: str
    is_own_leaf: bool  # the stored leaf says the same
    steps: Sequence[Step]
    root: str  # where the steps lead
    signed_root: str
    size: int
    checkpoint: str
    is_signed: bool  # by the log's key, and about this root and size
    is_included: bool
    verified_at: datetime

    @property
    def holds(self) -> bool:
        """Whether every step of it does."""
        return self.is_own_leaf and self.is_signed and self.is_included


def prove(row: Any) -> Proof | None:  # noqa: ANN401 - a row of `records.find_entry`
    """The proof under the newest signed head; null: no head has come to this entry yet."""
    signed = records.newest_head()
    if signed is None or row.position is None or row.position >= signed.size:
        return None
    commit = entry.body_commit(bytes(row.c_subject), bytes(row.c_actor))
    leaf = entry.leaf(row.type, minute=clock.minute(row.at), commit=commit)
    head, hashed = Head(signed.size, bytes(signed.root)), leaf_hash(leaf)
    siblings = _siblings(row.position, signed.size)
    steps = climb(hashed, row.position, siblings=siblings, size=signed.size)
    return Proof(
        position=row.position,
        leaf=leaf.decode(),
        leaf_hash=hashed.hex(),
        is_own_leaf=leaf == bytes(row.leaf) and hashed == bytes(row.leaf_hash),
        steps=steps,
        root=steps[-1].gives if steps else hashed.hex(),
        signed_root=head.root.hex(),
        size=head.size,
        checkpoint=signed.checkpoint,
        is_signed=_is_signed(signed.checkpoint, head),
        is_included=is_included(hashed, row.position, proof=siblings, head=head),
        verified_at=clock.now(),
    )


def _siblings(position: int, size: int) -> list[bytes]:
    try:
        return path(position, size)
    except PathBroken:
        return []  # which proves nothing, unless the tree has one leaf


def climb(leaf: bytes, index: int, *, siblings: Sequence[bytes], size: int) -> list[Step]:
    """Each step from a leaf to the root."""
    position, last, current = index, size - 1, leaf
    steps: list[Step] = []
    for sibling in siblings:
        is_left = bool(position & 1) or position == last
        current = node_hash(sibling, current) if is_left else node_hash(current, sibling)
        steps.append(Step(sibling.hex(), is_left, current.hex()))
        while is_left and not position & 1 and position:
            position, last = position >> 1, last >> 1  # the ragged right edge has no sibling there
        position, last = position >> 1, last >> 1
    return steps


def _is_signed(checkpoint: str, head: Head) -> bool:
    try:
        told = read_checkpoint(checkpoint.encode(), heads.verifier_of(checkpoint))
    except NoteError:
        return False
    return told.head == head
