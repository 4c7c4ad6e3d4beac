"""PostgreSQL asked from the event loop: a turn that asks gives the loop back until its row is here.

One statement at a time on each connection; turns that find none free stand in a queue.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import psycopg_pool

from identity import postgresql, turns
from identity.loop_line import Line
from identity.turns import Turn

if TYPE_CHECKING:
    from identity.postgresql import Connection


AWAY = "the database cannot be reached"
# Seconds after a connection could not be made; after each further one twice as many.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


class Limits(NamedTuple):
    """How long somebody waits, in seconds."""

    patience: float = postgresql.PATIENCE  # for a free connection; then the turn is told 503
    # For an answer: longer than the server lets a statement run, so only a dead network is so slow.
    deadline: float = 35
    unused: float = 600  # then a connection is closed
    life: float = 3600  # after it another connection takes its place
    look_again: float = 1  # between two looks at all this


USUAL = Limits()


class Lines:
    """The connections of one event loop; everything here runs on it, but for connecting."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        url: str,
        *,
        most: int,
        limits: Limits = USUAL,
    ) -> None:
        self._loop, self._url, self._most, self._limits = loop, url, most, limits
        self._open: set[Line] = set()
        self._free: list[Line] = []  # the last one used is the next: its caches are warm
        self._queue: deque[tuple[Turn, float]] = deque()
        self._connecting = ThreadPoolExecutor(1, thread_name_prefix="connect")
        self._is_connecting = False
        self._pause, self._not_before = 0.0, 0.0
        self._is_closed = False
        self._sweeping = loop.call_later(limits.look_again, self._sweep)
        _known.add(self)

    def first_row(
        self, text: bytes, values: Sequence[Any], *, is_writing: bool = False
    ) -> tuple[Any, ...] | None:
        """The first row of a statement with `$1`, `$2`…, committed; null: it has none.

        Parks the turn that calls.

        Raises:
            psycopg_pool.PoolTimeout: no connection became free in time.
            psycopg.OperationalError: the database is away, or went away meanwhile.
        """
        turn = turns.current()
        assert turn is not None  # noqa: S101 - a thread has the pool
        line = self._taken(turn)
        try:
            return line.first_row(turn, text, values=values, is_writing=is_writing)
        finally:
            self._give_back(line)

    def _taken(self, turn: Turn) -> Line:
        while self._free and not self._queue:
            line = self._free.pop()
            if line.is_sound():
                return line
            self._drop(line)
        if self._is_away():
            raise psycopg.OperationalError(AWAY)
        self._queue.append((turn, time.monotonic()))
        self._connect_if_needed()
        taken: Line = turn.parent.switch()
        return taken

    def _is_away(self) -> bool:
        """Whether nobody can be asked, and it is too early to try again."""
        return self._is_closed or (not self._open and time.monotonic() < self._not_before)

    def _give_back(self, line: Line) -> None:
        """Called in a turn, which goes on: the next in the queue is served when it is done."""
        if line.is_idle:
            self._free.append(line)
        else:
            self._drop(line)

    def _drop(self, line: Line) -> None:
        line.close()
        self._open.discard(line)
        if line in self._free:
            self._free.remove(line)

    def _served(self, line: Line) -> None:
        if not line.is_open:
            self._drop(line)
        if self._queue:
            self._serve_queue()

    def _serve_queue(self) -> None:
        while self._queue and self._free:
            line = self._free.pop()
            if line.is_sound():
                turn, _ = self._queue.popleft()
                turn.switch(line)
            else:
                self._drop(line)
        self._connect_if_needed()

    def _connect_if_needed(self) -> None:
        """One try at a time, and a pause after one that failed: an ailing server needs no storm."""
        is_needed = self._queue and len(self._open) < self._most
        is_early = self._is_connecting or time.monotonic() < self._not_before
        if not is_needed or is_early or self._is_closed:
            return
        self._is_connecting = True
        made = self._connecting.submit(postgresql.connect, self._url)
        made.add_done_callback(self._tell_loop)

    def _tell_loop(self, made: "Future[Connection]") -> None:
        """Called in the connecting thread."""
        try:
            self._loop.call_soon_threadsafe(self._connected, made)
        except RuntimeError:  # the loop has ended meanwhile
            _close(made)

    def _connected(self, made: "Future[Connection]") -> None:
        self._is_connecting = False
        if self._is_closed:
            _close(made)
        elif made.exception() is None:
            self._pause = 0
            line = Line(self._loop, made.result(), served=self._served)
            self._open.add(line)
            self._free.append(line)
            self._serve_queue()
        else:
            self._pause = min(2 * self._pause or FIRST_PAUSE, LONGEST_PAUSE)
            self._not_before = time.monotonic() + self._pause
            if not self._open:
                self._refuse_queue(AWAY)

    def _refuse_queue(self, why: str) -> None:
        waiting, self._queue = self._queue, deque()
        for turn, _ in waiting:
            turn.throw(psycopg.OperationalError(why))

    def _sweep(self) -> None:
        """Free whoever has waited for too long, and try to connect again for those who wait."""
        now = time.monotonic()
        self._sweeping = self._loop.call_later(self._limits.look_again, self._sweep)
        while self._queue and now - self._queue[0][1] > self._limits.patience:
            turn, _ = self._queue.popleft()
            turn.throw(psycopg_pool.PoolTimeout("no connection to the database became free"))
        for line in tuple(self._open):
            if not line.is_idle and now - line.asked_at > self._limits.deadline:
                line.lose("the database did not answer")
        self._let_go(now)
        self._serve_queue()

    def _let_go(self, now: float) -> None:
        """Close what nobody needed for long, or what is old, as the pool of threads does."""
        limits = self._limits
        for line in tuple(self._free):
            if now - line.asked_at > limits.unused or now - line.made_at > limits.life:
                self._drop(line)

    def usage(self) -> "Usage":
        """How the connections stand now; any thread may ask."""
        free = len(self._free)
        return Usage(free, max(len(self._open) - free, 0), len(self._queue))

    def close(self) -> None:
        """Let go of every connection; whoever waits is told that the database is away.

        Not for a turn to call: whoever is told goes on at once, and then the loop does.
        """
        self._is_closed = True
        _known.discard(self)
        self._sweeping.cancel()
        self._connecting.shutdown(wait=False)
        for line in tuple(self._open):
            line.lose(AWAY)
            self._drop(line)
        self._refuse_queue(AWAY)


class Usage(NamedTuple):
    """Connections by state, and turns that have none yet."""

    free: int
    used: int
    waiting: int


_known: set[Lines] = set()


def usage() -> Usage:
    """How the connections of this process's loops stand now; any thread may ask."""
    each = [lines.usage() for lines in tuple(_known)]
    return Usage(*map(sum, zip(*each, strict=True))) if each else Usage(0, 0, 0)


def _close(made: "Future[Connection]") -> None:
    if made.exception() is None:
        made.result().close()
