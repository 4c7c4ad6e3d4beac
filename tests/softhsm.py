"""SoftHSM: a PKCS#11 token in files, for the tests of what keeps keys elsewhere."""

import os
import shutil
import subprocess
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import pytest

LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
LABEL, PIN = "motlan", "pin-of-the-suite"


@lru_cache(maxsize=1)
def module() -> Path | None:
    """The library; null: it is not installed."""
    found = [Path(path) for path in LIBRARIES if Path(path).exists()]
    return found[0] if found and shutil.which("softhsm2-util") else None


def lack() -> str | None:
    """What is missing for these tests; null: nothing."""
    if module() is None:
        return "no SoftHSM (Debian: softhsm2)"
    return None if find_spec("pkcs11") else "no python-pkcs11 (the extra hsm)"


def the_token(config: pytest.Config, folders: pytest.TempPathFactory) -> dict[str, str]:
    """The one token of this process, whichever tests ask for it, and in whichever order.

    The library reads where its token is when it is initialised, and again when that is done anew:
    with a second token in between, what was made in the first would be gone.
    """
    if _TOLD not in config.stash:
        config.stash[_TOLD] = _a_token(folders.mktemp("hsm"))
    return config.stash[_TOLD]


_TOLD = pytest.StashKey[dict[str, str]]()


def _a_token(folder: Path) -> dict[str, str]:
    """A fresh token in this folder; what a process has to know to find it."""
    (folder / "tokens").mkdir(parents=True)
    told = folder / "softhsm2.conf"
    said = {"directories.tokendir": folder / "tokens", "objectstore.backend": "file"}
    told.write_text("".join(f"{name} = {value}\n" for name, value in said.items()))
    environ = {"SOFTHSM2_CONF": str(told)}
    made = ("--init-token", "--free", "--label", LABEL, "--so-pin", "so-pin", "--pin", PIN)
    subprocess.run(
        ["softhsm2-util", *made],
        env=os.environ | environ,
        check=True,
        capture_output=True,
    )
    return environ
