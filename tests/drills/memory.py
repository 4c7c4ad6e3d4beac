"""What the clients of a drill were told, and when; all of it must still be true in the end."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """One request that would give something of a decision; the moment before it was sent."""

    decision_id: str
    what: str  # fetch or refresh
    began_at: float
    status: int


@dataclass(frozen=True)
class Promised:
    """An answer with data that a client received: the entry it names and the signed promise."""

    entry_id: int
    promise: str = field(repr=False)


@dataclass
class Memory:
    """Shared by all clients of a drill; nothing is ever forgotten."""

    cases: list[str] = field(default_factory=list)  # of decisions that were confirmed
    decisions: set[str] = field(default_factory=set)  # ids that a token response named
    asked: list[Asked] = field(default_factory=list)
    promised: list[Promised] = field(default_factory=list)
    withdrawn: dict[str, float] = field(default_factory=dict)  # when the answer had been read
    seen: Counter[str] = field(default_factory=Counter)
    surprises: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str) -> None:
        """It happened once more."""
        with self._lock:
            self.seen[what] += 1

    def wonder(self, told: str) -> None:
        """An answer came that no honest client expects."""
        with self._lock:
            self.seen["not given"] += 1
            self.surprises[told] += 1

    def acknowledge(self, decision_id: str) -> None:
        """The withdrawal was confirmed just now."""
        with self._lock:
            self.withdrawn[decision_id] = time.monotonic()

    @property
    def good(self) -> int:
        """How many acts were done and confirmed so far."""
        return sum(self.seen.values()) - self.seen["lost"] - self.seen["not given"]

    def past_withdrawal(self) -> list[Asked]:
        """What was given though its request started after the confirmed withdrawal."""
        return [
            asked
            for asked in self.asked
            if asked.status == 200
            and asked.began_at > self.withdrawn.get(asked.decision_id, float("inf"))
        ]
