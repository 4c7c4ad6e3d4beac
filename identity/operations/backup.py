"""Back up: the database of one moment with its second store, and apart from it the secrets."""

import os
import secrets
import shutil
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from identity import clock, database, files, sealing, settings
from identity.database import new_id
from identity.operations import dumps, records
from identity.operations.manifest import NAME, Manifest, contents, kept
from identity.settings import Settings

DATA, SECRETS = "data", "secrets"
SQLITE, POSTGRESQL = "motlan.db", "motlan.dump"
HEAD, LEAVES = "log-head", "log-head.leaves"


class NotEmptyError(Exception):
    """Something is where the backup was to be: it is never written over."""


def back_up(folder: Path) -> Manifest:
    """The folder holds everything acknowledged before the call, in `data` and apart in `secrets`.

    It appears whole under its name, or not at all.

    Raises:
        NotEmptyError: it is there already, with something in it.
        dumps.ToolFault, records.DamagedError: the database could not be copied.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NotEmptyError(f"{folder} is there and not empty: name another folder")
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
    beside.mkdir(mode=files.PRIVATE_FOLDER)
    try:
        made = _fill(beside)
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    sync(folder.parent)
    return made


def stores(chosen: Settings) -> dict[str, Path]:
    """The files of the second store, by their names in a backup; the head first.

    Leaves are written before the head that covers them, and only added to: so those copied after
    it are never fewer than it says. The database comes last, for it may be ahead, never behind;
    what was signed meanwhile is caught up with where it is put back (`Joined.restored`).
    """
    head = chosen.log_head
    return {HEAD: head, LEAVES: head.with_name(f"{head.name}.leaves")}


def _fill(folder: Path) -> Manifest:
    chosen = settings.current()
    head = _copy_stores(chosen, _made(folder / DATA))
    _copy_database(chosen, folder / DATA)
    # After the database: whatever it was sealed with is in the ring by now.
    _copy_secrets(chosen.secrets, _made(folder / SECRETS))
    told: dict[str, Any] = {
        "id": new_id().hex,
        "made_at": clock.now().isoformat(),
        "issuer": chosen.issuer,
        "software": metadata.version("mot-lan"),
        "server": records.server(),
        "revision": records.revision(),
        "log": head,
    }
    for part in (SECRETS, DATA):
        _finish(folder / part, told)
    sync(folder)
    return Manifest.read(folder / DATA)[0]


def _made(folder: Path) -> Path:
    folder.mkdir(mode=files.PRIVATE_FOLDER)
    return folder


def _copy_stores(chosen: Settings, folder: Path) -> dict[str, object] | None:
    """Both files, and what the head says; null: nothing was ever signed."""
    for name, path in stores(chosen).items():
        with suppress(FileNotFoundError):
            _copy(path, folder / name)
    if not (folder / HEAD).exists():
        return None
    origin, size, root, *_ = (folder / HEAD).read_text(encoding="utf-8").split("\n")
    return {"origin": origin, "size": int(size), "root": root}


def _copy_database(chosen: Settings, folder: Path) -> None:
    if chosen.is_postgresql:
        dumps.dump(chosen, folder / POSTGRESQL)
        return
    path = database.state().path
    assert path is not None  # noqa: S101 - on SQLite there is one
    (folder / SQLITE).touch(mode=files.PRIVATE_FILE)
    records.copy_file(Path(path), folder / SQLITE)


def _copy_secrets(source: Path, folder: Path) -> None:
    files.require_private_folder(source)
    for path in contents(source):
        if path.name.startswith("."):  # a lock, or a file that is just being replaced
            continue
        copy = folder / path.relative_to(source)
        copy.parent.mkdir(mode=files.PRIVATE_FOLDER, parents=True, exist_ok=True)
        files.replace(copy, files.read_private(path))


def _finish(folder: Path, told: dict[str, Any]) -> None:
    """Everything in the folder is durable and ours alone, and its manifest says what it is."""
    found = []
    for path in contents(folder):
        path.chmod(files.PRIVATE_FILE)
        found.append(kept(folder, path))
        sync(path)
    made = Manifest(**told, part=folder.name, files=tuple(found))
    files.replace(folder / NAME, made.text(sealing.ring().mac("backup", made.payload())))
    for inner in [path for path in folder.rglob("*") if path.is_dir()]:
        sync(inner)


def _copy(source: Path, copy: Path) -> None:
    with (
        source.open("rb") as read,
        os.fdopen(
            os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, files.PRIVATE_FILE), "wb"
        ) as written,
    ):
        shutil.copyfileobj(read, written)


def sync(path: Path) -> None:
    """What was written into the file or folder is there after a crash."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
