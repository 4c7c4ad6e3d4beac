"""A turn: one request being answered on the event loop, by functions that wait as in a thread.

Whoever must wait parks: the greenlet gives the loop back, and the loop comes back with the answer.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from greenlet import getcurrent, greenlet

if TYPE_CHECKING:
    from identity.lines import Lines

MOST_FREE = 256  # turns that wait to be used again


class Turn(greenlet):  # type: ignore[misc] # greenlet ships no types
    """Made and resumed by callbacks of the loop only, with `switch`; its parent is the loop."""

    parent: greenlet
    # A statement that writes was sent: the request cannot begin anew in a thread.
    has_written: bool

    def __init__(self, answer: Callable[..., None], lines: "Lines | None") -> None:
        super().__init__(answer)
        self.lines = lines  # null: the database is not asked from here
        self.has_written = False


class Turns:
    """Turns that are used again: making a greenlet costs ten times what resuming one does."""

    def __init__(self, loop: asyncio.AbstractEventLoop, lines: "Lines | None") -> None:
        self._loop, self._lines = loop, lines
        self._free: list[Turn] = []

    def begin(self, answer: Callable[[], None]) -> None:
        """On the loop: what is done is done, or parked, when this comes back."""
        if current() is not None:
            # A turn has sent its answer, and the client's next request was here already. Begun
            # inside that turn, it would park into it instead of the loop.
            self._loop.call_soon(self.begin, answer)
            return
        turn = self._free.pop() if self._free else self._new()
        turn.switch(answer)
        if self._lines is not None:
            self._lines.hurry()

    def _new(self) -> Turn:
        turn = Turn(self._serve, self._lines)
        turn.switch()  # to where it waits: what it were started with would stay with it
        return turn

    def _serve(self) -> None:
        turn = current()
        assert turn is not None  # noqa: S101 - it is what runs this
        while True:
            answer = turn.parent.switch()
            turn.has_written = False
            answer()
            del answer  # nobody's request waits here for whoever comes next
            if len(self._free) >= MOST_FREE:
                return
            self._free.append(turn)


def current() -> Turn | None:
    """The turn that is being answered; null: this is a thread, which may wait."""
    here = getcurrent()
    return here if isinstance(here, Turn) else None
