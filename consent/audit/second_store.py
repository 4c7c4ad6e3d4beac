"""The second store: the last signed head, kept apart from the database it witnesses.

A head is written here before anybody is shown it. So a database that was restored from a backup,
or a second server on the same log, is noticed before it signs another history.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from consent.audit.notes import Checkpoint, NoteError, Verifier, read_checkpoint
from consent.audit.tree import Head
from identity import files


class HeadError(Exception):
    """The log must not sign; the text says which file and what to do."""


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
    """One file with the last head of one log."""

    path: Path
    log: Verifier

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

    def advance(self, note: bytes, *, after: Kept | None) -> Kept:
        """The file holds this head, if it still held `after`; read back before it is believed.

        That the tree only grew between the two is the caller's proof to make.

        Raises:
            HeadMovedError: it holds another head than `after`.
            HeadWentBackError: the new head is behind, or contradicts one of the same size.
            HeadUnreadableError: what is to be written, or what stands there, is no head.
        """
        fresh = self._kept(note)
        with files.alone(self.path.with_name(f"{self.path.name}.lock")):
            last = self.find()
            if last != after:
                raise HeadMovedError(
                    f"{self.path} was written by somebody else: is a second server on this log?"
                )
            if last is not None:
                self._refuse_back(last.head, fresh.head)
            files.replace(self.path, note)
            return self._read_back(note)

    def require_reached(self, size: int, *, root_at: Callable[[int], bytes]) -> Kept | None:
        """A log of this size holds all that was ever signed; `root_at` recomputes its roots.

        Raises:
            DatabaseBehindError: it is shorter than the last head, or has another root there.
            HeadUnreadableError: there is a file, but no head of this log in it.
        """
        last = self.find()
        if last is None:
            return None
        if last.head.size > size:
            raise DatabaseBehindError(
                f"the database holds {size} sequenced entries, but {self.path} says that "
                f"{last.head.size} were signed: restore a newer backup, or close this log"
            )
        if root_at(last.head.size) != last.head.root:
            raise DatabaseBehindError(
                f"the first {last.head.size} entries of the database are not those that "
                f"{self.path} says were signed: restore the database, or close this log"
            )
        return last

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
                "would contradict it: restore the database, or close this log"
            )

    def _read_back(self, note: bytes) -> Kept:
        written = self.find()
        if written is None or written.note != note:
            raise HeadUnreadableError(f"{self.path} does not hold what was written: check its disk")
        return written
