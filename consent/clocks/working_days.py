"""Vietnam's working days: Monday to Friday but for the announced days off, as a dated table."""

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources

DAY = timedelta(days=1)
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """What was announced of each year; of a year that is not in it only the weekends are known."""

    off: frozenset[date]
    on: frozenset[date]  # weekend days worked in exchange for others
    years: frozenset[int]

    def is_working_day(self, day: date) -> bool:
        """Whether the offices of the state work on it."""
        return day not in self.off and (day.weekday() < SATURDAY or day in self.on)

    def is_provisional(self, day: date) -> bool:
        """Whether the days off of its year are not announced here yet."""
        return day.year not in self.years

    def working_days_after(self, day: date, number: int) -> date:
        """The last of so many working days; the day of the event is not counted."""
        while number:
            day += DAY
            number -= self.is_working_day(day)
        return day

    def days_after(self, day: date, number: int) -> date:
        """The end of a term in calendar days: if nobody works then, the next working day.

        Civil Code 91/2015/QH13 Art. 147 and 148.
        """
        day += number * DAY
        while not self.is_working_day(day):
            day += DAY
        return day


@cache
def calendar() -> Calendar:
    """The calendar that comes with the software (docs/law.md says how it is kept)."""
    text = resources.files(__package__).joinpath("days.csv").read_text(encoding="utf-8")
    days: dict[str, set[date]] = {"holiday": set(), "working": set()}
    for row in csv.DictReader(text.splitlines()):
        days[row["kind"]].add(date.fromisoformat(row["date"]))
    off = frozenset(days["holiday"])
    return Calendar(off, frozenset(days["working"]), frozenset(day.year for day in off))
