"""A catalogue held in memory: immutable versions, read again when they may be old."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from identity import database, waiting

T = TypeVar("T")
OLDEST_SECONDS = 30.0  # after an import elsewhere, every process has it by then
Held = tuple[object, float, T]  # of which database, until when, and what stands there


class Kept(Generic[T]):
    """What `load` read by ordinary statements, at most half a minute old, of the open database."""

    def __init__(self, load: Callable[[], T]) -> None:
        self._load = load
        self._loading = threading.Lock()
        self._held: Held[T] | None = None

    def get(self) -> T:
        """What stands, read again where it may be old.

        Raises:
            waiting.MustWait: it may be old, and here nobody may wait.
        """
        held = self._held
        if held is None or held[0] is not database.opened() or time.monotonic() > held[1]:
            waiting.require()  # for whoever reads, too: nobody parks with this lock in hand
            held = self._fresh(held)
        return held[2]

    def _fresh(self, old: Held[T] | None) -> Held[T]:
        """What somebody else has read meanwhile, or what is read now."""
        with self._loading:
            held = self._held
            if held is None or held is old:
                # The time before the read: what is imported while it runs counts as unseen.
                old_at = time.monotonic() + OLDEST_SECONDS
                self._held = held = (database.opened(), old_at, self._load())
            return held

    def forget(self) -> None:
        """Read again at the next use; whoever imports calls it."""
        self._held = None
