"""Another machine: a home of its own, an empty database, and on PostgreSQL another server too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from flask import Flask

from identity import sealing, settings
from identity.settings import Settings
from tests.databases import Database, Databases
from tests.postgres import NoPostgresError, PrivateServer, _installed

# More than a new server has used, so that its numbers are lower than ours whatever ran before.
TRANSACTIONS = """DO $$ BEGIN
  FOR n IN 1..4000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP;
END $$"""


def runs(app: Flask, *words: object) -> Result:
    """One command of an operator."""
    return app.test_cli_runner().invoke(args=[str(word) for word in words])


def client_programs() -> Path | None:
    """Where PostgreSQL's client programs are; null: nowhere."""
    return next((path for path in _installed() if (path / "pg_dump").exists()), None)


@contextmanager
def another_server(databases: Databases) -> Iterator[Databases]:
    """Databases on a second server, which is younger than the first; on SQLite the same ones."""
    if databases.server is None:
        yield databases
        return
    with psycopg.connect(databases.server.admin_url, autocommit=True) as connection:
        connection.execute(TRANSACTIONS)
    folder = databases.shared / f"another-{databases.worker}"
    folder.mkdir(mode=0o755)
    try:
        private = PrivateServer(folder)
    except NoPostgresError as missing:
        pytest.skip(str(missing))
    try:
        yield Databases(databases.kind, databases.shared, private.start(), databases.worker)
    finally:
        private.stop()


@dataclass(frozen=True)
class Elsewhere:
    """Makes installations that have nothing yet, where a backup may be put back."""

    databases: Databases
    issuer: str
    folder: Path
    make: Callable[[Settings], Flask]

    def __call__(self, name: str, *, database: Database | None = None, **told: str) -> Flask:
        """An app with a home and a database of its own, both empty."""
        home = self.folder / name
        home.mkdir()
        made = database or self.databases.empty()
        chosen = settings.read(
            {
                "MOTLAN_HOME": str(home),
                "MOTLAN_ISSUER": self.issuer,
                "MOTLAN_ARGON2": "t=1,m=64,p=1",
                "MOTLAN_PROCESSES": "1",
            }
            | made.environment
            | told
        )
        sealing.forget()
        return self.make(chosen)
