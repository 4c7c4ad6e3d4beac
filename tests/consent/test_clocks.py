"""Legal clocks: the table of terms, Vietnam's working days, and who is late (law.md §4)."""

import csv
from datetime import UTC, date, datetime, timedelta

import holidays
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from consent.clocks import terms, working_days
from consent.clocks.terms import Span
from identity.clock import VIETNAM
from tests.databases import ROOT

DAYS = working_days.calendar()
LOADED = st.dates(date(2026, 1, 1), date(2026, 11, 30))
# Where the calendar and the library differ, and why the calendar is right.
EXCHANGED = {date(2026, 1, 2)}  # announced after the library's notice: 12729/VPCP-KGVX
PROPOSED = {date(2026, 11, 24)}  # a twelfth day waits for an amendment of Art. 112


def at(day: date, hour: int = 16) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=VIETNAM)


def test_the_worked_example_of_the_lunar_new_year():
    """Received Friday 13 February 2026, 16:00; 16 to 20 February are days off."""
    due = terms.due("object", at(date(2026, 2, 13)))

    assert due.acknowledge_on == date(2026, 2, 24)
    assert due.done_on == date(2026, 3, 2)  # 28 February is a Saturday
    assert not due.is_provisional


@pytest.mark.parametrize(
    ("rule", "acknowledge", "done", "extension", "others"),
    [
        ("object", 2, 15, 15, 20),
        ("view", 2, 10, 10, 15),
        ("delete", 2, 20, 20, 30),
        ("protect", 2, 15, 15, None),
    ],
)
def test_the_table_says_what_the_decree_says(rule, acknowledge, done, extension, others):
    """Decree 356/2025/NĐ-CP Art. 5.2 to 5.5."""
    term = terms.terms()[rule]

    assert (term.acknowledge_working_days, term.done_days) == (acknowledge, done)
    assert (term.extension_days, term.through_others_days) == (extension, others)
    assert "356/2025/NĐ-CP" in term.article
    assert term.unconfirmed


def test_no_other_kind_of_request_has_a_term():
    assert set(terms.terms()) == {"object", "view", "delete", "protect", "complain"}


def test_a_complaint_has_a_term_of_its_own():
    """PDPL 19.2 wants the channel; the days are our promise: three working days, with a reason ten.

    Received Friday 13 February 2026; 16 to 20 February are days off.
    """
    came = at(date(2026, 2, 13))
    first = terms.due("complain", came)
    longer = terms.due("complain", came, span=Span.EXTENDED)

    assert (first.acknowledge_on, first.done_on) == (date(2026, 2, 24), date(2026, 2, 25))
    assert (longer.first_on, longer.done_on) == (date(2026, 2, 25), date(2026, 3, 6))
    assert "91/2025/QH15, Điều 19.2" in first.term.article
    assert "cam kết" in first.term.article


@pytest.mark.parametrize(
    ("span", "done"),
    [
        (Span.FIRST, date(2026, 3, 2)),
        (Span.EXTENDED, date(2026, 3, 16)),  # 15 March is a Sunday
        (Span.THROUGH_OTHERS, date(2026, 3, 5)),
    ],
)
def test_every_span_is_counted_from_the_day_of_the_event(span, done):
    """Decree 356/2025/NĐ-CP Art. 5.2: 15 days, once 15 more, 20 where others must act."""
    due = terms.due("object", at(date(2026, 2, 13)), span=span)

    assert due.done_on == done
    assert due.is_extended is (span is Span.EXTENDED)


def test_the_day_is_the_one_in_vietnam():
    """23:30 in London is the next morning in Hà Nội, and the day of the event is not counted."""
    late_in_utc = datetime(2026, 9, 9, 17, 30, tzinfo=UTC)  # 00:30 on the 10th

    assert terms.due("object", late_in_utc).done_on == date(2026, 9, 25)
    assert terms.due("object", late_in_utc - timedelta(hours=1)).done_on == date(2026, 9, 24)


def test_the_term_ends_with_the_end_of_its_last_day():
    due = terms.due("object", at(date(2026, 9, 9)))

    assert not due.is_late(at(date(2026, 9, 24), hour=23))
    assert due.is_late(at(date(2026, 9, 25), hour=0))


@pytest.mark.parametrize("rule", ["object", "complain"])
@pytest.mark.parametrize("span", Span)
@pytest.mark.parametrize("today", [date(2026, 9, 24), date(2026, 9, 25), date(2026, 3, 2)])
def test_what_came_before_a_day_is_late_and_the_rest_is_not(today, span, rule):
    """One question to the database finds what is overdue."""
    with time_machine.travel(at(today, hour=9), tick=False):
        before = terms.late_before(rule, span=span)

        assert terms.due(rule, before - timedelta(seconds=1), span=span).is_late(None)
        assert not terms.due(rule, before, span=span).is_late(None)


def test_a_saturday_worked_in_exchange_is_a_working_day():
    assert DAYS.is_working_day(date(2026, 8, 22))
    assert not DAYS.is_working_day(date(2026, 8, 31))
    assert DAYS.working_days_after(date(2026, 8, 21), 1) == date(2026, 8, 22)


def test_a_term_in_a_year_that_is_not_announced_counts_weekends_only_and_says_so():
    due = terms.due("object", at(date(2026, 12, 25)))

    assert due.is_provisional
    assert due.done_on == date(2027, 1, 11)  # the 9th is a Saturday


@given(LOADED, st.integers(1, 15))
def test_so_many_working_days_lie_between_and_the_last_is_one(came_on, number):
    end = DAYS.working_days_after(came_on, number)
    between = [came_on + timedelta(n) for n in range(1, (end - came_on).days + 1)]

    assert sum(map(DAYS.is_working_day, between)) == number
    assert DAYS.is_working_day(end)


@given(LOADED, st.integers(1, 30))
def test_a_term_is_never_shorter_than_its_days_and_ends_on_a_working_day(came_on, number):
    end = DAYS.days_after(came_on, number)
    wait = [came_on + timedelta(n) for n in range(number, (end - came_on).days)]

    assert (end - came_on).days >= number
    assert DAYS.is_working_day(end)
    assert not any(map(DAYS.is_working_day, wait))


def test_the_calendar_is_what_another_witness_has_but_for_what_is_explained():
    """The library `holidays`, for every announced year."""
    for year in DAYS.years:
        theirs = holidays.country_holidays("VN", years=year)
        worked = {day for day in theirs.weekend_workdays if day.year == year}

        assert DAYS.off - EXCHANGED == set(theirs) - PROPOSED
        assert DAYS.on - {date(2026, 1, 10)} == worked


def test_every_day_of_the_calendar_has_its_source():
    text = (ROOT / "consent/clocks/days.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))

    assert len(rows) == len({row["date"] for row in rows}) == len(DAYS.off) + len(DAYS.on)
    for row in rows:
        assert len(row["source"]) > 20
        assert date.fromisoformat(row["published_on"]) < date.fromisoformat(row["date"])
