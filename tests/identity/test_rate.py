"""The token bucket of machine endpoints."""

import pytest

from identity import rate
from identity.errors import TooManyRequests


def taken(limit, caller, times):
    """How many of so many calls pass."""
    passed = 0
    for _ in range(times):
        try:
            limit.take(caller)
        except TooManyRequests:
            continue
        passed += 1
    return passed


@pytest.fixture
def moment(monkeypatch):
    """The clock of the buckets, to be moved by hand."""
    now = [1000.0]
    monkeypatch.setattr(rate.time, "monotonic", lambda: now[0])
    return now


def test_a_burst_passes_and_then_no_more(moment):
    """And another caller is not disturbed."""
    assert moment
    limit = rate.Limit(per_second=1, burst=5)

    assert taken(limit, "one", 9) == 5
    assert taken(limit, "other", 9) == 5


def test_the_refusal_says_when_to_come_back(moment):
    """RFC 6585 §4."""
    limit = rate.Limit(per_second=0.25, burst=1)
    limit.take("one")

    with pytest.raises(TooManyRequests) as refused:
        limit.take("one")

    assert dict(refused.value.headers)["Retry-After"] == "4"
    moment[0] += 4
    limit.take("one")


def test_what_is_not_used_fills_up_to_the_burst_and_no_further(moment):
    """An hour of silence buys no flood."""
    limit = rate.Limit(per_second=2, burst=5)
    taken(limit, "one", 5)

    moment[0] += 3600

    assert taken(limit, "one", 99) == 5


def test_invented_callers_cannot_fill_the_memory(moment, monkeypatch):
    """The oldest is forgotten."""
    assert moment
    monkeypatch.setattr(rate, "MOST_REMEMBERED", 3)
    limit = rate.Limit(per_second=1, burst=1)

    for name in "abcdef":
        limit.take(name)

    assert len(limit._buckets) == 3
