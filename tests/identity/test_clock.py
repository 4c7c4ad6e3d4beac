"""The clock: UTC inside, the Vietnamese calendar outside, minutes as the log writes them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import time_machine

from identity import clock


def test_now_is_aware_and_utc():
    with time_machine.travel("2026-11-22T03:32:41Z", tick=False):
        assert clock.now() == datetime(2026, 11, 22, 3, 32, 41, tzinfo=UTC)
        assert clock.now().utcoffset() == timedelta(0)


def test_the_day_begins_when_it_begins_in_viet_nam():
    with time_machine.travel("2026-11-21T16:59:59Z", tick=False):
        assert clock.today() == date(2026, 11, 21)
    with time_machine.travel("2026-11-21T17:00:00Z", tick=False):
        assert clock.today() == date(2026, 11, 22)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 11, 22, 3, 32, 59, 999_999, tzinfo=UTC), "2026-11-22T03:32:00Z"),
        (datetime(2026, 11, 22, 10, 32, tzinfo=clock.VIETNAM), "2026-11-22T03:32:00Z"),
        (
            datetime(2026, 1, 1, 0, 0, tzinfo=timezone(timedelta(hours=-1))),
            "2026-01-01T01:00:00Z",
        ),
    ],
)
def test_a_minute_is_cut_in_utc(at, text):
    """Design §7: the third line of the leaf."""
    assert clock.minute(at) == text


def test_a_time_without_a_zone_has_no_minute():
    with pytest.raises(ValueError, match="zone"):
        clock.minute(datetime(2026, 11, 22))  # noqa: DTZ001 - that is the mistake
