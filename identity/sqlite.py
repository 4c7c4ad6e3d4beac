"""SQLite with several threads: one ticket for all writers, and group commit."""

import hashlib
import os
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from identity.files import PRIVATE_FILE

CONNECT_ARGS: dict[str, Any] = {"isolation_level": None, "timeout": 15}
OperationalError = sqlite3.OperationalError
VERSION = sqlite3.sqlite_version
GROUP = 64  # jobs that share one commit; bounds how long the first of them waits
# A reader refuses to write, whatever statement it is handed by mistake.
READ_ONLY, WRITABLE = "PRAGMA query_only=ON", "PRAGMA query_only=OFF"

Job = Callable[[sqlite3.Connection], Any]


def prepare(
    *, may_purge: bool, may_write: bool = True
) -> Callable[[sqlite3.Connection, Any], None]:
    """What every new connection is told before anybody uses it."""

    def on_connect(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            # INSERT OR REPLACE deletes without asking the delete trigger otherwise.
            "recursive_triggers=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")
        # Append-only tables ask this before a row goes; only the owner's command says yes.
        connection.create_function("may_purge", 0, lambda: int(may_purge), deterministic=True)
        # As PostgreSQL has it: the sequencer lets the database hash the leaves that it holds.
        connection.create_function("sha256", 1, _sha256, deterministic=True)
        connection.execute(WRITABLE if may_write else READ_ONLY)

    return on_connect


def _sha256(told: bytes) -> bytes:
    return hashlib.sha256(told).digest()


def make_private(path: str) -> None:
    """The database has its file; one that this makes is its owner's alone, whatever the umask.

    SQLite makes it open to whoever may read the folder, and its journals as the file is. One that
    is there is not opened: closing it would let go of all locks that this process has on it.
    """
    new = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    with suppress(OSError):  # SQLite itself says better why it cannot be opened
        os.close(os.open(path, new, PRIVATE_FILE))


def copy(source: Path, to: Path) -> str:
    """The database at one moment, whatever is written meanwhile, in one file; `ok`, or a fault."""
    with (
        closing(sqlite3.connect(source, timeout=CONNECT_ARGS["timeout"])) as live,
        closing(sqlite3.connect(to)) as made,
    ):
        live.backup(made)  # all pages in one step: writers go on in the journal
        made.execute("PRAGMA journal_mode=DELETE")  # nothing of it may stand in a file beside
        (verdict,) = made.execute("PRAGMA quick_check(1)").fetchone()
    return str(verdict)


class Ticket:
    """A lock that is handed over in the order of asking; `threading.Lock` promises no order."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._is_held = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._is_held:
                self._is_held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()  # held on by the next one
            else:
                self._is_held = False


class NothingMatched(Exception):
    """A job found a condition false: what it wrote is undone, its answer is null."""


class Writer:
    """One thread that commits many small jobs together, each in a savepoint of its own."""

    def __init__(self, path: str, *, may_purge: bool) -> None:
        self.ticket = Ticket()
        self._path = path
        self._may_purge = may_purge
        self._jobs: queue.SimpleQueue[tuple[Job, Future[Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._asking = threading.Lock()  # also: no job comes behind the word to stop
        self._is_stopped = False

    def do(self, job: Job) -> Any:  # noqa: ANN401 - whatever the job answers
        """The job's answer, once it is durable; null when it raised `NothingMatched`.

        Raises:
            OperationalError: the writer was stopped, or the database cannot be written.
        """
        answer: Future[Any] = Future()
        with self._asking:
            if self._is_stopped:
                raise OperationalError("the database was closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._thread.start()
            self._jobs.put((job, answer))
        return answer.result()

    def stop(self) -> None:
        """Finish what was asked, then let go of the file."""
        with self._asking:
            running, self._thread = self._thread, None
            self._is_stopped = True
            self._jobs.put(None)
        if running is not None:
            running.join(timeout=20)

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while (first := self._jobs.get()) is not None:
            with self.ticket:
                group = [first, *self._waiting_jobs()]
                try:
                    connection = connection or self._connect()
                    self._commit(connection, group)
                except sqlite3.Error as error:
                    _drop(connection)
                    connection = None
                    _fail(group, error)
        _drop(connection)

    def _waiting_jobs(self) -> list[tuple[Job, Future[Any]]]:
        found: list[tuple[Job, Future[Any]]] = []
        while len(found) < GROUP:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)  # stop, but only after this group
                break
            found.append(job)
        return found

    def _connect(self) -> sqlite3.Connection:
        make_private(self._path)
        connection: sqlite3.Connection = sqlite3.connect(self._path, **CONNECT_ARGS)
        prepare(may_purge=self._may_purge)(connection, None)
        return connection

    @staticmethod
    def _commit(connection: sqlite3.Connection, group: list[tuple[Job, Future[Any]]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        outcomes = [_attempt(connection, job) for job, _ in group]
        connection.execute("COMMIT")
        for (_, answer), (value, error) in zip(group, outcomes, strict=True):
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(value)


def _attempt(connection: sqlite3.Connection, job: Job) -> tuple[Any, Exception | None]:
    connection.execute("SAVEPOINT job")
    try:
        value = job(connection)
    except NothingMatched:
        connection.execute("ROLLBACK TO job")
        value, error = None, None
    except Exception as failure:  # noqa: BLE001 - handed to whoever asked for the job
        connection.execute("ROLLBACK TO job")
        value, error = None, failure
    else:
        error = None
    connection.execute("RELEASE job")
    return value, error


def _fail(group: list[tuple[Job, Future[Any]]], error: sqlite3.Error) -> None:
    for _, answer in group:
        if not answer.done():
            answer.set_exception(error)


def _drop(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        with suppress(sqlite3.Error):
            connection.rollback()
        with suppress(sqlite3.Error):
            connection.close()
