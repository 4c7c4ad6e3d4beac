"""Clauses: parts of one statement that several areas write, and the database runs as one.

SQLite has no data-changing WITH, so each clause carries both texts side by side.
"""

import json
import re
import sqlite3
import threading
import uuid
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from psycopg.errors import DivisionByZero
from psycopg.types.json import Jsonb

from identity import columns, database, postgresql, sqlite, turns

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Json:
    """A parameter for a JSON column; a bare list is an array on PostgreSQL."""

    value: Any


_NONE: Mapping[str, Any] = MappingProxyType({})


class Clause(NamedTuple):
    """One named part. `:name` is a parameter in both texts, shared by all clauses of a statement.

    On PostgreSQL it becomes a WITH query, and later clauses read `name.column`. On SQLite it
    runs in its turn, and later clauses read `:name_column`. It returns at most one row; a
    clause that returns none stops the whole, and nothing of it is kept. So conditions stand
    first, and on PostgreSQL, where every WITH query runs, each writing clause selects FROM
    the conditions it needs.
    """

    name: str
    postgres: str
    sqlite: str
    params: Mapping[str, Any] = _NONE
    returns: Mapping[str, type] = _NONE


def all_undone_unless(condition: str) -> str:
    """What the one answering clause of PostgreSQL selects where only writing tells if it may be.

    There every WITH query runs, and nothing but an error takes back what the others wrote: so it
    divides by zero, and `together` answers null. Outside of a transaction only, which such an
    error would end.
    """
    return f"1 / CAST({condition} AS int)"


def together(*clauses: Clause) -> Answer | None:
    """Run the clauses as one: one round trip, one commit; null when a condition was false.

    The answer's keys are `clause.column`. Inside a transaction it is part of that one.
    """
    if database.is_postgresql():
        database.spent(commits=0 if database.current() is not None else 1)
        return _on_postgresql(clauses, is_writing=True)
    job = _sqlite_job(clauses)
    if database.current() is not None:
        database.spent(round_trips=len(clauses))
        return _within(database.raw(), job)
    database.spent(commits=1)
    writer = database.state().writer
    assert writer is not None  # noqa: S101 - there is one wherever there is no pool
    answer: Answer | None = writer.do(job)
    return answer


def look(*clauses: Clause) -> Answer | None:
    """The same for clauses that only read: no commit, and no turn among the writers."""
    if database.is_postgresql():
        database.spent()
        return _on_postgresql(clauses, is_writing=False)
    database.spent(round_trips=len(clauses))
    if database.current() is not None:  # what this transaction wrote is seen, as on PostgreSQL
        return _within(database.raw(), _sqlite_job(clauses))
    connection = _reader()
    connection.execute("BEGIN")
    try:
        return _sqlite_job(clauses)(connection)
    except sqlite.NothingMatched:
        return None
    finally:
        connection.execute("ROLLBACK")


def _on_postgresql(clauses: tuple[Clause, ...], *, is_writing: bool) -> Answer | None:
    statement = _joined(tuple([(c.name, c.postgres, tuple(c.returns)) for c in clauses]))
    shared = _shared(clauses)
    told = map(shared.__getitem__, statement.params)
    params = [_ADAPTED[type(v)](v) if type(v) in _ADAPTED else v for v in told]
    if database.current() is not None:
        named = dict(zip(statement.params, params, strict=True))
        found = database.raw().execute(statement.named, named, prepare=True).fetchone()
    else:
        try:
            found = _alone(statement.numbered, params, is_writing=is_writing)
        except DivisionByZero:
            return None
    return None if found is None else dict(zip(statement.columns, found, strict=True))


def _alone(text: bytes, params: list[Any], *, is_writing: bool) -> tuple[Any, ...] | None:
    """Outside of a transaction: a turn parks until its row is here, a thread waits for it."""
    turn = turns.current()
    if turn is not None and turn.lines is not None:
        return turn.lines.first_row(text, params, is_writing=is_writing)
    pool = database.state().pool
    assert pool is not None  # noqa: S101 - is_postgresql() said so
    connection = postgresql.checkout(pool)
    try:
        return postgresql.first_row(connection, text, values=params)
    finally:
        pool.putconn(connection)


def _shared(clauses: tuple[Clause, ...]) -> dict[str, Any]:
    """The parameters of all clauses; two of one name and different values are a mistake of ours."""
    params: dict[str, Any] = {}
    for clause in clauses:
        if not params.keys().isdisjoint(clause.params):
            _require_same(params, clause.params)
        params.update(clause.params)
    return params


def _require_same(known: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    for name in known.keys() & told.keys():
        if known[name] is not told[name] and known[name] != told[name]:
            raise ValueError(f"two clauses mean something else by :{name}")


class Statement(NamedTuple):
    """Clauses as PostgreSQL runs them: with parameters `%(name)s`, and with `$1` for the first."""

    named: bytes
    numbered: bytes
    params: tuple[str, ...]
    columns: tuple[str, ...]  # of the answer


@lru_cache(maxsize=512)
def _joined(parts: tuple[tuple[str, str, tuple[str, ...]], ...]) -> Statement:
    """One text per set of clauses, so that the server plans it once."""
    queries = ", ".join(f"{name} AS ({text})" for name, text, _ in parts)
    columns = [f"{name}.{column}" for name, _, returned in parts for column in returned]
    sources = ", ".join(name for name, _, returned in parts if returned)
    text = f"WITH {queries} SELECT {', '.join(columns)}"
    text += f" FROM {sources}" if sources else ""
    params = tuple(dict.fromkeys(_PARAMETER.findall(text)))
    named = _PARAMETER.sub(r"%(\1)s", text.replace("%", "%%"))
    numbered = _PARAMETER.sub(lambda found: f"${params.index(found[1]) + 1}", text)
    return Statement(named.encode(), numbered.encode(), params, tuple(columns))


_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


def _with_zone(value: datetime) -> datetime:
    _require_zone(value)
    return value


# What the driver does not take as it is.
_ADAPTED: dict[type, Callable[[Any], Any]] = {
    Json: lambda told: Jsonb(told.value),
    dict: Jsonb,
    datetime: _with_zone,
}


def _sqlite_job(clauses: tuple[Clause, ...]) -> Callable[[sqlite3.Connection], Answer]:
    given = {k: _for_sqlite(v) for k, v in _shared(clauses).items()}

    def job(connection: sqlite3.Connection) -> Answer:
        answer: Answer = {}
        seen = dict(given)
        for clause in clauses:
            found = connection.execute(clause.sqlite, seen).fetchone()
            if not clause.returns:
                continue
            if found is None:
                raise sqlite.NothingMatched
            for (column, kind), value in zip(clause.returns.items(), found, strict=True):
                seen[f"{clause.name}_{column}"] = value
                answer[f"{clause.name}.{column}"] = _from_sqlite(value, kind)
        return answer

    return job


def _within(connection: sqlite3.Connection, job: Callable[..., Answer]) -> Answer | None:
    connection.execute("SAVEPOINT clauses")
    try:
        answer = job(connection)
    except sqlite.NothingMatched:
        connection.execute("ROLLBACK TO clauses")
        answer = None
    except Exception:
        # Whoever catches it and goes on must not commit a half.
        connection.execute("ROLLBACK TO clauses")
        connection.execute("RELEASE clauses")
        raise
    connection.execute("RELEASE clauses")
    return answer


def _for_sqlite(value: Any) -> Any:  # noqa: ANN401 - a parameter of any type
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, datetime):
        _require_zone(value)
        return columns.microseconds(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Json):
        value = value.value
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, default=_in_json, ensure_ascii=False)
    return value


def _require_zone(value: datetime) -> None:
    """PostgreSQL would guess the zone of a naive time; nobody knows which hour it means."""
    if value.tzinfo is None:
        raise ValueError("a time without a zone was about to be stored")


def _in_json(value: Any) -> Any:  # noqa: ANN401 - what JSON has no word for
    return value.hex if isinstance(value, uuid.UUID) else value.hex()


_FROM_SQLITE: dict[type, Callable[[Any], Any]] = {
    uuid.UUID: lambda value: uuid.UUID(hex=value),
    datetime: columns.instant,
    date: date.fromisoformat,
    dict: json.loads,
    list: json.loads,
    bool: bool,
}


def _from_sqlite(value: Any, kind: type) -> Any:  # noqa: ANN401 - a column of any type
    convert = _FROM_SQLITE.get(kind)
    return value if value is None or convert is None else convert(value)


class _Reader:
    """The connection on which one thread reads, until it ends or reads another file."""

    def __init__(self, path: str) -> None:
        self.path = path
        # Of one thread all its life, but for its end, which may be seen to by another one.
        arguments = sqlite.CONNECT_ARGS | {"check_same_thread": False}
        self.connection: sqlite3.Connection = sqlite3.connect(path, **arguments)
        # Not `__del__`, which is called also where no connection was made.
        weakref.finalize(self, self.connection.close)
        sqlite.prepare(may_purge=False, may_write=False)(self.connection, None)


_ours = threading.local()


def _reader() -> sqlite3.Connection:
    path = str(database.state().path)
    reader: _Reader | None = getattr(_ours, "reader", None)
    if reader is None or reader.path != path:
        reader = _ours.reader = _Reader(path)
    return reader.connection
