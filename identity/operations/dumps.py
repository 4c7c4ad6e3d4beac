"""PostgreSQL's own `pg_dump` and `pg_restore`, as the owner; passwords go in a file."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from identity import passfile, settings
from identity.settings import Settings

# Who may do what is granted anew by each migration, to the roles of the installation it is put in.
_OURS = ("--no-owner", "--no-acl", "--no-password")


class ToolFault(Exception):
    """A program of PostgreSQL is missing or failed; the text says which and what it said."""


def dump(chosen: Settings, file: Path) -> None:
    """The file is the whole database at one moment, in `pg_dump`'s custom format.

    Raises:
        ToolFault: it is not.
    """
    _run(chosen, "pg_dump", "--format=custom", f"--file={file}", "--dbname")


def load(chosen: Settings, file: Path, *, section: str) -> None:
    """One section of the file is in the database: `pre-data`, `data` or `post-data`.

    Raises:
        ToolFault: it is not, or not whole: the database is to be made anew.
    """
    _run(chosen, "pg_restore", "--exit-on-error", f"--section={section}", str(file), "--dbname")


def _run(chosen: Settings, program: str, *arguments: str) -> None:
    """The last argument is followed by the database's URL, without its password."""
    if shutil.which(program) is None:
        raise ToolFault(f"{program} is not on the path: install PostgreSQL's client programs")
    told = settings.environment() | chosen.database_urls
    environ = passfile.move_passwords(told, chosen.home / "run", with_owner=True)
    environ |= {"LC_ALL": "C"}  # so that what it says is known here
    command = [program, *_OURS, *arguments, environ[passfile.OWNER_URL]]
    before = os.umask(0o077)  # the dump is for us alone from its first byte on
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and nothing of a caller's
            command, env=environ, capture_output=True, text=True, check=False
        )
    finally:
        os.umask(before)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ToolFault(f"{program} failed: {last}{_advice(last)}")


def _advice(said: str) -> str:
    """What to do, where the programs are older than the server, or than what made the file."""
    server = _SERVER.search(said)
    if server is not None:
        return f": install PostgreSQL's client programs of version {server[1]} or later"
    return ": use the version that made the backup, or a later one" if _FILE.search(said) else ""


_SERVER = re.compile(r"server version: (\d+)")
_FILE = re.compile(r"unsupported version \([\d.]+\) in file header")
