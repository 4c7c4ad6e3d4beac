"""Signed heads: at most one a second, never over a root that the stored bytes do not give."""

from consent.audit import records
from consent.audit.notes import Checkpoint, Verifier, sign_checkpoint
from consent.audit.second_store import DatabaseBehindError, HeadError, Kept, SecondStore
from consent.audit.tree import Frontier, Head, leaf_hash
from identity import clock, settings
from identity.database import AnyRow, transaction
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
    with transaction():
        state = records.sequencer_state()
    if state is None or state.size == state.signed_size:
        return 0
    signed = Frontier.unpacked(state.signed_size, bytes(state.signed_frontier))
    last = _require_agreement(state, signed)
    grown = grow(signed, state.size)
    if grown.packed() != bytes(state.frontier):
        raise UnlikeStoredError(
            f"the entries from position {signed.size} to {state.size - 1} do not give the tree's "
            "root: run `motlan log verify`"
        )
    note = sign_checkpoint(Checkpoint(log_key().name, Head(grown.size, grown.root())), log_key())
    store().advance(note, after=last)
    _keep(grown, note)
    return 1


def _require_agreement(state: AnyRow, signed: Frontier) -> Kept | None:
    """The second store's head, after it was found to lie on the way of this very tree."""
    last = store().find()
    if last is None and not signed.size:
        return None
    if last is None or last.head.size < signed.size:
        raise SecondStoreLostError(
            f"{settings.current().log_head} knows fewer entries than the {signed.size} that the "
            "database has signed: restore that file from where it was copied to"
        )
    return store().require_reached(state.size, root_at=lambda size: grow(signed, size).root())


def require_agreement() -> None:
    """A database that is behind the second store is noticed before anything is served.

    Raises:
        HeadError: it is; the text says which file and what to do.
    """
    with transaction():
        state = records.sequencer_state()
    last = store().find()
    if state is None and last is not None:
        raise DatabaseBehindError(
            f"the database has no sequenced entry, but {settings.current().log_head} says that "
            f"{last.head.size} were signed: restore the database, or close this log"
        )
    if state is not None:
        _require_agreement(
            state, Frontier.unpacked(state.signed_size, bytes(state.signed_frontier))
        )


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
