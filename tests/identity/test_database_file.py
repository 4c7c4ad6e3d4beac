"""SQLite's file is its owner's alone, wherever it lies (design §10)."""

import os
import sqlite3
import stat
import subprocess
import sys

import pytest

from identity import sqlite
from identity.sqlite import Writer
from tests.databases import ROOT

LOOSE = 0  # a umask that takes nothing away


@pytest.fixture
def loosely():
    before = os.umask(LOOSE)
    yield
    os.umask(before)


def modes(folder):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("one.db*")}


@pytest.mark.usefixtures("loosely")
def test_a_database_that_is_made_is_closed_to_others(tmp_path):
    """Also outside of the closed home, and by the first command that there is."""
    shared = tmp_path / "shared"
    shared.mkdir()
    environ = {
        "PATH": os.defpath,
        "MOTLAN_HOME": str(tmp_path / "home"),
        "MOTLAN_DATABASE_URL": f"sqlite:///{shared}/one.db",
    }

    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
        cwd=ROOT,
        env=environ,
        check=True,
        capture_output=True,
    )

    assert modes(shared)["one.db"] == 0o600


@pytest.mark.usefixtures("loosely")
def test_its_journals_are_as_closed(tmp_path):
    writer = Writer(str(tmp_path / "one.db"), may_purge=False)

    writer.do(lambda connection: connection.execute("CREATE TABLE told (number)") and 1)
    found = modes(tmp_path)
    writer.stop()

    assert found == dict.fromkeys(("one.db", "one.db-wal", "one.db-shm"), 0o600)


def test_one_that_was_opened_to_others_on_purpose_stays_so(tmp_path):
    path = tmp_path / "one.db"
    sqlite3.connect(path).close()
    path.touch()
    path.chmod(0o640)
    writer = Writer(str(path), may_purge=False)

    writer.do(lambda connection: connection.execute("CREATE TABLE told (number)") and 1)
    writer.stop()

    assert modes(tmp_path)["one.db"] == 0o640


def test_a_lock_that_this_process_has_outlives_the_next_connection(tmp_path):
    """POSIX: whoever closes a file lets go of every lock that its process has on it."""
    path = tmp_path / "one.db"
    holding = sqlite3.connect(path, isolation_level=None)
    holding.execute("BEGIN EXCLUSIVE")

    sqlite.make_private(str(path))

    tries = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0).execute('BEGIN EXCLUSIVE')"
    other = subprocess.run([sys.executable, "-c", tries], check=False, capture_output=True)
    holding.close()
    assert b"database is locked" in other.stderr
