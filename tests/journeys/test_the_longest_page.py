"""Forty items, three grounds, the longest names, as Chromium draws them on the smallest phone."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page

from consent.ledger.screen import MANY
from tests import deciding
from tests.drawing import HOUSE, drawn
from tests.journeys.country import DESKTOP, PHONE
from tests.journeys.test_how_pages_look import CUT
from tests.longest import the_longest_page, the_longest_procedures

# A page is the same on either database, so it is examined on one.
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.sqlite]

WIDTH = "document.scrollingElement.scrollWidth"
ALL_OF_IT = """() => document.querySelectorAll("main *").forEach(
  e => e.childElementCount || e.matches("option") || !e.textContent.trim()
    || e.classList.add("hard"))"""
# What is drawn beyond the edge of the screen; heads of tables are for listeners there.
OUTSIDE = """() => [...document.querySelectorAll("main *")].filter(e => {
  const b = e.getBoundingClientRect();
  return !e.closest("thead") && b.width && (b.right > innerWidth + 1 || b.left < -1);
}).map(e => e.outerHTML.slice(0, 90))"""
ALIKE = """() => [...document.querySelectorAll("#consent-allow, #consent-deny")].map(e => {
  const b = e.getBoundingClientRect(), s = getComputedStyle(e);
  return [b.width, b.height, s.color, s.backgroundColor, s.fontSize, s.fontWeight].join(" "); })"""


@pytest.fixture(scope="module")
def asked(app: Flask) -> Iterator[deciding.Page]:
    with the_longest_procedures():
        yield the_longest_page(app)


@pytest.fixture(params=["vi", "en"])
def page(browser: Browser, asked: deciding.Page, request: pytest.FixtureRequest) -> Iterator[Page]:
    asked.citizen.client.set_cookie("motlan-language", request.param)
    with drawn(browser, asked.citizen.client, size=PHONE) as made:
        made.goto(HOUSE + asked.path)
        assert made.get_attribute("html", "lang") == request.param
        yield made


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_forty_items_and_the_longest_names_find_room(
    page: Page, size: dict[str, int], request: pytest.FixtureRequest
) -> None:
    """Issue 3, item 5: nothing beside the screen, no tone mark cut, the same two buttons."""
    page.set_viewport_size(size)
    picture(page, request.node.callspec.id)

    assert page.locator("main tbody tr").count() > 40
    assert page.locator("section.basis").count() == 3
    assert page.evaluate(WIDTH) == size["width"]
    assert page.evaluate(OUTSIDE) == []
    page.evaluate(ALL_OF_IT)
    assert page.evaluate(CUT) == []
    allow, deny = page.evaluate(ALIKE)
    assert allow == deny


def test_the_answers_are_one_tap_away_and_what_is_folded_opens(page: Page) -> None:
    """A link that needs no script; groups stand open, so that nothing is hidden unread."""
    groups = page.locator("details.group")
    assert groups.count() > 5
    assert page.locator("details.group:not([open])").count() == 0
    assert page.locator("details.group tbody tr").count() > MANY
    page.locator("a[href='#answers']").click()
    for name in ("#consent-allow", "#consent-deny"):
        box = page.locator(name).bounding_box()
        assert box is not None
        assert -1 <= box["y"] <= PHONE["height"] - box["height"], name
    groups.first.locator("> summary").click()
    assert page.locator("details.group:not([open])").count() == 1
    assert page.locator("main input:checked").count() == 0


def test_who_cannot_see_it_can_use_it(page: Page) -> None:
    """axe: wcag2a to 22aa and best practice find nothing, in either language."""
    found = Axe().run(page).response["violations"]

    assert [(one["id"], [node["html"][:100] for node in one["nodes"]]) for one in found] == []


def picture(page: Page, name: str) -> None:
    """Keep a picture of the page, where somebody asked for pictures."""
    if folder := os.environ.get("MOTLAN_TEST_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"longest-{name}.png"), full_page=True)
