"""Background duties: what must happen though nobody asks for it just now.

On PostgreSQL one process of its own, held by an advisory lock; on SQLite a thread of the one
web process. A duty that fails is logged and tried again at its next turn.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.orm import Mapped, mapped_column

from identity import clock, database, files, meters, oplog
from identity.columns import Base
from identity.database import transaction
from identity.joining import Duty, Purge, joined

log = structlog.get_logger(__name__)
# Only one worker at a time may hold it (pg_advisory_lock).
LOCK = 0x6D6F746C616E
TICK_SECONDS = 0.2
# That a duty ended well is written no more often: each mark is a commit of its own.
MARK_EVERY = timedelta(seconds=1)
PURGE_BATCH = 1_000
PROBE = "probe"


class WorkerState(Base):
    """The worker's sign of life: a probe row written and read back each second."""

    __tablename__ = "worker_state"

    duty: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]  # when the duty last ended well
    # What it did. Of a duty that can fall behind: since when the oldest thing waits; empty: none.
    detail: Mapped[str]


class AlreadyWorking(Exception):
    """Another worker holds the lock; two sequencers must never run."""


def run_forever(stop: threading.Event) -> None:
    """Do every duty in its turn until `stop` is set.

    Raises:
        AlreadyWorking: another worker is at it (PostgreSQL; on SQLite its end is waited for, since
            it may be a web process that is being replaced).
    """
    ours = [duty for duty in duties() if not duty.waits_for_others]
    others = [duty for duty in duties() if duty.waits_for_others]
    with ExitStack() as held:
        still_alone = _take_lock(held, stop)
        outside = threading.Thread(target=_take_turns, args=(others, stop))
        outside.start()
        try:
            _take_turns(ours, stop, check=still_alone)
        finally:
            stop.set()
            outside.join()


def _take_lock(held: ExitStack, stop: threading.Event) -> Callable[[], None]:
    while True:
        try:
            return held.enter_context(alone())
        except AlreadyWorking:
            if database.is_postgresql() or stop.wait(TICK_SECONDS):
                raise


def _take_turns(
    duties: list[Duty], stop: threading.Event, *, check: Callable[[], None] = lambda: None
) -> None:
    # Not by the clock: one that was ahead and is set back must not stop every duty until then.
    due = dict.fromkeys(duties, time.monotonic())
    marks = dict(due)
    while not stop.is_set():
        check()
        for duty, at in due.items():
            now = time.monotonic()
            if at <= now:
                due[duty] = now + duty.every.total_seconds()
                is_told = marks[duty] <= now
                if is_told:
                    marks[duty] = now + MARK_EVERY.total_seconds()
                _do(duty, is_told=is_told)
        stop.wait(TICK_SECONDS)


def run_once() -> None:
    """Do every duty once, whatever its turn: for tests and for the end of a load."""
    for duty in duties():
        duty.act()


def duties() -> list[Duty]:
    """All that there is to do, the worker's own first."""
    ours = [
        Duty(PROBE, timedelta(seconds=1), probe),
        Duty("purge", timedelta(seconds=30), purge),
    ]
    return [*ours, *joined().duties]


def _do(duty: Duty, *, is_told: bool) -> None:
    oplog.begin("turn")  # whatever the duty logs can be read together, as a request's lines can
    try:
        done = duty.act()
        if is_told and duty.name != PROBE:
            with transaction():
                mark(duty.name, str(done) if duty.behind_since is None else _behind(duty))
    except Exception as error:  # noqa: BLE001 - the next turn comes; a dead worker helps nobody
        meters.FAILED_DUTIES.labels(duty.name).inc()
        log.error("duty failed", duty=duty.name, **_told(error))  # noqa: TRY400 - a traceback may hold values


def _told(error: Exception) -> dict[str, str]:
    """Its kind, and of the system's own errors what is wrong, as a full disk; texts hold values."""
    kind = {"kind": type(error).__name__}
    return kind | {"why": error.strerror} if isinstance(error, OSError) and error.strerror else kind


def _behind(duty: Duty) -> str:
    since = duty.behind_since() if duty.behind_since is not None else None
    return "" if since is None else since.isoformat()


@contextmanager
def alone() -> Iterator[Callable[[], None]]:
    """Hold the workers' lock for as long as the block runs; the check raises once it is lost.

    Raises:
        AlreadyWorking: another process or thread holds it.
    """
    if not database.is_postgresql():
        with ExitStack() as held:
            _lock_file(held)
            yield lambda: None
        return
    with database.state().engine.connect() as connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
            raise AlreadyWorking("another worker holds the lock; only one may run")
        try:
            # The lock lives and dies with this connection: ask it before every round.
            yield lambda: connection.execute(text("SELECT 1")).close()
        finally:
            # A connection that was cut has lost the lock, and would only hide why we end.
            with suppress(DBAPIError, PendingRollbackError):
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})


def _lock_file(held: ExitStack) -> None:
    beside = Path(f"{database.state().path}.worker-lock")
    try:
        held.enter_context(files.alone(beside, may_wait=False))
    except BlockingIOError:
        raise AlreadyWorking("another worker holds the lock; only one may run") from None


def mark(duty: str, detail: str) -> None:
    """Write in the running transaction that a duty ended well just now."""
    at = clock.now()
    values = {"at": at, "detail": detail}
    if not database.write(update(WorkerState).where(WorkerState.duty == duty).values(values)):
        database.write(insert(WorkerState).values(duty=duty, **values))


def probe() -> int:
    """Write one row and read it back: only then can the log be written and read too."""
    written = clock.now().isoformat()
    with transaction():
        mark(PROBE, written)
    found = database.row(select(WorkerState.detail).where(WorkerState.duty == PROBE))
    if found is None or found.detail != written:
        raise RuntimeError("what was written does not read back")
    return 1


def last(duty: str) -> datetime | None:
    """When a duty last ended well; null: never."""
    found = database.row(select(WorkerState.at).where(WorkerState.duty == duty))
    return None if found is None else found.at


def said(duty: str) -> tuple[datetime, str] | None:
    """When a duty last ended well, and its word; null: never."""
    query = select(WorkerState.at, WorkerState.detail).where(WorkerState.duty == duty)
    found = database.row(query)
    return None if found is None else (found.at, found.detail or "")


def turns() -> dict[str, datetime]:
    """Every duty that ever ended well, and when it last did."""
    return {row.duty: row.at for row in database.rows(select(WorkerState.duty, WorkerState.at))}


def behind_since(duty: str) -> datetime | None:
    """Since when the oldest thing waits that a duty's last good turn left; null: nothing did."""
    found = database.row(select(WorkerState.detail).where(WorkerState.duty == duty))
    return None if found is None or not found.detail else datetime.fromisoformat(found.detail)


def purge() -> int:
    """Delete what has expired, a bounded batch per transaction; how many rows went."""
    return sum(_purge(rule) for rule in joined().purges)


def _purge(rule: Purge) -> int:
    table = Base.metadata.tables[rule.table]
    keys = list(table.primary_key.columns)
    is_old = table.c[rule.column] < clock.now() - rule.keep
    old = select(*keys).where(is_old).limit(PURGE_BATCH)
    gone = 0
    while True:
        with transaction():
            found = database.rows(old)
            for row in found:
                same = [key == value for key, value in zip(keys, row, strict=True)]
                # Asked again: somebody may have prolonged it since it was found.
                gone += database.write(delete(table).where(*same, is_old))
        if len(found) < PURGE_BATCH:
            return gone
