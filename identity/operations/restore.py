"""Put a backup back: into an empty database, never over anything that is there."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from identity import database, files, schema, sealing, settings
from identity.operations import dumps, records
from identity.operations.backup import DATA, HEAD, LEAVES, POSTGRESQL, SECRETS, SQLITE, stores, sync
from identity.operations.manifest import Manifest, SpoiltBackup
from identity.settings import Settings

if TYPE_CHECKING:
    from flask import Flask


class CannotRestore(Exception):
    """This backup does not belong here, or there is something already; the text says what."""


@dataclass(frozen=True)
class Restored:
    """What was put back, and what was there and stayed."""

    manifest: Manifest
    has_own_secrets: bool
    has_own_head: bool


def put_back(folder: Path, apart: Path, *, app: "Flask") -> Restored:
    """The database is that of the backup in `folder`; secrets and second store, where none are.

    A second store that is there stays: it may have seen more, and then it says so.

    Raises:
        SpoiltBackup: a file is not what was backed up.
        CannotRestore: another issuer, another kind of database, secrets of another installation,
            a newer version, or a database that is not empty.
        dumps.ToolFault: the database could not be loaded; it is to be made anew.
    """
    chosen = settings.current()
    manifest, seal = _manifest(folder, DATA)
    secret, secret_seal = _manifest(apart, SECRETS)
    if secret.id != manifest.id:
        raise SpoiltBackup(f"{apart} is of another backup than {folder}")
    # First: a new machine has none, and a SQLite database in it could not be looked at.
    chosen.home.mkdir(mode=files.PRIVATE_FOLDER, parents=True, exist_ok=True)
    _require_fitting(chosen, manifest)
    told = secret.read_all(apart)
    with _copied(manifest, folder, home=chosen.home) as copy:
        has_own_secrets = _put_secrets_back(chosen, told)
        try:
            for made, claimed in ((manifest, seal), (secret, secret_seal)):
                _require_sealed(made, claimed)
        except BaseException:
            if not has_own_secrets:
                _clear(chosen.secrets)  # somebody else's: they must not stay as if they were ours
            raise
        _load(chosen, copy, app=app)
        return Restored(manifest, has_own_secrets, _put_head_back(chosen, copy))


def _manifest(folder: Path, part: str) -> tuple[Manifest, bytes]:
    manifest, seal = Manifest.read(folder)
    if manifest.part != part:
        raise SpoiltBackup(f"{folder} holds the {manifest.part} of a backup, not its {part}")
    return manifest, seal


@contextmanager
def _copied(manifest: Manifest, folder: Path, *, home: Path) -> Iterator[Path]:
    """Inside there is a folder of ours with the files as they were backed up."""
    copy = Path(tempfile.mkdtemp(prefix=".restored-", dir=home))
    try:
        manifest.copy_all(folder, copy)
        yield copy
    finally:
        shutil.rmtree(copy)


def _require_fitting(chosen: Settings, manifest: Manifest) -> None:
    kind = "PostgreSQL" if chosen.is_postgresql else "SQLite"
    if manifest.issuer != chosen.issuer:
        raise CannotRestore(f"this is a backup of {manifest.issuer}; MOTLAN_ISSUER is another")
    if not manifest.server.startswith(kind):
        raise CannotRestore(f"this is a backup of {manifest.server}; MOTLAN_DATABASE_URL is {kind}")
    if not schema.knows(manifest.revision):
        raise CannotRestore("this is a backup of a newer version: install that one first")
    if not records.is_empty():
        raise CannotRestore("the database is not empty: make a new one, and name it in the URLs")


def _put_secrets_back(chosen: Settings, told: Mapping[str, bytes]) -> bool:
    """Whether there were some already: they stay, and are held against the backup's seal."""
    if chosen.secrets.is_dir() and any(chosen.secrets.iterdir()):
        return True
    files.make_private_folder(chosen.secrets)
    for path, content in sorted(told.items()):
        for folder in reversed(Path(path).parents):
            files.make_private_folder(chosen.secrets / folder)
        files.replace(chosen.secrets / path, content)
    return False


def _clear(folder: Path) -> None:
    """The folder is empty; it may be the root of a disk of its own, so it stays itself."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _require_sealed(manifest: Manifest, seal: bytes) -> None:
    sealing.forget()
    if not sealing.ring().is_mac("backup", manifest.payload(), claimed=seal):
        place = settings.current().secrets
        raise CannotRestore(f"the backup was not made with the secrets in {place}, or was changed")


def _load(chosen: Settings, folder: Path, *, app: "Flask") -> None:
    path = database.state().path
    database.close()
    if path is not None:
        _put_file_back(folder / SQLITE, Path(path))
        database.init_app(app, chosen)
        return
    dump = folder / POSTGRESQL
    for section in ("pre-data", "data"):
        dumps.load(chosen, dump, section=section)
    # Before the triggers come, which would refuse it; as the owner, whose tables these are.
    database.init_app(app, chosen, as_owner=True)
    records.forget_transactions()
    database.close()
    dumps.load(chosen, dump, section="post-data")
    database.init_app(app, chosen)


def _put_file_back(copy: Path, place: Path) -> None:
    """The file is there whole, and nothing of another database beside it."""
    place.parent.mkdir(mode=files.PRIVATE_FOLDER, parents=True, exist_ok=True)
    for left in ("-wal", "-shm", "-journal"):
        place.with_name(place.name + left).unlink(missing_ok=True)
    beside = place.with_name(f".{place.name}.restored")
    beside.unlink(missing_ok=True)
    shutil.move(copy, beside)  # a renaming where it is one disk
    sync(beside)
    beside.replace(place)


def _put_head_back(chosen: Settings, folder: Path) -> bool:
    """Whether there was a second store already."""
    places = stores(chosen)
    if any(place.exists() for place in places.values()):
        return True
    # The leaves first: a head is never without them.
    for name in (LEAVES, HEAD):
        if (folder / name).exists():
            files.replace(places[name], (folder / name).read_bytes())
    return False
