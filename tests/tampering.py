"""Somebody who holds the database's file, or its superuser's password: no trigger stops them."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from flask import Flask

from consent.audit import heads
from consent.audit.sequencer import sequence
from consent.audit.verify import Verdict, verify
from identity import trail
from identity.entry import Who
from identity.settings import Settings
from tests.databases import Database, Databases


@dataclass(frozen=True)
class Vandal:
    """Changes what nobody may change. Statements are written `:1`, `:2`… for both databases."""

    databases: Databases
    database: Database

    def does(self, statement: str, *values: Any) -> None:
        """One statement past every trigger and privilege."""
        with self._connected() as run:
            run(statement, values)

    def tells(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows as they lie in the database."""
        with self._connected() as run:
            return run(statement, values)

    @contextmanager
    def at_work(self) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
        """Does many statements over one connection: PostgreSQL needs a moment for each."""
        with self._connected() as run:
            yield lambda statement, *values: run(statement, values)

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        if self.databases.server is None:
            yield from self._sqlite()
        else:
            yield from self._postgresql()

    def _sqlite(self) -> Iterator[Any]:
        path = self.database.url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as connection:
            connection.create_function("may_purge", 0, lambda: 1)
            triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for (name,) in connection.execute(triggers).fetchall():
                connection.execute(f'DROP TRIGGER "{name}"')
            yield lambda text, values: connection.execute(
                text, {str(n): value for n, value in enumerate(values, 1)}
            ).fetchall()

    def _postgresql(self) -> Iterator[Any]:
        parts = urlsplit(self.databases.server.admin_url)
        url = parts._replace(path=urlsplit(self.database.url).path).geturl()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")

            def run(text: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
                for n in range(len(values), 0, -1):
                    text = text.replace(f":{n}", f"%(p{n})s")
                told = {f"p{n}": value for n, value in enumerate(values, 1)}
                done = connection.execute(text, told)
                return done.fetchall() if done.description else []

            yield run


@dataclass(frozen=True)
class Log:
    """A log of its own, that a test may ruin."""

    app: Flask
    settings: Settings
    vandal: Vandal

    def grows(self, count: int, **who: Any) -> list[int]:
        """Entries that are placed and signed; their ids."""
        ids = self.is_told(count, **who)
        self.is_placed()
        heads.sign()
        return ids

    def is_told(self, count: int, **who: Any) -> list[int]:
        """Entries that nobody has placed yet; their ids."""
        about = Who(**who)
        return [trail.record("sign_in:succeeded", about, subject={"n": n}).id for n in range(count)]

    def is_placed(self) -> None:
        """Everything there has its position."""
        while sequence():
            pass

    def verdict(self, copy: Path | None = None) -> Verdict:
        """What `motlan log verify` finds."""
        return verify(copy)
