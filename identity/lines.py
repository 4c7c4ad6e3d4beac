"""PostgreSQL asked from the event loop: a turn that asks gives the loop back until its row is here.

Turns that ask while others' statements are on their way stand in a queue, and the next connection
takes them along together: one transaction, one commit, one round trip for all.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import psycopg_pool
from psycopg import abc
from psycopg.adapt import Transformer

from identity import postgresql, turns
from identity.loop_line import Line, Results
from identity.questions import Question, judged

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
    calm: float = 0.01  # an answer that takes longer does not count as under way


USUAL = Limits()
# Transactions at once, and statements in one: while the server works at one, the next is filled.
USUALLY_UNDER_WAY = 2
FEWEST_TOGETHER, MOST_TOGETHER = 4, 16


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
        self._queue: deque[Question] = deque()
        # Remembers how each type is written and read.
        self._adapted: abc.Transformer = Transformer()
        self._is_sending = self._is_looking = False
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
        params, key = postgresql.adapt(self._adapted, text, values=values)
        had_written, row = turn.has_written, None
        question = Question(
            turn, key, params=(params, self._adapted.formats), is_writing=is_writing
        )
        self._ask(question)
        result = question.wait()
        try:
            row = postgresql.first_of(self._adapted, result)
        finally:
            if row is None:  # a condition was false, or an error: nothing of it was kept
                turn.has_written = had_written
        return row

    def _ask(self, question: Question) -> None:
        if self._is_away():
            raise psycopg.OperationalError(AWAY)
        self._queue.append(question)
        if not self._is_sending:
            # When the loop has heard everybody who has something to say now.
            self._is_sending = True
            self._loop.call_soon(self._send)

    def _is_away(self) -> bool:
        """Whether nobody can be asked, and it is too early to try again."""
        return self._is_closed or (not self._open and time.monotonic() < self._not_before)

    def hurry(self) -> None:
        """Ask now if they fill a transaction: the server begins while the loop hears the others.

        Not for a turn to call: whoever is refused goes on at once.
        """
        if len(self._queue) >= FEWEST_TOGETHER:
            self._send()

    def _send(self) -> None:
        """Ask for those in the queue, as far as it is time for that."""
        self._is_sending = False
        while self._queue:
            most = self._most_together()
            if not most:
                self._look_later()
                return
            if not self._free:
                self._connect_if_needed()
                return
            line = self._free.pop()
            if line.is_sound():
                line.ask(self._next(most))
            if not line.is_open:
                self._drop(line)

    def _most_together(self) -> int:
        """How many of the queue may go at once; zero: they wait for those under way.

        Half of all who ask, so that the server has the one half while the loop has the other.
        """
        late = time.monotonic() - self._limits.calm
        under_way = [line.size for line in self._open if line.size and line.asked_at > late]
        if len(under_way) >= USUALLY_UNDER_WAY:
            return 0
        half = (len(self._queue) + sum(under_way) + 1) // 2
        most = min(max(half, FEWEST_TOGETHER), MOST_TOGETHER)
        return 0 if under_way and len(self._queue) < most else most

    def _look_later(self) -> None:
        """Somebody's lock, or a slow disk, holds up those who were asked for, not all others."""
        if not self._is_looking:
            self._is_looking = True
            self._loop.call_later(self._limits.calm, self._look)

    def _look(self) -> None:
        self._is_looking = False
        if not self._is_closed:
            self._send()

    def _next(self, most: int) -> list[Question]:
        """Who is asked for together: the first in the queue, and those behind it."""
        together = [self._queue.popleft()]
        while self._queue and len(together) < most:
            if not together[0].goes_with(self._queue[0]):
                break
            together.append(self._queue.popleft())
        return together

    def _drop(self, line: Line) -> None:
        line.close()
        self._open.discard(line)
        if line in self._free:
            self._free.remove(line)

    def _served(self, line: Line, asked: Sequence[Question], *, results: Results) -> None:
        """The next ones are on their way before those who have an answer go on."""
        answered, again = judged(asked, results, forget=line.forget)
        if not line.is_open:
            self._drop(line)
        elif asked:
            self._free.append(line)
        self._queue.extendleft(reversed(again))
        self._send()
        for question, result in answered:
            self._loop.call_soon(question.answer, result)

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
            self._send()
        else:
            self._pause = min(2 * self._pause or FIRST_PAUSE, LONGEST_PAUSE)
            self._not_before = time.monotonic() + self._pause
            if not self._open:
                self._refuse_queue(AWAY)

    def _refuse_queue(self, why: str) -> None:
        waiting, self._queue = self._queue, deque()
        for question in waiting:
            question.refuse(psycopg.OperationalError(why))

    def _sweep(self) -> None:
        """Free whoever has waited for too long, and try to connect again for those who wait."""
        now = time.monotonic()
        self._sweeping = self._loop.call_later(self._limits.look_again, self._sweep)
        while self._queue and now - self._queue[0].asked_at > self._limits.patience:
            told = psycopg_pool.PoolTimeout("no connection to the database became free")
            self._queue.popleft().refuse(told)
        for line in tuple(self._open):
            if line.size and now - line.asked_at > self._limits.deadline:
                line.lose("the database did not answer")
                self._drop(line)
        self._let_go(now)
        self._send()

    def _let_go(self, now: float) -> None:
        """Close what nobody needed for long, or what is old, as the pool of threads does."""
        limits = self._limits
        for line in tuple(self._free):
            if now - line.asked_at > limits.unused or now - line.made_at > limits.life:
                self._drop(line)

    def usage(self) -> "Usage":
        """How the connections stand now; any thread may ask.

        Who only waits for company is not waiting: with more connections nobody would go sooner.
        """
        free, made = len(self._free), len(self._open)
        is_short = not free and (made >= self._most or not made)
        return Usage(free, max(made - free, 0), len(self._queue) if is_short else 0)

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
    """Connections by state, and turns that would have one if there were more."""

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
