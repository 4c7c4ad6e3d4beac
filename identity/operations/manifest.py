"""What stands in each half of a backup: `manifest.json`, format motlan-backup/v1.

Members may be added, none is renamed. `seal` is an HMAC under the key ring over the others, so that
whoever holds the data without the secrets cannot exchange a file and its digest with it.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

FORMAT = "motlan-backup/v1"
NAME = "manifest.json"
PIECE = 1 << 20


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

    def require_whole(self, folder: Path) -> None:
        """The folder holds exactly these files, to the byte.

        Raises:
            SpoiltBackup: one is missing, another, or too many.
        """
        here = {str(path.relative_to(folder)) for path in contents(folder)} - {NAME}
        told = {each.path for each in self.files}
        if odd := sorted(here ^ told):
            missing = odd[0] in told
            raise SpoiltBackup(f"{folder / odd[0]} {'is missing' if missing else 'was put in'}")
        for each in self.files:
            if kept(folder, folder / each.path) != each:
                raise SpoiltBackup(f"{folder / each.path} is not what was backed up")


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
    if path.is_symlink() or not path.is_file():
        raise SpoiltBackup(f"{path} is no plain file")
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return Kept(str(path.relative_to(folder)), size, digest.hexdigest())
