"""What stands in each half of a backup: `manifest.json`, format motlan-backup/v1.

Members may be added, none is renamed. `seal` is an HMAC under the key ring over the others, so that
whoever holds the data without the secrets cannot exchange a file and its digest with it.
"""

import errno
import hashlib
import io
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

from identity.files import PRIVATE_FILE

FORMAT = "motlan-backup/v1"
NAME = "manifest.json"
PIECE = 1 << 20
LARGEST_SECRET = 1 << 20  # bytes; a key is a few hundred
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class SpoiltBackup(Exception):
    """The folder is no backup, or not the one that was made; the text says which file."""


@dataclass(frozen=True)
class Kept:
    """One file of a backup, by its path inside."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One half of one backup: `data` or `secrets`. Both halves have one `id`."""

    id: str
    part: str
    made_at: str
    issuer: str
    software: str
    server: str  # of the database
    revision: str  # the newest migration
    # The signed head at that moment, as the second store had it: origin, size, root; null: none.
    log: dict[str, Any] | None
    files: tuple[Kept, ...]

    def payload(self) -> bytes:
        """What the seal is over."""
        told = {"format": FORMAT, **asdict(self)}
        return json.dumps(told, sort_keys=True, ensure_ascii=False).encode()

    def text(self, seal: bytes) -> bytes:
        """The file's content."""
        told = {"format": FORMAT, **asdict(self), "seal": seal.hex()}
        return json.dumps(told, indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def read(cls, folder: Path) -> tuple[Self, bytes]:
        """The manifest of a folder, and its seal; nothing of it is believed yet.

        Raises:
            SpoiltBackup: there is none, or it is not of this format.
        """
        path = folder / NAME
        try:
            told = json.loads(path.read_bytes())
            if told.pop("format") != FORMAT:
                raise SpoiltBackup(f"{path} is of another format than {FORMAT}")
            seal = bytes.fromhex(told.pop("seal"))
            files = tuple(Kept(**each) for each in told.pop("files"))
            known = {name: told[name] for name in cls.__dataclass_fields__ if name != "files"}
            return cls(**known, files=files), seal
        except OSError as error:
            raise SpoiltBackup(f"{path} cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SpoiltBackup(f"{path} is no manifest of a backup") from None

    def require_complete(self, folder: Path) -> None:
        """The folder holds files of these names and no others; what is in them is not looked at.

        Raises:
            SpoiltBackup: one is missing, or one too many.
        """
        here = {str(path.relative_to(folder)) for path in contents(folder)} - {NAME}
        told = {each.path for each in self.files}
        if odd := sorted(here ^ told):
            missing = odd[0] in told
            raise SpoiltBackup(f"{folder / odd[0]} {'is missing' if missing else 'was put in'}")

    def read_all(self, folder: Path) -> dict[str, bytes]:
        """What the files say, by their paths: read once, so what was looked at is what is used.

        Raises:
            SpoiltBackup: one is not what was backed up, no plain file, or too large for a secret.
        """
        self.require_complete(folder)
        if large := [each.path for each in self.files if each.size > LARGEST_SECRET]:
            raise SpoiltBackup(f"{folder / large[0]} is too large for a secret")
        found = {}
        for each in self.files:
            copy = io.BytesIO()
            self._copy(each, folder, copy=copy)
            found[each.path] = copy.getvalue()
        return found

    def copy_all(self, folder: Path, to: Path) -> None:
        """The files are in a folder of our own as they were backed up, and nothing else is.

        Whoever has the shelf may exchange a file after it was looked at: so each is read once, and
        only the copy is used.

        Raises:
            SpoiltBackup: one is not what was backed up, or no plain file.
        """
        self.require_complete(folder)
        for each in self.files:
            if Path(each.path).name != each.path:
                raise SpoiltBackup(f"{folder / each.path} lies in a folder of its own")
            with os.fdopen(os.open(to / each.path, _NEW, PRIVATE_FILE), "wb") as copy:
                self._copy(each, folder, copy=copy)
                copy.flush()
                os.fsync(copy.fileno())

    def _copy(self, told: Kept, folder: Path, *, copy: BinaryIO) -> None:
        if _kept(folder, folder / told.path, copy=copy, at_most=told.size) != told:
            raise SpoiltBackup(f"{folder / told.path} is not what was backed up")


def contents(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in one order; a link is a file that nothing is read through."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path


def kept(folder: Path, path: Path) -> Kept:
    """What the manifest says of a file.

    Raises:
        SpoiltBackup: it is no plain file.
    """
    return _kept(folder, path)


def _kept(
    folder: Path, path: Path, *, copy: BinaryIO | None = None, at_most: int | None = None
) -> Kept:
    """The same, of the very bytes that went into the copy; reading ends where it is too long."""
    digest, size = hashlib.sha256(), 0
    with _opened(path) as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            size += len(piece)
            if at_most is not None and size > at_most:
                break
            if copy is not None:
                copy.write(piece)
    return Kept(str(path.relative_to(folder)), size, digest.hexdigest())


def _opened(path: Path) -> BinaryIO:
    """A plain file, open; of the open one, since the name may lead elsewhere a moment later."""
    try:
        # A pipe or a device in its place would make us wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            raise SpoiltBackup(f"{path} is no plain file") from None
        raise SpoiltBackup(f"{path} cannot be read: {error.strerror}") from None
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise SpoiltBackup(f"{path} is no plain file")
    return file
