"""A turn: one request being answered on the event loop, by functions that wait as in a thread.

Whoever must wait parks: the greenlet gives the loop back, and the loop comes back with the answer.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from greenlet import getcurrent, greenlet

if TYPE_CHECKING:
    from identity.lines import Lines


class Turn(greenlet):  # type: ignore[misc] # greenlet ships no types
    """Made and resumed by callbacks of the loop only, with `switch`; its parent is the loop."""

    # A statement that writes was sent: the request cannot begin anew in a thread.
    has_written: bool

    def __init__(self, answer: Callable[[], None], lines: "Lines | None") -> None:
        super().__init__(answer)
        self.lines = lines  # null: the database is not asked from here
        self.has_written = False


def current() -> Turn | None:
    """The turn that is being answered; null: this is a thread, which may wait."""
    here = getcurrent()
    return here if isinstance(here, Turn) else None
