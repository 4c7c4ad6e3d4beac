"""Recompute the whole log from the stored bytes, and name the first position that does not hold."""

from collections.abc import Iterator
from dataclasses import dataclass

from consent.audit import heads, records
from consent.audit.notes import NoteError, Verifier, read_checkpoint
from consent.audit.second_store import HeadUnreadableError
from consent.audit.tree import Frontier, leaf_hash
from identity import clock, entry, sealing
from identity.database import AnyRow, transaction
from identity.entry import NOBODY
from identity.log_keys import log_key

PIECE = 2_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. `first_bad` is null where everything holds."""

    size: int
    first_bad: int | None
    why: str

    @property
    def is_whole(self) -> bool:
        """Whether every entry, the order, the heads and the second store agree."""
        return self.first_bad is None


class Broken(Exception):
    """The log does not hold from this position on."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(why)
        self.position = position
        self.why = why


@dataclass(frozen=True, slots=True)
class Signed:
    """Which roots were signed, by size; null sizes where nothing was."""

    roots: dict[int, bytes]
    newest: int
    second: int


def verify() -> Verdict:
    """The verdict over everything that was sequenced when it began."""
    try:
        # Heads before the size: what is signed meanwhile must not look like a log that was cut.
        signed = _signed()
        with transaction():
            state = records.sequencer_state()
        size = 0 if state is None else int(state.size)
    except Broken as broken:
        return Verdict(0, broken.position, broken.why)
    try:
        frontier = _check_positions(size, signed)
        _check_reached(size, signed)
        if state is not None:
            _check_state(state, frontier)
        _check_subjects(size)
    except Broken as broken:
        return Verdict(size, broken.position, broken.why)
    return Verdict(size, None, "whole")


def _check_positions(size: int, signed: Signed) -> Frontier:
    """Each leaf from its entry's bytes, each root against the heads that were signed over it."""
    frontier, good = Frontier(), 0
    for start in range(0, size, PIECE):
        end = min(start + PIECE, size)
        leaves = [_leaf(row, place) for place, row in _dense(start, end)]
        for at in sorted(head for head in signed.roots if start < head <= end):
            frontier = frontier.grown(leaves[frontier.size - start : at - start])
            if frontier.root() != signed.roots[at]:
                raise Broken(good, f"positions {good} to {at - 1} are not those that were signed")
            good = at
        frontier = frontier.grown(leaves[frontier.size - start :])
    return frontier


def _dense(start: int, end: int) -> Iterator[tuple[int, AnyRow]]:
    rows = records.placed(start, end)
    for place, row in enumerate(rows, start):
        if row.position != place:
            raise Broken(place, "the position is missing")
        yield place, row
    if start + len(rows) < end:
        raise Broken(start + len(rows), "the position is missing: the log was cut")


def _leaf(row: AnyRow, place: int) -> bytes:
    """The leaf hash that the entry's own bytes give."""
    if row.leaf is None:
        raise Broken(place, "its entry was removed")
    commit = entry.body_commit(bytes(row.c_subject), bytes(row.c_actor))
    leaf = entry.leaf(row.type, minute=clock.minute(row.at), commit=commit)
    if leaf != bytes(row.leaf):
        raise Broken(place, "the leaf does not say what its entry says")
    if leaf_hash(leaf) != bytes(row.leaf_hash):
        raise Broken(place, "another entry was put in its place")
    _check_parts(row, place)
    return leaf_hash(leaf)


def _check_parts(row: AnyRow, place: int) -> None:
    """Both parts open under their keys and are what was committed to; a subject may be erased."""
    if row.kek_id is None:
        raise Broken(place, "the keys of its entry are gone")
    sides = (
        (row.sealed_subject, row.subject_wrapped, row.c_subject, True),
        (row.sealed_actor, row.actor_wrapped, row.c_actor, False),
    )
    for sealed, wrapped, commit, is_subject in sides:
        if wrapped is None and is_subject:
            continue  # erased: the commitment in the leaf still stands for it
        try:
            key = sealing.ring().unwrap(bytes(wrapped), row.kek_id)
            entry.open_part(bytes(sealed), key, commit=bytes(commit), is_subject=is_subject)
        except sealing.Unreadable as fault:
            side = "subject" if is_subject else "actor"
            raise Broken(place, f"its {side} part does not open: {fault}") from None


def _signed() -> Signed:
    """Roots from every kept head and the second store; each signature is checked."""
    roots = {head.size: _signed_root(head) for head in records.heads()}
    newest = max(roots, default=0)
    try:
        last = heads.store().find()
    except HeadUnreadableError as fault:
        raise Broken(newest, str(fault)) from None
    if last is None:
        return Signed(roots, newest, 0)
    if roots.setdefault(last.head.size, last.head.root) != last.head.root:
        raise Broken(0, f"two heads of size {last.head.size} were signed over different entries")
    return Signed(roots, newest, last.head.size)


def _signed_root(head: AnyRow) -> bytes:
    key = log_key()
    try:
        said = read_checkpoint(head.checkpoint.encode(), Verifier(key.name, key.public)).head
    except NoteError as fault:
        raise Broken(head.size, f"the head of size {head.size}: {fault}") from None
    if (said.size, said.root) != (head.size, bytes(head.root)):
        raise Broken(head.size, f"the head of size {head.size} was changed")
    return said.root


def _check_reached(size: int, signed: Signed) -> None:
    """The log holds all that was ever signed, and the second store knows of it."""
    most = max(signed.newest, signed.second)
    if most > size:
        raise Broken(size, f"{most} entries were signed, {size} are here: the log was cut")
    if signed.second < signed.newest:
        raise Broken(signed.second, "the second store knows less than was signed: was it put back?")


def _check_state(state: AnyRow, frontier: Frontier) -> None:
    if frontier.packed() != bytes(state.frontier):
        raise Broken(int(state.signed_size), "the tree's root is not that of the stored entries")
    missed = records.passed_over(state.left_behind)
    if missed is not None:
        place = records.position_before(missed.id)
        raise Broken(place, f"entry {missed.id} was put in beside the log")


def _check_subjects(size: int) -> None:
    """Each person's own list is dense, in order, theirs, and complete."""
    after, last, counted = (NOBODY, 0), (NOBODY, 0, None), 0
    while rows := records.subject_rows(after, limit=PIECE):
        for row in rows:
            if row.position >= size:
                continue  # placed after we began
            n, previous = (last[1], last[2]) if row.citizen_id == last[0] else (0, None)
            if (row.n, row.previous, row.of) != (n + 1, previous, row.citizen_id):
                raise Broken(row.position, "a person's own list is not whole")
            last, counted = (row.citizen_id, row.n, row.position), counted + 1
        after = (rows[-1].citizen_id, rows[-1].n)
    if counted != records.count_positions_of_people(size):
        raise Broken(size, "an entry is missing from its person's own list")
