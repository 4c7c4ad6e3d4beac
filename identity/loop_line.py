"""One connection to PostgreSQL that an event loop reads, while nobody waits for it."""

import asyncio
import select
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import psycopg
from psycopg import pq
from psycopg.errors import Diagnostic

from identity import postgresql, questions
from identity.postgresql import Connection, Key
from identity.questions import Question

LOST = "the connection to the database was lost"
Results = list[pq.abc.PGresult]


class Line:
    """Idle, or with questions on their way: one transaction, answered when it is committed.

    `served` is called with the questions and what came of them, when the line is idle again; with
    none when the server said something unasked.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: Connection,
        *,
        served: "Served",
    ) -> None:
        self._loop, self._served = loop, served
        self._connection, self._pgconn = connection, connection.pgconn
        self._pgconn.nonblocking = 1
        self._pgconn.enter_pipeline_mode()
        self._fd = self._pgconn.socket
        self._asked: Sequence[Question] = ()
        self._results: Results = []  # what came so far, of the questions alone
        self._expected: deque[Key | None] = deque()  # of what else is said; null: a question
        self._fresh: dict[Key, bytes] = {}  # statements that this transaction makes known
        self.made_at = self.asked_at = time.monotonic()
        self.is_open = True  # false also: the server said that it will end it
        self._is_closed = False
        connection.add_notice_handler(self._on_notice)
        self._readable = select.poll()
        self._readable.register(self._fd, select.POLLIN)
        loop.add_reader(self._fd, self._read)

    @property
    def size(self) -> int:
        """How many questions of one transaction are on their way; zero: it is idle."""
        return len(self._asked)

    def is_sound(self) -> bool:
        """Whether it can be asked, as far as can be known; nothing is sent for it.

        An idle connection has nothing to say, but that the server ends it, as a restart does.
        """
        if self._readable.poll(0):
            self._receive()
        return self.is_open

    def ask(self, questions: Sequence[Question]) -> None:
        """Send them as one transaction (libpq's pipeline up to one Sync)."""
        self._asked, self._results = questions, []
        self._expected.clear()
        self._fresh.clear()
        self.asked_at = time.monotonic()
        try:
            for question in questions:
                question.sent()
                self._send(question)
            self._pgconn.pipeline_sync()
            self._flush()
        except psycopg.OperationalError:
            self.lose(LOST)

    def _send(self, question: Question) -> None:
        if question.goes_alone:
            self._pgconn.send_query_params(_PATIENT, None)
            self._expected.append(_NOTHING)
        key = question.key
        name = self._connection.prepared.get(key) or self._fresh.get(key) or self._prepare(key)
        self._pgconn.send_query_prepared(name, *question.params, pq.Format.BINARY)
        self._expected.append(None)

    def _prepare(self, key: Key) -> bytes:
        oldest = postgresql.superfluous(self._connection)
        if oldest is not None:
            self._pgconn.send_query_params(b"DEALLOCATE " + oldest, None)
            self._expected.append(_NOTHING)
        name = b"motlan_%d" % next(self._connection.names)
        self._pgconn.send_prepare(name, *key)
        self._expected.append(key)
        self._fresh[key] = name
        return name

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
            self._served(self, (), results=[])

    def _read(self) -> None:
        """The server said something: when all is answered, so are those who asked."""
        if self._receive():
            asked, results = self._asked, self._results
            self._asked, self._results = (), []  # nobody's values wait here
            self._served(self, asked, results=results)
        else:
            self._served(self, (), results=[])

    def _receive(self) -> bool:
        """Take what came; whether it was all, its commit included."""
        is_whole = False
        try:
            self._pgconn.consume_input()
            is_whole = self._take()
        except psycopg.OperationalError:
            self.lose(LOST)
            return False
        if self._pgconn.status != _WELL:
            self.is_open = False
            if not is_whole:
                self.lose(LOST)
        return is_whole

    def _take(self) -> bool:
        """Note what can be read now; whether the commit was the last of it.

        Raises:
            psycopg.OperationalError: it is not what was asked for, so nothing of it can be told.
        """
        is_between = False
        while not self._pgconn.is_busy():
            result = self._pgconn.get_result()
            if result is None:
                if not self._asked:
                    return False
                if is_between:
                    raise psycopg.OperationalError(LOST)
            elif result.status == _COMMITTED:
                if len(self._results) != len(self._asked) and not self._has_failed():
                    raise psycopg.OperationalError(LOST)
                return True
            else:
                self._note(result)
                if len(self._results) > len(self._asked) + 1:  # one is that of the commit
                    raise psycopg.OperationalError(LOST)
            is_between = result is None
        return False

    def _has_failed(self) -> bool:
        return any(result.status == _FAILED for result in self._results)

    def _note(self, result: pq.abc.PGresult) -> None:
        """Keep what is a question's answer, and every error, that of the commit included."""
        key = self._expected.popleft() if self._expected else None
        if key is None or result.status == _FAILED:
            self._results.append(result)
        elif key in self._fresh and result.status == _DONE:
            self._connection.prepared[key] = self._fresh[key]

    def forget(self) -> None:
        """The server knows none of the prepared statements any more."""
        self._connection.prepared.clear()

    def _on_notice(self, told: Diagnostic) -> None:
        # A server that ends a connection says so, and closes it a moment later.
        if told.severity_nonlocalized in _LAST_WORDS:
            self.is_open = False

    def lose(self, why: str) -> None:
        """Let go of it; who waits for an answer is told, and knows nothing of its outcome."""
        asked, results = self._asked, self._results
        self.close()
        for question in asked:
            question.refuse(questions.lost(results, why))

    def close(self) -> None:
        """Let go of it; the server takes back what it has not committed."""
        self.is_open, self._asked, self._results = False, (), []
        if not self._is_closed:
            self._is_closed = True
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            self._connection.close()


class Served(Protocol):
    """Who is told that a connection is idle again."""

    def __call__(self, line: Line, asked: Sequence[Question], *, results: Results) -> None:
        """These questions have these results, in their order, or an error among them."""


_NOTHING: Key = (b"", ())
_PATIENT = b"SELECT set_config('lock_timeout', '0', true)"  # until the commit
_COMMITTED, _DONE = pq.ExecStatus.PIPELINE_SYNC, pq.ExecStatus.COMMAND_OK
_FAILED, _WELL = pq.ExecStatus.FATAL_ERROR, pq.ConnStatus.OK
_LAST_WORDS = frozenset({"FATAL", "PANIC"})
