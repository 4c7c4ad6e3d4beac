"""By when a request of a person is acknowledged and done: Decree 356/2025/NĐ-CP Art. 5."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from functools import cache
from importlib import resources

from consent.clocks.working_days import DAY, Calendar, calendar
from identity import clock


class Span(StrEnum):
    """Which of the terms that one rule has."""

    FIRST = "first"
    EXTENDED = "extended"  # once, with a reason
    THROUGH_OTHERS = "through others"  # a recipient must act too


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What the law allows for one kind of request."""

    rule: str
    requests: tuple[str, ...]
    acknowledge_working_days: int
    done_days: int
    extension_days: int  # once, with a reason
    through_others_days: int | None  # where a processor or third party must act; null: no such term
    are_working_days: bool  # else calendar days
    article: str
    unconfirmed: tuple[str, ...]  # what a lawyer has not confirmed yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The two dates of one request, both until the end of the day in Vietnam."""

    term: Term
    acknowledge_on: date
    done_on: date
    is_provisional: bool  # it reaches into a year whose days off are not announced here
    first_on: date | None = None  # when it was due before it was extended; null: it was not

    @property
    def is_extended(self) -> bool:
        """Whether the one extension was taken."""
        return self.first_on is not None

    def is_late(self, done_at: datetime | None) -> bool:
        """Whether the answer came after its day, or has not come and the day is over."""
        at = done_at or clock.now()
        return at.astimezone(clock.VIETNAM).date() > self.done_on


@cache
def terms() -> Mapping[str, Term]:
    """Every rule of the table that comes with the software."""
    text = resources.files(__package__).joinpath("terms.csv").read_text(encoding="utf-8")
    return {row["rule"]: _read(row) for row in csv.DictReader(text.splitlines())}


def _read(row: Mapping[str, str]) -> Term:
    others = row["through_others_days"]
    return Term(
        rule=row["rule"],
        requests=tuple(row["requests"].split(" | ")),
        acknowledge_working_days=int(row["acknowledge_working_days"]),
        done_days=int(row["done_days"]),
        extension_days=int(row["extension_days"]),
        through_others_days=int(others) if others else None,
        are_working_days=row["counted_in"] == "working days",
        article=row["article"],
        unconfirmed=tuple(row["unconfirmed"].split(" | ")),
    )


def due(
    rule: str, since: datetime, *, span: Span = Span.FIRST, days: Calendar | None = None
) -> Due:
    """When a request that came then has to be acknowledged and done.

    Days are calendar days, working days only where the table says so (unconfirmed there).
    """
    days = days or calendar()
    term = terms()[rule]
    came_on = since.astimezone(clock.VIETNAM).date()
    done_on = _end(came_on, term, days=days, span=span)
    return Due(
        term=term,
        acknowledge_on=days.working_days_after(came_on, term.acknowledge_working_days),
        done_on=done_on,
        is_provisional=days.is_provisional(done_on),
        first_on=_end(came_on, term, days=days) if span is Span.EXTENDED else None,
    )


def late_before(rule: str, *, span: Span = Span.FIRST) -> datetime:
    """What came before this moment and was not answered is late now."""
    days, today = calendar(), clock.today()
    came_on = today
    while _end(came_on, terms()[rule], days=days, span=span) >= today:
        came_on -= DAY
    return datetime.combine(came_on + DAY, time(), clock.VIETNAM)


def _end(came_on: date, term: Term, *, days: Calendar, span: Span = Span.FIRST) -> date:
    """The last day; an extension is counted from the first day on, not from the first term's end.

    Where that end fell on a day off the two differ, and the earlier day harms nobody.
    """
    number = {
        Span.FIRST: term.done_days,
        Span.EXTENDED: term.done_days + term.extension_days,
        Span.THROUGH_OTHERS: term.through_others_days or term.done_days,
    }[span]
    count = days.working_days_after if term.are_working_days else days.days_after
    return count(came_on, number)
