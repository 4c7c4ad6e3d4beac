"""PostgreSQL's connections: one pool a process, and none from it that the server has ended."""

import select
from typing import Any

import psycopg
import psycopg_pool

PATIENCE = 10  # seconds that a request waits for a free connection; then it is told 503


def pool(url: str, size: int) -> psycopg_pool.ConnectionPool:
    """Connections in AUTOCOMMIT; none is made before the first is asked for."""
    return psycopg_pool.ConnectionPool(
        url,
        min_size=1,
        max_size=size,
        open=False,
        timeout=PATIENCE,
        close_returns=True,
        kwargs={
            "autocommit": True,
            "options": "-c timezone=UTC -c statement_timeout=30s"
            " -c idle_in_transaction_session_timeout=30s",
        },
    )


def checkout(pool: psycopg_pool.ConnectionPool) -> psycopg.Connection[Any]:
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


def _is_lost(connection: psycopg.Connection[Any]) -> bool:
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
