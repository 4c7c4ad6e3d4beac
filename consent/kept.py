"""A catalogue held in memory: immutable versions, read again when they may be old."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from identity import database, waiting

T = TypeVar("T")
OLDEST_SECONDS = 30.0  # after an import elsewhere, every process has it by then


class Kept(Generic[T]):
    """What `load` read by ordinary statements, at most half a minute old, of the open database."""

    def __init__(self, load: Callable[[], T]) -> None:
        self._load = load
        self._loading = threading.Lock()
        self._held: tuple[object, float, T] | None = None

    def get(self) -> T:
        """What stands, read again where it may be old.

        Raises:
            waiting.MustWait: it may be old, and here nobody may wait.
        """
        held = self._held
        if held is not None and self._is_fresh(held):
            return held[2]
        waiting.require()  # for whoever reads, too: nobody parks with this lock in hand
        with self._loading:
            held = self._held
            if held is None or not self._is_fresh(held):
                # The time before the read: what is imported while it runs counts as unseen.
                asked_at = time.monotonic()
                self._held = held = (database.opened(), asked_at, self._load())
        return held[2]

    def forget(self) -> None:
        """Read again at the next use; whoever imports calls it."""
        self._held = None

    @staticmethod
    def _is_fresh(held: tuple[object, float, T]) -> bool:
        return held[0] is database.opened() and time.monotonic() - held[1] < OLDEST_SECONDS
