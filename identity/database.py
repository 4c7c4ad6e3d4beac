"""The database: its types, its connections, and the only way to begin a transaction."""

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
import psycopg_pool
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, NullPool, Row, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.sql import Executable

from identity import clock, postgresql, sqlite, waiting
from identity.columns import Base

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Engine

    from identity.settings import Settings

# What a query answers; named here, so that verbs can speak of a row without SQL.
AnyRow = Row[Any]
db = SQLAlchemy(model_class=Base)


@dataclass
class _State:
    """What this process holds open: one database, however many threads."""

    engine: "Engine"
    pool: "psycopg_pool.ConnectionPool[postgresql.Connection] | None"
    writer: sqlite.Writer | None
    path: str | None


# SQLAlchemy would not say how many rows an INSERT wrote on PostgreSQL.
_COUNTING = {"preserve_rowcount": True}

_state: _State | None = None
_current: ContextVar[Connection | None] = ContextVar("motlan_transaction", default=None)


@dataclass
class Tally:
    """Round trips and commits of one thread of work, for the statement budget."""

    round_trips: int = 0
    commits: int = 0


_tally: ContextVar[Tally | None] = ContextVar("motlan_tally", default=None)


@contextmanager
def counted() -> Iterator[Tally]:
    """Count what this thread asks of the database until the block ends."""
    tally = Tally()
    token = _tally.set(tally)
    try:
        yield tally
    finally:
        _tally.reset(token)


def spent(*, round_trips: int = 1, commits: int = 0) -> None:
    """Add to the running count, if somebody is counting."""
    tally = _tally.get()
    if tally is not None:
        tally.round_trips += round_trips
        tally.commits += commits


def new_id() -> uuid.UUID:
    """A time-ordered key (RFC 9562 §5.7), so that new rows share index pages."""
    return uuid.UUID(int=_uuid7())


def new_name() -> str:
    """The same as 32 hexadecimal digits."""
    return f"{_uuid7():032x}"


def _uuid7() -> int:
    milliseconds = int(clock.seconds() * 1000) & ((1 << 48) - 1)
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10))
    return (value & ~_FIXED_BITS) | _VERSION_AND_VARIANT


_FIXED_BITS = (0b1111 << 76) | (0b11 << 62)
_VERSION_AND_VARIANT = (7 << 76) | (0b10 << 62)


def init_app(app: "Flask", settings: "Settings", *, as_owner: bool = False) -> None:
    """Give the process its one database. Nothing connects until the first statement."""
    global _state  # noqa: PLW0603 - one process, one database
    close()
    url = settings.database_owner_url if as_owner else settings.database_url
    pool = None if not settings.is_postgresql else postgresql.pool(url, settings.pool_size)
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"}
    if pool is not None:
        options |= {"creator": partial(postgresql.checkout, pool), "poolclass": NullPool}
        url = "postgresql+psycopg://"
    else:
        options |= {"connect_args": sqlite.CONNECT_ARGS, "pool_timeout": postgresql.PATIENCE}
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    app.extensions.pop("sqlalchemy", None)
    db.init_app(app)
    with app.app_context():
        engine = db.engine
    path = None if pool is not None else str(engine.url.database)
    if path is not None:
        # The owner's commands migrate; everybody else writes in a transaction or not at all.
        told = sqlite.prepare(may_purge=as_owner, may_write=as_owner)
        event.listen(engine, "connect", told)
        event.listen(engine, "do_connect", lambda *_: sqlite.make_private(path))
    writer = None if path is None else sqlite.Writer(path, may_purge=as_owner)
    _state = _State(engine, pool, writer, path)


def state() -> _State:
    """What `init_app` opened; whoever asks is about to wait for it.

    Raises:
        RuntimeError: nothing was opened; a mistake of ours, never of a caller.
        waiting.MustWait: here nobody may wait.
    """
    waiting.require()
    return _held()


def _held() -> _State:
    if _state is None:
        raise RuntimeError("no database is open: create_app() comes first")
    return _state


def opened() -> object:
    """What tells the database that is open from any other, before or after; null: none is."""
    return _state


def is_open() -> bool:
    """Whether this process has a database."""
    return _state is not None


def close() -> None:
    """Let go of every connection this process holds."""
    global _state
    if _state is None:
        return
    held, _state = _state, None
    if held.writer is not None:
        held.writer.stop()
    held.engine.dispose()
    if held.pool is not None and not held.pool.closed:
        held.pool.close()


def is_postgresql() -> bool:
    """Whether the open database is PostgreSQL; the other one is SQLite."""
    return _held().pool is not None


def current() -> Connection | None:
    """The connection of the running transaction; null outside of one."""
    return _current.get()


@contextmanager
def transaction() -> Iterator[Connection]:
    """All or nothing, and durable when the block ends without an exception.

    On SQLite the block holds the process's write ticket, so that writers take turns.

    Raises:
        RuntimeError: a transaction is already running; the verb that owns it is the only one.
    """
    if _current.get() is not None:
        raise RuntimeError("a transaction is running already: the verb owns exactly one")
    begun = _postgresql_transaction() if is_postgresql() else _sqlite_transaction()
    with begun as connection:
        token = _current.set(connection)
        try:
            yield connection
        finally:
            _current.reset(token)


@contextmanager
def _postgresql_transaction() -> Iterator[Connection]:
    with state().engine.connect() as connection:
        connection.execution_options(isolation_level="READ COMMITTED")
        with connection.begin():
            yield connection
        spent(round_trips=2, commits=1)


@contextmanager
def _sqlite_transaction() -> Iterator[Connection]:
    writer = state().writer
    assert writer is not None  # noqa: S101 - init_app makes it whenever there is no pool
    with writer.ticket, state().engine.connect() as connection, _writable(connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
        spent(round_trips=2, commits=1)


@contextmanager
def _writable(connection: Connection) -> Iterator[None]:
    connection.exec_driver_sql(sqlite.WRITABLE)
    try:
        yield
    finally:
        connection.exec_driver_sql(sqlite.READ_ONLY)


def rows(statement: Executable, params: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
    """Every row; outside a transaction the read stands alone."""
    spent()
    running = _current.get()
    if running is not None:
        return running.execute(statement, params or {}).all()
    with state().engine.connect() as connection:
        return connection.execute(statement, params or {}).all()


def row(statement: Executable, params: Mapping[str, Any] | None = None) -> Row[Any] | None:
    """The first row, or null when nothing matches."""
    found = rows(statement, params)
    return found[0] if found else None


def write(statement: Executable, params: Any = None) -> int:  # noqa: ANN401 - one mapping or many
    """Change rows inside the running transaction; how many were changed.

    Raises:
        RuntimeError: no transaction is running.
    """
    spent()
    return _running().execute(statement, params or {}, execution_options=_COUNTING).rowcount


def write_row(statement: Executable, params: Mapping[str, Any] | None = None) -> Row[Any] | None:
    """Change one row and read what RETURNING says of it; null when none matched."""
    spent()
    return _running().execute(statement, params or {}).first()


def write_rows(
    statement: Executable, params: Mapping[str, Any] | None = None
) -> Sequence[Row[Any]]:
    """Change rows and read what RETURNING says of each."""
    spent()
    return _running().execute(statement, params or {}).all()


def _running() -> Connection:
    running = _current.get()
    if running is None:
        raise RuntimeError("a write outside a transaction: the verb opens one")
    return running


def is_unavailable(error: BaseException) -> bool:
    """Whether the database, and not the request, is why this failed: then the answer is 503."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    return isinstance(
        error,
        psycopg.OperationalError
        | psycopg.InterfaceError
        | psycopg.errors.ReadOnlySqlTransaction
        | psycopg.errors.IdleInTransactionSessionTimeout  # we stood still, and the server ended it
        | psycopg_pool.PoolTimeout
        | psycopg_pool.PoolClosed
        | sqlite.OperationalError
        | NoneFree,
    )


def raw() -> Any:  # noqa: ANN401 - a driver's connection
    """The driver's connection of the running transaction, for statements joined from clauses."""
    return _running().connection.driver_connection
