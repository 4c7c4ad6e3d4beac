"""Recompute the whole log from the stored bytes, and name the first position that does not hold.

Roots say whether it is what was signed; leaves kept outside, where a root proves them, say where it
is not. What is wrong with those copies is told after the log itself, and never blamed on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from consent.audit import heads, records
from consent.audit.leaves import KeptLeaves, LeavesLostError, Witness, read_copy
from consent.audit.notes import NoteError, read_checkpoint
from consent.audit.second_store import HeadUnreadableError
from consent.audit.tree import Frontier, Head, leaf_hash
from identity import clock, entry, sealing
from identity.database import AnyRow, transaction
from identity.entry import NOBODY

PIECE = 2_000
# The worker's row in which the last full check says when it ended, and what it found.
FULL_CHECK = "full check"
WHOLE = "whole"


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
class Told:
    """A signed head, and where it was found."""

    head: Head
    where: str


@dataclass(frozen=True, slots=True)
class Signed:
    """All that vouches for the log: signed heads, and leaves that they prove."""

    told: tuple[Told, ...]
    witnesses: tuple[Witness, ...]
    newest: int  # of the heads in the database
    second: int  # of the second store; 0: it holds none
    kept: KeptLeaves
    faults: tuple[Broken, ...]  # heads that say nothing: told when all that they hide is checked


def verify(copy: Path | None = None) -> Verdict:
    """The verdict over everything that was sequenced when it began.

    Raises:
        CopyError: what was given as a copy is none of this log.
    """
    # Heads before the size: what is signed meanwhile must not look like a log that was cut.
    signed = _signed(copy)
    with transaction():
        state = records.sequencer_state()
    size = 0 if state is None else int(state.size)
    try:
        frontier, good = _check_positions(size, signed)
        _check_reached(size, signed)
        _check_kept(signed)
        if state is not None:
            _check_state(state, frontier, good=good)
        _check_subjects(size)
    except Broken as broken:
        return Verdict(size, broken.position, broken.why)
    return Verdict(size, None, WHOLE)


def fault() -> str | None:
    """What `verify` finds, as one line; null: everything holds."""
    verdict = verify()
    return None if verdict.is_whole else told(verdict)


def told(verdict: Verdict) -> str:
    """What is kept of a check, as one line."""
    if verdict.is_whole:
        return f"{WHOLE}: {verdict.size} entries"
    return f"position {verdict.first_bad}: {verdict.why}"


def size_found(kept: str) -> int | None:
    """How many entries a check found whole, of the line that is kept of it; null: it did not."""
    word, _, rest = kept.partition(": ")
    return int(rest.split()[0]) if word == WHOLE else None


def _check_positions(size: int, signed: Signed) -> tuple[Frontier, int]:
    """Each leaf from its entry's bytes, as every witness has it, under every root signed over it.

    The tree, and how much of it was signed.
    """
    frontier, good = Frontier(), 0
    ahead = sorted(signed.told, key=lambda told: told.head.size)
    running = [(each, each.leaves()) for each in signed.witnesses]
    for start in range(0, size, PIECE):
        leaves = [
            _as_signed(_leaf(row, place), place, running=running)
            for place, row in _dense(start, min(start + PIECE, size))
        ]
        while ahead and ahead[0].head.size <= start + len(leaves):
            told = ahead.pop(0)
            at = told.head.size
            frontier = frontier.grown(leaves[frontier.size - start : at - start])
            if frontier.root() != told.head.root:
                raise Broken(good, _unlike(good, told))
            # Until another head of the same size has been compared, nothing more is good.
            good = good if ahead and ahead[0].head.size == at else at
        frontier = frontier.grown(leaves[frontier.size - start :])
    return frontier, good


def _unlike(good: int, told: Told) -> str:
    return (
        f"positions {good} to {told.head.size - 1} are not those that were signed ({told.where});"
        " no leaves that could be believed say from which on"
    )


def _as_signed(leaf: bytes, place: int, *, running: list[tuple[Witness, Iterator[bytes]]]) -> bytes:
    for witness, leaves in running:
        if place < witness.proven and next(leaves, b"") != leaf:
            raise Broken(place, f"not the entry that was signed here, as {witness.name} shows")
    return leaf


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
    """Both parts open under their keys, are what was committed to, and say what the columns say.

    A subject may be erased: the commitment in the leaf still stands for it.
    """
    if row.kek_id is None:
        raise Broken(place, "the keys of its entry are gone")
    if row.subject_wrapped is not None:
        _check_part(row, place, is_subject=True)
    _check_part(row, place, is_subject=False)


def _check_part(row: AnyRow, place: int, *, is_subject: bool) -> None:
    sealed, wrapped, commit = (
        (row.sealed_subject, row.subject_wrapped, row.c_subject)
        if is_subject
        else (row.sealed_actor, row.actor_wrapped, row.c_actor)
    )
    side = "subject" if is_subject else "actor"
    try:
        key = sealing.ring().unwrap(bytes(wrapped), row.kek_id)
        stored = entry.open_part(bytes(sealed), key, commit=bytes(commit), is_subject=is_subject)
    except sealing.Unreadable as fault:
        raise Broken(place, f"its {side} part does not open: {fault}") from None
    who = entry.Who(row.citizen_id, row.actor_id, row.public_service_id)
    if column := entry.unlike(stored, who, at=row.at, is_subject=is_subject):
        raise Broken(place, f"its {column} is not what its {side} part says")


def _signed(copy: Path | None) -> Signed:
    """Every kept head, the second store's, and a copy's; each signature is checked."""
    told: list[Told] = []
    faults: list[Broken] = []
    for row in records.heads():
        try:
            told.append(Told(_signed_head(row), "the database"))
        except Broken as fault:
            faults.append(fault)
    newest, second, store = max((each.head.size for each in told), default=0), 0, heads.store()
    try:
        if last := store.find():
            told.append(Told(last.head, str(store.path)))
            second = last.head.size
    except HeadUnreadableError as fault:
        faults.append(Broken(newest, str(fault)))
    witnesses = [store.leaves.witness([each.head for each in told])]
    if copy is not None:
        other = read_copy(copy, store.log)
        told.append(Told(other.head, str(copy)))
        witnesses.append(other.witness())
    return Signed(tuple(told), tuple(witnesses), newest, second, store.leaves, tuple(faults))


def _signed_head(row: AnyRow) -> Head:
    try:  # a log that was closed is the beginning of the one that followed
        said = read_checkpoint(row.checkpoint.encode(), heads.verifier_of(row.checkpoint)).head
    except NoteError as fault:
        raise Broken(row.size, f"the head of size {row.size}: {fault}") from None
    if said != Head(row.size, bytes(row.root)):
        raise Broken(row.size, f"the head of size {row.size} was changed")
    return said


def _check_reached(size: int, signed: Signed) -> None:
    """The log holds all that was ever signed, and the second store knows of it."""
    most = max((each.head.size for each in signed.told), default=0)
    if most > size:
        raise Broken(size, f"{most} entries were signed, {size} are here: the log was cut")
    for fault in signed.faults:
        raise fault
    if signed.second < signed.newest:
        raise Broken(signed.second, "the second store knows less than was signed: was it put back?")


def _check_kept(signed: Signed) -> None:
    """The leaves beside the head are those of the log, just found to be what was signed."""
    if not signed.second:
        return
    try:
        signed.kept.require(signed.second)
    except LeavesLostError as fault:
        raise Broken(fault.position, str(fault)) from None
    if signed.witnesses[0].proven >= signed.second:
        return
    pairs = zip(heads.read_back(0, signed.second), signed.kept.read(), strict=False)
    place = next((place for place, (ours, kept) in enumerate(pairs) if ours != kept), 0)
    raise Broken(place, f"{signed.kept.path} was changed here; the log itself is what was signed")


def _check_state(state: AnyRow, frontier: Frontier, *, good: int) -> None:
    if frontier.packed() != bytes(state.frontier):
        raise Broken(good, "the tree's root is not that of the entries from here on")
    missed = records.passed_over(state.left_behind)
    if missed is not None:
        place = records.position_before(missed.id)
        raise Broken(place, f"entry {missed.id} was put in beside the log")
    stray = records.stray_position()
    if stray is not None:
        raise Broken(stray, "a position was put in outside the tree")


def _check_subjects(size: int) -> None:
    """Each person's own list is dense, in order, theirs, and complete."""
    unlisted = records.first_unlisted(size)
    if unlisted is not None:
        raise Broken(unlisted, "the entry is missing from its person's own list")
    after, last = (NOBODY, 0), (NOBODY, 0, -1)
    bad: list[int] = []
    while rows := records.subject_rows(after, limit=PIECE):
        for row in rows:
            n, previous = (last[1], last[2]) if row.citizen_id == last[0] else (0, -1)
            follows = (n + 1, previous if n else None, row.citizen_id)
            if (row.n, row.previous, row.of) != follows or row.position <= previous:
                bad.append(row.position)
            last = (row.citizen_id, row.n, row.position)
        after = (rows[-1].citizen_id, rows[-1].n)
    if bad:
        raise Broken(min(bad), "a person's own list is not whole")
