"""The second store: the last signed head, kept apart from the database it witnesses.

A head is written here before anybody is shown it. So a database that was restored from a backup,
or a second server on the same log, is noticed before it signs another history. Beside it stand the
leaves under the head (`leaves.py`), written before it, so that it can be said where they differ.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from consent.audit.leaves import HeadError, KeptLeaves
from consent.audit.notes import Checkpoint, NoteError, Verifier, read_checkpoint
from consent.audit.tree import HASH_BYTES, Head
from identity import files


class HeadUnreadableError(HeadError):
    """The file holds no head that this log signed."""


class HeadMovedError(HeadError):
    """Somebody else wrote a head meanwhile: there are two servers on one log."""


class HeadWentBackError(HeadError):
    """The new head is smaller than the last, or says otherwise about the same entries."""


class DatabaseBehindError(HeadError):
    """The database lacks entries that were signed, or holds others in their place."""


@dataclass(frozen=True)
class Kept:
    """A signed head as it stands in the file."""

    note: bytes
    checkpoint: Checkpoint

    @property
    def head(self) -> Head:
        """Size and root."""
        return self.checkpoint.head


@dataclass(frozen=True)
class SecondStore:
    """One file with the last head of one log, and the leaves under it beside it."""

    path: Path
    log: Verifier

    @property
    def leaves(self) -> KeptLeaves:
        """What was signed at each position."""
        return KeptLeaves(self.path.with_name(f"{self.path.name}.leaves"), self.log.name)

    def find(self) -> Kept | None:
        """The last head; null: none was ever written here.

        Raises:
            HeadUnreadableError: there is a file, but no head of this log in it.
        """
        try:
            note = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise HeadUnreadableError(f"{self.path} cannot be read: {error.strerror}") from None
        return self._kept(note)

    def advance(self, note: bytes, *, after: Kept | None, leaves: bytes) -> Kept:
        """The file holds this head, if it still held `after`; read back before it is believed.

        `leaves` are the hashes between the two, one after the other; they are durable before the
        head is. That they give its root, on top of the last, is the caller's proof to make.

        Raises:
            HeadMovedError: it holds another head than `after`.
            HeadWentBackError: the new head is behind, or contradicts one of the same size.
            HeadUnreadableError: what is to be written, or what stands there, is no head.
            LeavesLostError: the leaves under the last head are not all there.
        """
        fresh = self._kept(note)
        with files.alone(self._lock()):
            self._require_still(after)
            reached = 0
            if after is not None:
                self._refuse_back(after.head, fresh.head)
                reached = after.head.size
            if len(leaves) != (fresh.head.size - reached) * HASH_BYTES:
                raise ValueError("a head comes with the leaves since the last one")
            if leaves:
                self.leaves.append(leaves, at=reached)
            files.replace(self.path, note)
            return self._read_back(note)

    def mend(self, pieces: Iterable[bytes], *, under: Kept) -> None:
        """The leaves beside the head are these, if it still holds `under`; whose they are, too.

        Raises:
            HeadMovedError: it holds another head than `under`.
        """
        with files.alone(self._lock()):
            self._require_still(under)
            at = 0
            for piece in pieces:
                self.leaves.append(piece, at=at)
                at += len(piece) // HASH_BYTES

    def require_reached(self, size: int, *, root_at: Callable[[int], bytes]) -> Kept | None:
        """A log of this size holds all that was ever signed; `root_at` recomputes its roots.

        Raises:
            DatabaseBehindError: it is shorter than the last head, or has another root there.
            HeadUnreadableError: there is a file, but no head of this log in it.
            LeavesLostError: the leaves under the head are missing, or not as many.
        """
        last = self.find()
        if last is None:
            return None
        if last.head.size > size:
            raise DatabaseBehindError(
                f"the database holds {size} sequenced entries, but {self.path} says that "
                f"{last.head.size} were signed: restore a newer backup, or `motlan log close`"
            )
        if root_at(last.head.size) != last.head.root:
            raise DatabaseBehindError(
                f"the first {last.head.size} entries of the database are not those that "
                f"{self.path} says were signed: restore the database that holds them"
            )
        self.leaves.require(last.head.size)
        return last

    def _lock(self) -> Path:
        return self.path.with_name(f"{self.path.name}.lock")

    def _require_still(self, last: Kept | None) -> None:
        if self.find() != last:
            raise HeadMovedError(
                f"{self.path} was written by somebody else: is a second server on this log?"
            )

    def _kept(self, note: bytes) -> Kept:
        try:
            return Kept(note, read_checkpoint(note, self.log))
        except NoteError as error:
            raise HeadUnreadableError(
                f"{self.path} holds no head of this log ({error}): restore it, or the log's key"
            ) from None

    def _refuse_back(self, last: Head, fresh: Head) -> None:
        is_other = fresh.size == last.size and fresh.root != last.root
        if fresh.size < last.size or is_other:
            raise HeadWentBackError(
                f"{self.path} says that {last.size} entries were signed; a head of {fresh.size} "
                "would contradict it: restore the database"
            )

    def _read_back(self, note: bytes) -> Kept:
        written = self.find()
        if written is None or written.note != note:
            raise HeadUnreadableError(f"{self.path} does not hold what was written: check its disk")
        return written
