"""A browser, and a country to travel in: loaded once, and its log whole after the last journey."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.conftest import chromium
from tests.databases import Databases
from tests.journeys.country import Country, Person, Start

HERE = Path(__file__).parent
COUNTRY = pytest.StashKey[Country]()
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def whole(press: Callable[..., None]) -> Callable[..., None]:
    """After a press the page that comes is there to its end: people read no half pages."""

    @functools.wraps(press)
    def pressed(what: Page | Locator, *args: Any, **more: Any) -> None:
        press(what, *args, **more)
        (what.page if isinstance(what, Locator) else what).wait_for_load_state()

    return pressed


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole process; people have contexts of their own in it."""
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        for kind in (Page, Locator):
            patch.setattr(kind, "click", whole(kind.click))
        made = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture(scope="session")
def land(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Country]:
    """The country of this test process; loading it takes longer than any journey."""
    made = Country(databases, tmp_path_factory.mktemp("country"))
    try:
        request.config.stash[COUNTRY] = made.found()
        yield made
    finally:
        made.stop()
        made.lobby.close()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """After the last journey the log is whole, and nothing runs beside other tests."""
    if COUNTRY in item.config.stash and (nextitem is None or nextitem.path.parent != HERE):
        item.config.stash[COUNTRY].stop()
        item.config.stash[COUNTRY].check_log()


@pytest.fixture
def start(land: Country, browser: Browser) -> Iterator[Start]:
    """Has the country run, over TLS or not; at the end everybody's browser is closed."""
    yield land.runs
    # An open browser holds connections, and the server would wait for them.
    for context in browser.contexts:
        context.close()


@pytest.fixture
def country(start: Start) -> Country:
    """The demo country, which other journeys have been in; nobody has met its cast."""
    return start()


@pytest.fixture
def lan(browser: Browser, country: Country) -> Person:
    """A Nguyễn Thị Lan at a cheap phone."""
    return Person.at(browser, country, country.citizen("Nguyễn Thị Lan"))
