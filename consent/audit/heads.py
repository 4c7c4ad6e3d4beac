"""Signed heads: at most one a second, never over a root that the stored bytes do not give."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from consent.audit import records
from consent.audit.leaves import HeadError, LeavesLostError
from consent.audit.notes import Checkpoint, Verifier, sign_checkpoint
from consent.audit.second_store import DatabaseBehindError, Kept, SecondStore
from consent.audit.tree import Frontier, Head, leaf_hash
from identity import clock, settings
from identity.database import transaction
from identity.log_keys import LogKey, log_key

PIECE = 10_000  # leaves read back at a time
HOUR = timedelta(hours=1)


class UnlikeStoredError(HeadError):
    """The bytes read back are not those that were put into the tree, from `position` on."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(why)
        self.position = position


class SecondStoreLostError(HeadError):
    """The second store knows less than the database has signed."""


def number_of(note: str) -> int:
    """Which of this installation's logs a note speaks of; nothing of it is believed yet.

    A log that was closed is followed by the next (`consent/closing`). 1: the first, or another's.
    """
    origin, name = note.partition("\n")[0], settings.current().log_name
    number = origin.rpartition("/")[2]
    is_ours = number.isascii() and number.isdecimal() and origin == name(int(number))
    return int(number) if is_ours else 1


def open_key() -> LogKey:
    """The log's key under the name of the log that is open, as the newest head says.

    Whoever rewrites that head gains nothing: the second store is then another log's.
    """
    head = records.newest_head()
    return log_key(1 if head is None else number_of(head.checkpoint))


def verifier_of(note: str) -> Verifier:
    """Who must have signed this note, whichever of our logs it speaks of."""
    key = log_key(number_of(note))
    return Verifier(key.name, key.public)


def store(key: LogKey | None = None) -> SecondStore:
    """The second store of this installation, as the open log's or that of another key."""
    chosen = open_key() if key is None else key
    return SecondStore(settings.current().log_head, Verifier(chosen.name, chosen.public))


def sign() -> int:
    """The tree as it stands has a signed head; 1 if one was signed now, 0 if it had one.

    The second store is written first, so that a restored database cannot sign another history:
    the leaves, then the head over them, then the database. Dying between any two loses nothing.

    Raises:
        HeadError: the log must not sign; the text says which file and what to do.
    """
    key = open_key()
    where = store(key)
    agreed = _agreed(where)
    start = agreed.signed.size
    if agreed.size == start:
        return 0
    leaves = list(read_back(start, agreed.size))
    grown = agreed.signed.grown(leaves)
    if grown.packed() != agreed.frontier:
        raise UnlikeStoredError(
            start,
            f"the entries from position {start} to {agreed.size - 1} do not give the "
            "tree's root: run `motlan log verify`",
        )
    note = _signed(grown, key)
    reached = start if agreed.last is None else agreed.last.head.size
    where.advance(note, after=agreed.last, leaves=b"".join(leaves[reached - start :]))
    _keep(grown, note)
    return 1


def begin(number: int) -> Head:
    """The tree as it stands has a head under the name of another log, which is open from now on.

    Dying on the way loses nothing: begun again, it goes on from the second store.

    Raises:
        HeadError: the stored bytes do not give the tree, or the second store is another's.
    """
    key, whole = log_key(number), Frontier()
    with transaction():
        state = records.sequencer_state()
    size, frontier = (0, b"") if state is None else (state.size, bytes(state.frontier))
    leaves = list(read_back(0, size))
    grown = whole.grown(leaves)
    if grown.packed() != frontier:
        raise UnlikeStoredError(0, "the entries do not give the tree: run `motlan log verify`")
    last = store(key).require_reached(size, root_at=lambda reached: grow(whole, reached).root())
    fresh = leaves[0 if last is None else last.head.size :]
    note = _signed(grown, key)
    store(key).advance(note, after=last, leaves=b"".join(fresh))
    _keep(grown, note)
    return Head(grown.size, grown.root())


def mend() -> int:
    """The leaves beside the last head are the database's, which give its root; how many.

    Raises:
        HeadError: they do not, or there is no head: then nothing is written.
    """
    last = store().find()
    if last is None:
        raise SecondStoreLostError(
            f"{settings.current().log_head} holds no head to mend the leaves by"
        )
    size = last.head.size
    if grow(Frontier(), size).root() != last.head.root:
        raise DatabaseBehindError(
            f"the first {size} entries of the database do not give the root that was signed: "
            "run `motlan log verify`"
        )
    pieces = (
        b"".join(read_back(start, min(start + PIECE, size))) for start in range(0, size, PIECE)
    )
    store().mend(pieces, under=last)
    if store().leaves.witness([last.head]).proven != size:
        raise LeavesLostError(0, f"{store().leaves.path} is not whole yet: run it again")
    return size


def require_agreement() -> None:
    """A database that is behind the second store, or another one, is noticed before it serves.

    Raises:
        HeadError: it is; the text says which file and what to do.
    """
    _agreed(store())


def disagreement() -> str | None:
    """What `require_agreement` says, as one line; null: nothing."""
    try:
        require_agreement()
    except HeadError as fault:
        return str(fault)
    return None


def refusal() -> str | None:
    """What `disagreement` says, with the first position that differs: that reads the whole log."""
    said = disagreement()
    place = None if said is None else _first_difference()
    return said if place is None else f"{said} (the first that differs is position {place})"


def leaves_fault() -> str | None:
    """The leaves beside the head, all of them, give the root that was signed; null: they do."""
    with suppress(HeadError):  # the head itself is another check's
        last = store().find()
        if last is not None and store().leaves.witness([last.head]).proven != last.head.size:
            return f"{store().leaves.path} is not what was signed: run `motlan log verify`"
    return None


def signed_size() -> float | None:
    """How many entries the newest head is over; null: none was signed."""
    head = records.newest_head()
    return None if head is None else float(head.size)


def signed_ago() -> float | None:
    """Seconds since the newest head was signed: many where nothing happens, which is no fault."""
    head = records.newest_head()
    return None if head is None else (clock.now() - head.signed_at).total_seconds()


def _first_difference() -> int | None:
    """Where the database and the second store's leaves part; null: those do not say."""
    try:
        last = store().find()
        seen = store().leaves.witness([] if last is None else [last.head])
        pairs = zip(seen.leaves(), read_back(0, seen.proven), strict=False)
        return next((place for place, (kept, ours) in enumerate(pairs) if kept != ours), None)
    except UnlikeStoredError as fault:
        return fault.position
    except (HeadError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class Agreed:
    """Where the tree stands, and the second store's head, found to lie on its way."""

    size: int
    frontier: bytes
    signed: Frontier
    last: Kept | None  # null: nothing was ever signed


def _agreed(where: SecondStore) -> Agreed:
    # Both are read under the state's lock, so that they are of one moment.
    with transaction():
        state = records.sequencer_state()
        if state is None:
            return Agreed(0, b"", Frontier(), _require_agreement(where, 0, signed=Frontier()))
        signed = Frontier.unpacked(state.signed_size, bytes(state.signed_frontier))
        last = _require_agreement(where, state.size, signed=signed)
    return Agreed(state.size, bytes(state.frontier), signed, last)


def _require_agreement(where: SecondStore, size: int, *, signed: Frontier) -> Kept | None:
    last = where.find()
    if last is None and not signed.size:
        return None
    if last is None or last.head.size < signed.size:
        raise SecondStoreLostError(
            f"{settings.current().log_head} knows fewer entries than the {signed.size} that the "
            "database has signed: restore that file from where it was copied to"
        )
    return where.require_reached(size, root_at=lambda reached: grow(signed, reached).root())


def grow(frontier: Frontier, size: int) -> Frontier:
    """The tree at `size`, grown from an earlier one with the leaf bytes read back from storage.

    Raises:
        UnlikeStoredError: a position is missing, or its entry is gone.
    """
    return frontier.grown(read_back(frontier.size, size))


def read_back(start: int, end: int) -> Iterator[bytes]:
    """The hash of each stored leaf from one position to before another.

    Raises:
        UnlikeStoredError: a position is missing, or its entry is gone.
    """
    for piece in range(start, end, PIECE):
        upto, place = min(piece + PIECE, end), piece
        for position, leaf in records.placed(piece, upto, columns=records.LEAF):
            if position != place:
                break
            if leaf is None:
                raise UnlikeStoredError(place, f"the entry at position {place} is gone")
            yield leaf_hash(leaf)
            place += 1
        if place < upto:
            raise UnlikeStoredError(place, f"position {place} is missing")


def _signed(grown: Frontier, key: LogKey) -> bytes:
    return sign_checkpoint(Checkpoint(key.name, Head(grown.size, grown.root())), key)


def _keep(signed: Frontier, note: bytes) -> None:
    at = clock.now()
    with transaction():
        state = records.sequencer_state()
        if state is None:
            raise UnlikeStoredError(0, "the sequencer's state is gone: restore the database")
        records.append_head(
            {
                "size": signed.size,
                "root": signed.root(),
                "checkpoint": note.decode(),
                "signed_at": at,
            }
        )
        # The latest and one an hour are kept: the newest of each hour outlives the others. None
        # of a later hour goes, as there is one when the clock was set back.
        hour = at.replace(minute=0, second=0, microsecond=0)
        records.drop_heads(hour, hour + HOUR, but=signed.size)
        records.keep_state(
            {"signed_size": signed.size, "signed_frontier": signed.packed(), "changed_at": at}
        )
