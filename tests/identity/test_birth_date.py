"""Dates of birth of which a part is unknown, and honest answers about age."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.citizens.birth_date import BirthDate, MalformedBirthDate

DAY = date(2026, 11, 22)

days = st.dates(min_value=date(1850, 1, 1), max_value=date(2150, 12, 31))
parts = st.sampled_from([4, 7, 10])


@pytest.mark.parametrize(
    ("written", "shown"),
    [("1952", "1952"), ("1952-03", "03/1952"), ("1952-03-09", "09/03/1952")],
)
def test_a_date_is_shown_as_far_as_it_is_known(written: str, shown: str) -> None:
    born = BirthDate.parse(written)

    assert born.shown() == shown
    assert born.written() == written


@given(days, parts)
def test_what_was_written_is_read_back_equal(day: date, known: int) -> None:
    born = BirthDate.parse(day.isoformat()[:known])

    assert BirthDate.parse(born.written()) == born
    assert born.earliest <= day <= born.latest
    assert (born.earliest == born.latest) == (known == 10)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "52",
        "19520309",
        "1952-3-9",
        "1952-13",
        "1952-00",
        "1952-03-00",
        "1952-02-30",
        "1951-02-29",
        "0000",
        "1952-W10-7",
        "09/03/1952",
        " 1952",
        "1952\n",
        "１９５２",
        "1952-03-09T00:00",
    ],
)
def test_anything_else_is_no_date_of_birth(text: str) -> None:
    with pytest.raises(MalformedBirthDate):
        BirthDate.parse(text)


def test_a_refusal_never_repeats_the_date() -> None:
    with pytest.raises(MalformedBirthDate) as refused:
        BirthDate.parse("1977-02-30")

    assert "1977" not in f"{refused.value!r}"
    assert refused.value.__cause__ is None


def test_a_day_without_its_month_cannot_be_made() -> None:
    with pytest.raises(MalformedBirthDate):
        BirthDate(1952, day=9)


@pytest.mark.parametrize("part", [{"month": 0}, {"month": 3, "day": 0}])
def test_zero_is_not_a_way_to_say_unknown(part: dict[str, int]) -> None:
    with pytest.raises(MalformedBirthDate):
        BirthDate(1952, **part)


@pytest.mark.parametrize(
    ("written", "at_least_18"),
    [
        ("2008-11-22", True),  # the birthday itself counts
        ("2008-11-23", False),
        ("2008-10", True),
        ("2008-11", None),
        ("2008-12", False),
        ("2007", True),
        ("2008", None),
        ("2009", False),
    ],
)
def test_age_is_answered_only_as_far_as_it_is_known(
    written: str, *, at_least_18: bool | None
) -> None:
    born = BirthDate.parse(written)

    assert born.age_at_least(18, on=DAY) is at_least_18
    assert born.age_below(18, on=DAY) is (None if at_least_18 is None else not at_least_18)


@given(days, parts, st.integers(0, 130), days)
def test_a_known_answer_holds_for_every_day_it_may_have_been(
    day: date, known: int, years: int, on: date
) -> None:
    whole = BirthDate.parse(day.isoformat())
    partly = BirthDate.parse(day.isoformat()[:known])

    assert partly.age_at_least(years, on=on) in {None, whole.age_at_least(years, on=on)}
    if known == 10:
        assert whole.age_at_least(years, on=on) is not None


def test_someone_born_on_29_february_comes_of_age_on_1_march_of_a_common_year() -> None:
    born = BirthDate.parse("2008-02-29")

    assert born.age_at_least(18, on=date(2026, 2, 28)) is False
    assert born.age_at_least(18, on=date(2026, 3, 1)) is True
    assert born.age_at_least(20, on=date(2028, 2, 29)) is True


def test_an_age_beyond_the_calendar_is_not_reached() -> None:
    assert BirthDate.parse("1952").age_at_least(9000, on=DAY) is False


@pytest.mark.parametrize(
    ("written", "after"),
    [("2026-11-22", False), ("2026-11-23", True), ("2026-11", False), ("2026-12", True)],
)
def test_a_birth_lies_in_the_future_only_if_every_day_of_it_does(
    written: str, *, after: bool
) -> None:
    assert BirthDate.parse(written).is_after(DAY) is after


def test_february_ends_where_the_year_ends_it() -> None:
    assert BirthDate.parse("2024-02").latest == date(2024, 2, 29)
    assert BirthDate.parse("2023-02").latest == date(2023, 3, 1) - timedelta(days=1)


def test_a_date_of_birth_shows_itself_in_no_log_line() -> None:
    born = BirthDate.parse("1952-03-09")

    assert "52" not in f"{born} {born!r} {[born]}"
