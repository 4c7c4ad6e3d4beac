"""The leaves beside the head: what was signed at each position, kept apart from the database.

A root says that something differs; only the leaves say where. Format v1, which never changes: the
line `motlan-leaves/v1`, the log's origin and a line end, then 32 bytes for each position, in order.
Nothing here is believed by itself: a signed root over the first `n` of them proves those `n`.
"""

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from consent.audit.notes import NoteError, Verifier, read_checkpoint
from consent.audit.tree import HASH_BYTES, Frontier, Head, leaf_hash
from identity import files

FORMAT = "motlan-leaves/v1"
PIECE = 4_096  # leaves read at a time
TO_DO = "keep a copy of it, then run `motlan log mend`"
LENGTH_BYTES = 2  # before each leaf of an export


class HeadError(Exception):
    """The log must not sign; the text says which file and what to do."""


class LeavesLostError(HeadError):
    """The leaves that were signed are not there; `position` is the first that is not."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(why)
        self.position = position


class CopyError(Exception):
    """What was given as a copy of the log is none."""


@dataclass(frozen=True)
class Witness:
    """Leaves kept outside the database; of the first `proven` a signed root says so."""

    name: str
    proven: int
    leaves: Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class KeptLeaves:
    """The file beside the second store's head: appended before the head that covers it."""

    path: Path
    origin: str

    def count(self) -> int:
        """How many whole leaves there are. Some may stand behind the last head: a crash's rest.

        Raises:
            LeavesLostError: the file is missing, cannot be read, or is another log's.
        """
        try:
            with self.path.open("rb") as file:
                start = file.read(len(self._header()))
                size = os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            raise LeavesLostError(0, f"{self.path} is missing: run `motlan log mend`") from None
        except OSError as error:
            raise LeavesLostError(0, f"{self.path} cannot be read: {error.strerror}") from None
        if start != self._header():
            raise LeavesLostError(0, f"{self.path} holds no leaves of this log: {TO_DO}")
        return (size - len(start)) // HASH_BYTES

    def require(self, size: int) -> None:
        """The file is as long as what was signed.

        Raises:
            LeavesLostError: it is not.
        """
        held = self.count()
        if held < size:
            text = f"{self.path} holds {held} of the {size} leaves that were signed: {TO_DO}"
            raise LeavesLostError(held, text)

    def read(self) -> Iterator[bytes]:
        """Each leaf hash from the first on, to the end of the file."""
        with self.path.open("rb") as file:
            file.seek(len(self._header()))
            while piece := file.read(PIECE * HASH_BYTES):
                yield from split(piece[: len(piece) - len(piece) % HASH_BYTES])

    def append(self, leaves: bytes, *, at: int) -> None:
        """From position `at` on the file holds these, durably, and nothing behind them.

        Raises:
            LeavesLostError: the file ends before `at`, or does not hold what was written.
        """
        if at:
            self.require(at)
        start = len(self._header()) + at * HASH_BYTES if at else 0
        content = leaves if at else self._header() + leaves
        files.append(self.path, content, at=start)
        with self.path.open("rb") as file:
            file.seek(start)
            if file.read() != content:
                text = f"{self.path} does not hold what was written: check its disk"
                raise LeavesLostError(at, text)

    def witness(self, heads: Collection[Head]) -> Witness:
        """What these leaves prove under the signed heads; nothing where they are lost."""
        try:
            held = self.count()
        except LeavesLostError:
            return Witness(str(self.path), 0, self.read)
        within = [head for head in heads if head.size <= held]
        return Witness(str(self.path), proven(self.read(), within), self.read)

    def _header(self) -> bytes:
        return f"{FORMAT}\n{self.origin}\n".encode()


def split(packed: bytes) -> Iterator[bytes]:
    """The leaf hashes that stand one after the other."""
    return (packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES))


def proven(leaves: Iterator[bytes], heads: Collection[Head]) -> int:
    """How many of the leaves a signed root vouches for: the largest head that they give."""
    frontier, found = Frontier(), 0
    for head in sorted(heads, key=lambda each: each.size):
        frontier = frontier.grown(islice(leaves, head.size - frontier.size))
        if (frontier.size, frontier.root()) == (head.size, head.root):
            found = head.size
    return found


@dataclass(frozen=True)
class Copy:
    """A head that somebody else kept, and the leaves under it where they were exported too."""

    path: Path
    head: Head

    def witness(self) -> Witness:
        """What the copy proves position by position: nothing where it is a head alone.

        Raises:
            CopyError: its leaves are not those of its own head.
        """
        if not self.path.is_dir():
            return Witness(str(self.path), 0, lambda: iter(()))
        found = proven(self._exported(), [self.head])
        if found != self.head.size:
            raise CopyError(f"the leaves in {self.path} do not give the root of its checkpoint")
        return Witness(str(self.path), found, self._exported)

    def _exported(self) -> Iterator[bytes]:
        with (self.path / "leaves").open("rb") as file:
            while length := file.read(LENGTH_BYTES):
                yield leaf_hash(file.read(int.from_bytes(length, "big")))


def read_copy(path: Path, log: Verifier) -> Copy:
    """The copy at this path: a folder that `log export` made, or a file with one checkpoint.

    Raises:
        CopyError: it cannot be read, or this log did not sign it.
    """
    try:
        note = (path / "checkpoint" if path.is_dir() else path).read_bytes()
        return Copy(path, read_checkpoint(note, log).head)
    except OSError as error:
        raise CopyError(f"{path} cannot be read: {error.strerror}") from None
    except NoteError as error:
        raise CopyError(f"{path} holds no head of this log ({error})") from None
