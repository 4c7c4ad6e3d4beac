"""The date of birth as the register knows it: the day, or day and month, may be unknown."""

import calendar
import re
from dataclasses import dataclass
from datetime import date
from typing import Self

WRITTEN = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
DECEMBER = 12


class MalformedBirthDate(ValueError):
    """Not a year, a month of a year or a day; the text itself is never in the message."""

    def __init__(self) -> None:
        super().__init__("not a date of birth: write 1952, 1952-03 or 1952-03-09")


@dataclass(frozen=True, slots=True, repr=False)
class BirthDate:
    """A date of birth, as exact as the register knows it.

    A missing month or day is unknown, and stays unknown: nothing completes it to 1 January.
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        # 0 would pass below for unknown: what is unknown is left out, never zero.
        if 0 in (self.month, self.day) or (self.day is not None and self.month is None):
            raise MalformedBirthDate
        try:
            date(self.year, self.month or 1, self.day or 1)
        except ValueError:
            raise MalformedBirthDate from None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1952`, `1952-03` or `1952-03-09`.

        Raises:
            MalformedBirthDate: anything else, or a day that the calendar does not have.
        """
        written = WRITTEN.fullmatch(text)
        if written is None:
            raise MalformedBirthDate
        return cls(*(int(part) for part in written.groups() if part is not None))

    def written(self) -> str:
        """The stored and exchanged form; `parse` reads it back to an equal date."""
        parts = [f"{self.year:04d}"]
        parts += [f"{part:02d}" for part in (self.month, self.day) if part is not None]
        return "-".join(parts)

    def shown(self) -> str:
        """The form on pages: 1952, 03/1952 or 09/03/1952."""
        return "/".join(reversed(self.written().split("-")))

    @property
    def earliest(self) -> date:
        """The first day it can have been."""
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def latest(self) -> date:
        """The last day it can have been."""
        month = self.month or DECEMBER
        return date(self.year, month, self.day or calendar.monthrange(self.year, month)[1])

    def is_after(self, day: date) -> bool:
        """Whether the birth lies after this day, however the unknown parts fall."""
        return self.earliest > day

    def age_at_least(self, years: int, *, on: date) -> bool | None:
        """Whether the person has lived that many years; None where the unknown part decides."""
        if birthday(self.latest, years) <= on:
            return True
        return None if birthday(self.earliest, years) <= on else False

    def age_below(self, years: int, *, on: date) -> bool | None:
        """Whether the person is younger than that; None where the unknown part decides."""
        reached = self.age_at_least(years, on=on)
        return None if reached is None else not reached

    def __repr__(self) -> str:
        return "BirthDate(…)"

    __str__ = __repr__


def birthday(born_on: date, years: int) -> date:
    """The day on which someone born then becomes that old.

    29 February becomes 1 March in a common year, so that nobody is held older than they are.
    Beyond the calendar the answer is its last day: an age that nobody reaches.
    """
    if born_on.year + years > date.max.year:
        return date.max
    try:
        return born_on.replace(year=born_on.year + years)
    except ValueError:
        return date(born_on.year + years, 3, 1)
