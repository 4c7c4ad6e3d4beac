"""One connection to PostgreSQL that an event loop reads, while nobody waits for it."""

import asyncio
import select
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg import pq
from psycopg.errors import Diagnostic

from identity import postgresql
from identity.postgresql import Connection, Key
from identity.turns import Turn

LOST = "the connection to the database was lost"


class Line:
    """Nobody's, or one turn's; `served` is called when whoever had it may be done with it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: Connection,
        *,
        served: Callable[["Line"], None],
    ) -> None:
        self._loop, self._served = loop, served
        self._connection, self._pgconn = connection, connection.pgconn
        self._pgconn.nonblocking = 1
        self._fd = self._pgconn.socket
        self._turn: Turn | None = None  # who waits for an answer; null: nothing was asked
        self._result: pq.abc.PGresult | None = None  # what came of it so far
        self.made_at = self.asked_at = time.monotonic()
        self.is_open = True  # false also: the server said that it will end it
        self._is_closed = False
        connection.add_notice_handler(self._on_notice)
        self._readable = select.poll()
        self._readable.register(self._fd, select.POLLIN)
        loop.add_reader(self._fd, self._read)

    @property
    def is_idle(self) -> bool:
        """Whether it can be asked."""
        return self.is_open and self._turn is None

    def is_sound(self) -> bool:
        """Whether it can be asked, as far as can be known; nothing is sent for it.

        An idle connection has nothing to say, but that the server ends it, as a restart does.
        """
        if self._readable.poll(0):
            self._receive()
        return self.is_open

    def first_row(
        self, turn: Turn, text: bytes, *, values: Sequence[Any], is_writing: bool
    ) -> tuple[Any, ...] | None:
        """As `postgresql.first_row`, while the turn that has this connection is parked."""
        params, key = postgresql.adapt(self._connection, text, values=values)
        had_written, row = turn.has_written, None
        turn.has_written = had_written or is_writing  # also where the outcome stays unknown
        result = self._execute(turn, key, params=params)
        if postgresql.is_unprepared(result):
            self._connection.prepared.clear()
            result = self._execute(turn, key, params=params)
        try:
            row = postgresql.first_of(self._connection, result)
        finally:
            if row is None:  # a condition was false, or an error: nothing of it was kept
                turn.has_written = had_written
        return row

    def _execute(self, turn: Turn, key: Key, *, params: Any) -> pq.abc.PGresult:  # noqa: ANN401 - the driver's
        connection, pgconn = self._connection, self._pgconn
        name = connection.prepared.get(key)
        if name is None:
            oldest = postgresql.superfluous(connection)
            if oldest is not None:
                pgconn.send_query(b"DEALLOCATE " + oldest)
                self._answer(turn)
            name = b"motlan_%d" % next(connection.names)
            pgconn.send_prepare(name, *key)
            result = self._answer(turn)
            if result.status != pq.ExecStatus.COMMAND_OK:
                return result
            connection.prepared[key] = name
        pgconn.send_query_prepared(name, params, connection.adapted.formats, pq.Format.BINARY)
        return self._answer(turn)

    def _answer(self, turn: Turn) -> pq.abc.PGresult:
        """What the server says to what was sent; until then the loop has the word."""
        self._turn, self._result, self.asked_at = turn, None, time.monotonic()
        self._flush()
        result: pq.abc.PGresult = turn.parent.switch()
        self._result = None  # nobody's values wait here for whoever comes next
        return result

    def _flush(self) -> None:
        """Send what there is; what the network does not take now follows when it does."""
        if self._pgconn.flush():
            self._loop.add_writer(self._fd, self._flush_rest)

    def _flush_rest(self) -> None:
        try:
            if not self._pgconn.flush():
                self._loop.remove_writer(self._fd)
        except psycopg.OperationalError:
            self.lose(LOST)

    def _read(self) -> None:
        """The server said something: an answer that is whole goes to the turn that waits for it."""
        is_whole = self._receive()
        turn, result = self._turn, self._result
        try:
            if is_whole and turn is not None:
                self._turn = None
                turn.switch(result)
        finally:
            self._served(self)

    def _receive(self) -> bool:
        """Take what came; whether it was all, its commit included."""
        try:
            self._pgconn.consume_input()
            while not self._pgconn.is_busy():
                result = self._pgconn.get_result()
                if result is None:
                    break
                if self._result is None or result.status == _FAILED:
                    self._result = result  # an error of the commit follows the rows
            else:
                return False
        except psycopg.OperationalError:
            self.lose(LOST)
            return False
        if self._pgconn.status != _WELL:
            self.lose(LOST)
        return self.is_open

    def _on_notice(self, told: Diagnostic) -> None:
        # A server that ends a connection says so, and closes it a moment later.
        if told.severity_nonlocalized in _LAST_WORDS:
            self.is_open = False

    def lose(self, why: str) -> None:
        """Let go of it; whoever waits for an answer is told, and knows nothing of its outcome."""
        turn, result = self._turn, self._result
        self.close()
        if turn is not None:
            told = None if result is None else postgresql.error(result)
            turn.throw(told or psycopg.OperationalError(why))

    def close(self) -> None:
        """Let go of it; the server takes back what it has not committed."""
        self.is_open, self._turn, self._result = False, None, None
        if not self._is_closed:
            self._is_closed = True
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            self._connection.close()


_FAILED, _WELL = pq.ExecStatus.FATAL_ERROR, pq.ConnStatus.OK
_LAST_WORDS = frozenset({"FATAL", "PANIC"})
