"""Signed heads: at most one a second, never over a root that the stored bytes do not give."""

from dataclasses import dataclass

from consent.audit import records
from consent.audit.notes import Checkpoint, Verifier, sign_checkpoint
from consent.audit.second_store import HeadError, Kept, SecondStore
from consent.audit.tree import Frontier, Head, leaf_hash
from identity import clock, settings
from identity.database import transaction
from identity.log_keys import log_key

PIECE = 10_000  # leaves read back at a time


class UnlikeStoredError(HeadError):
    """The bytes read back are not those that were put into the tree."""


class SecondStoreLostError(HeadError):
    """The second store knows less than the database has signed."""


def store() -> SecondStore:
    """The second store of this installation."""
    key = log_key()
    return SecondStore(settings.current().log_head, Verifier(key.name, key.public))


def sign() -> int:
    """The tree as it stands has a signed head; 1 if one was signed now, 0 if it had one.

    The second store is written first, so that a restored database cannot sign another history.

    Raises:
        HeadError: the log must not sign; the text says which file and what to do.
    """
    agreed = _agreed()
    if agreed.size == agreed.signed.size:
        return 0
    grown = grow(agreed.signed, agreed.size)
    if grown.packed() != agreed.frontier:
        raise UnlikeStoredError(
            f"the entries from position {agreed.signed.size} to {agreed.size - 1} do not give the "
            "tree's root: run `motlan log verify`"
        )
    note = sign_checkpoint(Checkpoint(log_key().name, Head(grown.size, grown.root())), log_key())
    store().advance(note, after=agreed.last)
    _keep(grown, note)
    return 1


def require_agreement() -> None:
    """A database that is behind the second store, or another one, is noticed before it serves.

    Raises:
        HeadError: it is; the text says which file and what to do.
    """
    _agreed()


def disagreement() -> str | None:
    """What `require_agreement` says, as one line; null: nothing."""
    try:
        require_agreement()
    except HeadError as fault:
        return str(fault)
    return None


@dataclass(frozen=True, slots=True)
class Agreed:
    """Where the tree stands, and the second store's head, found to lie on its way."""

    size: int
    frontier: bytes
    signed: Frontier
    last: Kept | None  # null: nothing was ever signed


def _agreed() -> Agreed:
    # Both are read under the state's lock, so that they are of one moment.
    with transaction():
        state = records.sequencer_state()
        if state is None:
            return Agreed(0, b"", Frontier(), _require_agreement(0, Frontier()))
        signed = Frontier.unpacked(state.signed_size, bytes(state.signed_frontier))
        last = _require_agreement(state.size, signed)
    return Agreed(state.size, bytes(state.frontier), signed, last)


def _require_agreement(size: int, signed: Frontier) -> Kept | None:
    last = store().find()
    if last is None and not signed.size:
        return None
    if last is None or last.head.size < signed.size:
        raise SecondStoreLostError(
            f"{settings.current().log_head} knows fewer entries than the {signed.size} that the "
            "database has signed: restore that file from where it was copied to"
        )
    return store().require_reached(size, root_at=lambda reached: grow(signed, reached).root())


def grow(frontier: Frontier, size: int) -> Frontier:
    """The tree at `size`, grown from an earlier one with the leaf bytes read back from storage.

    Raises:
        UnlikeStoredError: a position is missing, or its entry is gone.
    """
    while frontier.size < size:
        start, end = frontier.size, min(frontier.size + PIECE, size)
        read = records.leaves(start, end)
        if [row.position for row in read] != list(range(start, end)):
            raise UnlikeStoredError(f"positions {start} to {end - 1} are not whole")
        if any(row.leaf is None for row in read):
            raise UnlikeStoredError(f"an entry between {start} and {end - 1} is gone")
        frontier = frontier.grown(leaf_hash(bytes(row.leaf)) for row in read)
    return frontier


def _keep(signed: Frontier, note: bytes) -> None:
    at = clock.now()
    with transaction():
        state = records.sequencer_state()
        if state is None:
            raise UnlikeStoredError("the sequencer's state is gone: restore the database")
        records.append_head(
            {
                "size": signed.size,
                "root": signed.root(),
                "checkpoint": note.decode(),
                "signed_at": at,
            }
        )
        # The latest and one an hour are kept: the newest of each hour outlives the others.
        hour = at.replace(minute=0, second=0, microsecond=0)
        records.drop_heads(hour, but=signed.size)
        records.keep_state(
            {"signed_size": signed.size, "signed_frontier": signed.packed(), "changed_at": at}
        )
