"""What the areas bring to the whole: duties, purges, checks, menu entries. One set a process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from identity.staff.sessions import StaffMember


@dataclass(frozen=True)
class Duty:
    """Something the worker does again and again; `act` answers how much it did."""

    name: str
    every: timedelta
    act: Callable[[], int]
    # It waits for somebody outside, so it has a thread of its own and never holds up the log.
    waits_for_others: bool = False
    # Since when the oldest thing waits that a turn left undone; it answers null: nothing waits.
    behind_since: Callable[[], datetime | None] | None = None


@dataclass(frozen=True)
class Purge:
    """A table whose rows go some time after a moment written in them."""

    table: str
    column: str
    keep: timedelta


@dataclass(frozen=True)
class Check:
    """One line of `motlan doctor`: null is well, a sentence is a fault and what to do."""

    name: str
    look: Callable[[], str | None]


@dataclass(frozen=True)
class Measure:
    """A number for `/metrics`, read from the database at each scrape; null: there is none yet."""

    name: str
    text: str
    read: Callable[[], float | None]


@dataclass(frozen=True)
class MenuEntry:
    """A link in `/my`: where it leads, and its text in Vietnamese, which is the message id."""

    path: str
    text: str


@dataclass(frozen=True)
class Waiting:
    """Something that waits for a security officer: its page, its text, and how much of it waits.

    `count` leaves out what this very officer may not answer.
    """

    path: str
    text: str  # in Vietnamese, which is the message id
    count: Callable[["StaffMember"], int]


@dataclass
class Joined:
    """Everything that was brought."""

    duties: list[Duty] = field(default_factory=list)
    purges: list[Purge] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    starts: list[Check] = field(default_factory=list)  # those without which nothing is served
    proofs: list[Check] = field(default_factory=list)  # those that read everything there is
    restored: list[Check] = field(default_factory=list)  # done where a whole backup was put back
    measures: list[Measure] = field(default_factory=list)
    menu: list[MenuEntry] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)  # on the security officers' desk


_joined = Joined()


def joined() -> Joined:
    """What this process has."""
    return _joined


def begin() -> None:
    """Start with nothing; `create_app` calls it first."""
    global _joined  # noqa: PLW0603 - one process, one house
    _joined = Joined()
