"""A browser, and countries to travel in; after every journey the log must be whole."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import chromium
from tests.databases import Database, Databases
from tests.journeys.country import Country, Person, Start

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole process; people have contexts of their own in it."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture
def start(
    databases: Databases,
    fresh_database: Callable[[], Database],
    tmp_path: Path,
    browser: Browser,
) -> Iterator[Start]:
    """Starts a country; at the end of the test its log is verified and nothing of it runs."""
    running: list[Country] = []

    def begin(*, is_https: bool = False) -> Country:
        home = tmp_path / f"country-{len(running)}"
        home.mkdir()
        country = Country(databases, fresh_database(), home, is_https=is_https)
        running.append(country)
        return country.start()

    try:
        yield begin
        for country in running:
            country.check_log()
    finally:
        # An open browser holds connections, and the server would wait for them.
        for context in browser.contexts:
            context.close()
        for country in running:
            country.stop()


@pytest.fixture
def country(start: Start) -> Country:
    """The demo country, freshly loaded."""
    return start()


@pytest.fixture
def lan(browser: Browser, country: Country) -> Person:
    """Nguyễn Thị Lan at a cheap phone."""
    return Person.at(browser, country, country.citizen("Nguyễn Thị Lan"))
