"""A small installation without a database: settings, and the keys that a test needs."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from identity import log_keys
from identity import settings as settings_module
from identity.settings import Settings
from identity.signing import key_files, keys

ISSUER = "http://localhost:8000"


@contextmanager
def installed(home: Path, **environ: str) -> Iterator[Settings]:
    """Inside, these are the settings of the process; afterwards whatever was before."""
    before = settings_module._installed
    found = settings_module.read({"MOTLAN_HOME": str(home), "MOTLAN_ISSUER": ISSUER} | environ)
    settings_module.install(found)
    try:
        yield found
    finally:
        settings_module._installed = before


def make_keys(settings: Settings) -> None:
    """The installation has signing keys and a log key."""
    settings.secrets.mkdir(mode=0o700, exist_ok=True)
    a_key_folder(settings.secrets / keys.FOLDER)
    log_keys.create(settings.secrets / log_keys.FOLDER)


def a_key_folder(folder: Path) -> Path:
    """Signing keys of one's own in this folder: a copy, since making RSA keys takes long."""
    return shutil.copytree(_made_once(), folder)


@lru_cache(maxsize=1)
def _made_once() -> Path:
    home = Path(tempfile.mkdtemp(prefix="motlan-keys-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    key_files.create(home / keys.FOLDER)
    return home / keys.FOLDER
