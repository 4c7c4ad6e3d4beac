"""PostgreSQL's connections: one pool a process, and none from it that the server has ended."""

import select
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import psycopg
import psycopg_pool
from psycopg import abc, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import error_from_result

PATIENCE = 10  # seconds that a request waits for a free connection; then it is told 503
MOST_PREPARED = 500  # statements of one connection; ours are far fewer, and none is made of input


Key = tuple[bytes, tuple[int, ...]]  # a statement's text, and the types of its parameters


class Connection(psycopg.Connection[Any]):
    """A connection that knows which statements it has prepared, by text and types.

    Whoever holds it has its `adapted` too, which remembers how each type is written and read.
    """

    adapted: abc.Transformer
    prepared: dict[Key, bytes]
    names: Iterator[int]


def pool(url: str, size: int) -> psycopg_pool.ConnectionPool[Connection]:
    """Connections in AUTOCOMMIT; none is made before the first is asked for."""
    return psycopg_pool.ConnectionPool(
        url,
        connection_class=Connection,
        configure=_begin,
        min_size=1,
        max_size=size,
        open=False,
        timeout=PATIENCE,
        close_returns=True,
        kwargs=_kwargs(url),
    )


# A database, a role and an address have settings of their own for every session; what we rely on
# is said after them. Times would be unreadable, text refused and names quoted otherwise.
_OPTIONS = (
    "-c timezone=UTC -c datestyle=ISO -c quote_all_identifiers=off"
    r" -c default_transaction_isolation=read\ committed"
    " -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s"
)


def _kwargs(url: str, more: str = "") -> dict[str, Any]:
    told = conninfo_to_dict(url).get("options") or ""
    options = f"{told} {_OPTIONS} {more}"
    return {"autocommit": True, "client_encoding": "UTF8", "options": options}


def connect(url: str) -> Connection:
    """One connection beside the pool, for the event loop; whoever waits for it waits long.

    Raises:
        psycopg.OperationalError: the server is away, or takes nobody more.
    """
    told: dict[str, Any] = {"connect_timeout": PATIENCE} | conninfo_to_dict(url)
    connection = Connection.connect(**told | _kwargs(url, _ON_THE_LOOP))
    _begin(connection)
    return connection


# Of many together nobody waits for a lock; who met it then waits for it alone (decision 0048). And
# what the loop asks are look-ups by keys, planned once: a plan made while a table was small, or not
# counted yet, would read it whole for as long as nobody counts.
_ON_THE_LOOP = (
    "-c lock_timeout=10ms"
    " -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c jit=off"
)


def _begin(connection: Connection) -> None:
    connection.adapted = Transformer(connection)
    connection.prepared, connection.names = {}, count()
    # PGDATESTYLE and PGTZ of an environment are heard after all options.
    for name, ours in ("DateStyle", "ISO"), ("TimeZone", "UTC"):
        if not (connection.info.parameter_status(name) or "").startswith(ours):
            connection.execute(f"SET {name} TO {ours}")


def first_row(
    connection: Connection, text: bytes, *, values: Sequence[Any]
) -> tuple[Any, ...] | None:
    """The first row of a statement with parameters `$1`, `$2`…, committed; null: it has none.

    What `execute` of a cursor would do, adaptation included, without the cursor: a statement
    outside of a transaction needs nothing else of it, and it costs more than the statement.
    """
    params, key = adapt(connection.adapted, text, values=values)
    result = _executed(connection, key, params=params)
    if is_unprepared(result):
        # The driver lets go of all statements when a transaction is rolled back; nothing was done.
        connection.prepared.clear()
        result = _executed(connection, key, params=params)
    return first_of(connection.adapted, result)


def adapt(adapted: abc.Transformer, text: bytes, *, values: Sequence[Any]) -> tuple[Any, Key]:
    """The values as the server reads them, and by what the statement is known as prepared."""
    params = adapted.dump_sequence(values, [PyFormat.AUTO] * len(values))
    return params, (text, adapted.types or ())


def is_unprepared(result: pq.abc.PGresult) -> bool:
    """Whether the server has forgotten the statement: nothing was done."""
    return result.status == _FAILED and result.error_field(_SQLSTATE) == _UNPREPARED


_UNPREPARED = b"26000"
_SQLSTATE = pq.DiagnosticField.SQLSTATE
_ROWS, _FAILED = pq.ExecStatus.TUPLES_OK, pq.ExecStatus.FATAL_ERROR


def first_of(adapted: abc.Transformer, result: pq.abc.PGresult) -> tuple[Any, ...] | None:
    """The first row; null: there is none."""
    if result.status != _ROWS:
        raise error(result)
    if not result.ntuples:
        return None
    adapted.set_pgresult(result)
    row: tuple[Any, ...] = adapted.load_row(0, tuple)
    adapted.set_pgresult(None)  # nobody's values wait here for whoever comes next
    return row


def superfluous(connection: Connection) -> bytes | None:
    """The statement to forget, so that there is room for another; null: there is."""
    if len(connection.prepared) < MOST_PREPARED:
        return None
    return connection.prepared.pop(next(iter(connection.prepared)))


def _executed(connection: Connection, key: Key, *, params: Any) -> pq.abc.PGresult:  # noqa: ANN401 - the driver's
    name = connection.prepared.get(key)
    if name is None:
        oldest = superfluous(connection)
        if oldest is not None:
            connection.pgconn.exec_(b"DEALLOCATE " + oldest)
        name = b"motlan_%d" % next(connection.names)
        result = connection.pgconn.prepare(name, *key)
        if result.status != pq.ExecStatus.COMMAND_OK:
            return result
        connection.prepared[key] = name
    return connection.pgconn.exec_prepared(
        name, params, connection.adapted.formats, pq.Format.BINARY
    )


def error(result: pq.abc.PGresult) -> psycopg.Error:
    """What went wrong; without a word of the server's own, the connection is gone."""
    if result.error_field(_SQLSTATE) is None:
        return psycopg.OperationalError("the connection to the database was lost")
    return error_from_result(result)


def checkout(pool: psycopg_pool.ConnectionPool[Connection]) -> Connection:
    """A connection in AUTOCOMMIT; the first one opens the pool, so that `create_app` does not."""
    if pool.closed:
        pool.open()
    connection = pool.getconn()
    while _is_lost(connection):
        pool.putconn(connection)  # the pool throws it away and makes another
        connection = pool.getconn()
    # Here and not in the pool's `reset`: with that, a thread of the pool takes every connection
    # back, and each request pays for waking it.
    if not connection.autocommit:
        connection.autocommit = True
    return connection


def _is_lost(connection: Connection) -> bool:
    """Whether the server has ended it while it waited, as a restart does; nothing is asked for it.

    An idle connection has nothing to say: only one with something to read is looked at closely.
    """
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    if not waiting.poll(0):
        return False
    try:
        psycopg_pool.ConnectionPool.check_connection(connection)
    except psycopg.OperationalError:
        return True
    return False


def unread(named: Mapping[str, str]) -> str | None:
    """Which of these addresses, by the names of their settings, the driver cannot read; null: none.

    Nothing of it is repeated, nor the driver's own words: both may hold a password.
    """
    for name, url in named.items():
        try:
            conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            return f"{name} has an option that PostgreSQL does not know, or a % without two digits"
    return None


def why_not(url: str) -> str:
    """Why nobody can connect there, as the server or the network says it; empty: one can.

    Never with a password: the text names the role, the host and the database at most.
    """
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        last = str(error).strip().splitlines()[-1]
        return last.rpartition("failed: ")[2].removeprefix("FATAL:").strip()
    return ""


def unfit(driver: object) -> str | None:
    """Null: what the database keeps can be any text, as SQLite's. Otherwise what to do about it.

    PostgreSQL's own tools make a database of another encoding where the locale of the machine is C.
    """
    if not isinstance(driver, Connection):
        return None
    found = driver.info.parameter_status("server_encoding")
    if found == "UTF8":
        return None
    return (
        f"the database's encoding is {found}: make it anew with ENCODING 'UTF8' TEMPLATE template0"
    )


def forbidden(error: Exception) -> str | None:
    """What the server does not let this role do, in one line; null: that is not what went wrong."""
    cause = getattr(error, "orig", error)  # SQLAlchemy's has the driver's in it
    if isinstance(cause, _FORBIDDEN):
        # Of these its words name a table, a schema or a kind of statement, and never a value.
        why = cause.diag.message_primary
        return f"the database refuses it: {why}; docs/operations.md says what its roles may do"
    return None


_FORBIDDEN = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.ReadOnlySqlTransaction,
)
