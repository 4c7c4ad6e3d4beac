"""The clock: UTC inside, the Vietnamese calendar outside, minutes as the log writes them."""

import ast
import contextlib
import re
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
import time_machine

from identity import clock
from identity import settings as settings_module

ROOT = Path(__file__).parents[2]
A_DAY = timedelta(days=1)


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


@pytest.mark.usefixtures("app")
def test_a_block_of_the_demo_has_a_moment_that_has_passed():
    """Decision 0028."""
    yesterday = clock.now() - A_DAY

    with clock.at(yesterday.astimezone(clock.VIETNAM)):
        told = clock.now(), clock.seconds(), clock.today()

    day = yesterday.astimezone(clock.VIETNAM).date()
    assert told == (yesterday, yesterday.timestamp(), day)
    assert clock.now() >= yesterday + A_DAY
    assert clock.seconds() >= (yesterday + A_DAY).timestamp()


@pytest.mark.usefixtures("app")
def test_an_accident_in_it_does_not_leave_the_clock_behind():
    with contextlib.suppress(LookupError), clock.at(clock.now() - A_DAY):
        raise LookupError

    assert clock.now() > datetime.now(UTC) - timedelta(minutes=1)


@pytest.mark.usefixtures("app")
def test_whoever_is_served_meanwhile_keeps_the_true_time():
    told = []

    with clock.at(clock.now() - A_DAY):
        served = threading.Thread(target=lambda: told.append(clock.now()))
        served.start()
        served.join()

    assert told[0] > clock.now() - timedelta(minutes=1)


@pytest.mark.usefixtures("app")
def test_only_a_demo_has_a_past_and_nobody_a_future(settings):
    with pytest.raises(ValueError, match="has passed"), clock.at(clock.now() + A_DAY):
        pass
    with pytest.raises(ValueError, match="zone"), clock.at(datetime(2026, 1, 1)):  # noqa: DTZ001 - what is refused
        pass
    settings_module.install(replace(settings, demo=False))
    try:
        with pytest.raises(RuntimeError), clock.at(clock.now() - A_DAY):
            pass
    finally:
        settings_module.install(settings)


def test_nobody_but_the_demo_has_a_past():
    """Decision 0028: no route, no duty and no other command can be led to another time."""
    source = {
        str(path.relative_to(ROOT)): path.read_text("utf-8")
        for half in ("identity", "consent")
        for path in (ROOT / half).rglob("*.py")
    }
    told = {
        name: list(ast.walk(ast.parse(text)))
        for name, text in source.items()
        if re.search(r"clock\s*\.\s*at\b|identity\.clock|\bdemo\b", text)
    }

    assert {name for name, nodes in told.items() if any(map(_asks_for_a_past, nodes))} == {
        *("consent/demo/load.py", "consent/demo/year.py"),
    }
    outside = {name: nodes for name, nodes in told.items() if "/demo/" not in name}
    assert {name for name, nodes in outside.items() if any(map(_names_the_demo, nodes))} == {
        "consent/__init__.py",  # which brings the command
    }


def _asks_for_a_past(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        is_clock = node.module == "identity.clock"
        return is_clock and any(alias.name in {"at", "*"} for alias in node.names)
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "clock.at"


def _names_the_demo(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        names = {f"{node.module}.{alias.name}" for alias in node.names}
        return any(name.startswith("consent.demo") for name in names)
    return isinstance(node, ast.Import) and "consent.demo" in ast.unparse(node)
