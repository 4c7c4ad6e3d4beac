"""The decision page as a browser draws it: order, weight of the buttons, what changed meanwhile."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from consent.attributes import values
from tests import exchange
from tests.deciding import CONSENT, PROCEDURE, Citizen, an_asking_service, detail, signed_in
from tests.drawing import HOUSE, LEFT, drawn
from tests.exchange import CASE, fill_register, told
from tests.journeys.country import DESKTOP, PHONE
from tests.people import lan
from tests.public_services import Played

# A page is the same on either database, so it is examined on one.
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.sqlite]
ASKS = {CONSENT: ("Đồng ý", "Không đồng ý"), PROCEDURE: ("Gửi cho ", "Tôi tự")}
# What makes one of two buttons the obvious one.
WEIGHT = """(e) => { const s = getComputedStyle(e); return Object.fromEntries([
  "color", "backgroundColor", "backgroundImage", "borderColor", "borderWidth", "borderStyle",
  "borderRadius", "boxShadow", "fontFamily", "fontSize", "fontWeight", "fontStyle", "opacity",
  "padding", "textDecorationLine", "textTransform", "outlineStyle", "cursor", "minHeight",
].map(name => [name, s[name]])); }"""
CONTRAST = """(e) => { const rgb = c => c.match(/[0-9.]+/g).slice(0, 3).map(Number);
  const light = c => { const [r, g, b] = rgb(c).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const s = getComputedStyle(e), a = light(s.color), b = light(s.backgroundColor);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }"""


@pytest.fixture
def her(app: Flask) -> Citizen:
    exchange.publish_catalogues()
    person = lan()
    fill_register("residence", told(person, "household_size", 3))
    return signed_in(app.test_client(), person)


@pytest.fixture
def office() -> Played:
    return an_asking_service()


@pytest.fixture
def page(browser: Browser, her: Citizen) -> Iterator[Page]:
    """Her phone; scripts let the test measure."""
    with drawn(browser, her.client, size=PHONE) as made:
        yield made


def test_both_answers_weigh_the_same(page: Page, her: Citizen, office: Played) -> None:
    """Decree 356/2025 Art. 6.3: size, colour, contrast and weight; on each size and scheme."""
    for procedure, (yes, no) in ASKS.items():
        page.goto(HOUSE + her.is_asked(office, detail("full_name", procedure=procedure)).path)
        for size in (PHONE, DESKTOP):
            for scheme in ("light", "dark"):
                page.set_viewport_size(size)
                page.emulate_media(color_scheme=scheme)
                they_weigh_the_same(page, yes, no=no)


def they_weigh_the_same(page: Page, yes: str, *, no: str) -> None:
    """As drawn, resting and in focus; neither is chosen beforehand."""
    agree, refuse = page.locator("#consent-allow"), page.locator("#consent-deny")
    assert agree.inner_text().startswith(yes)
    assert refuse.inner_text().startswith(no)
    assert agree.evaluate(WEIGHT) == refuse.evaluate(WEIGHT)
    assert agree.evaluate(CONTRAST) == refuse.evaluate(CONTRAST) >= 4.5
    a, b = agree.bounding_box(), refuse.bounding_box()
    assert a is not None
    assert b is not None
    assert (a["width"], a["height"]) == (b["width"], b["height"])
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    agree.focus()
    focused = agree.evaluate(WEIGHT)
    refuse.focus()
    assert refuse.evaluate(WEIGHT) == focused
    page.evaluate("document.activeElement.blur()")


def test_who_asks_comes_first_and_the_answers_last(
    page: Page, her: Citizen, office: Played
) -> None:
    """Who, what for, which case, each item with value, source and day; then the two buttons."""
    asked = her.is_asked(office, detail(procedure=CONSENT), scope="openid phone")
    page.goto(HOUSE + asked.path)
    assert page.locator("main input:checked").count() == 0
    said = page.inner_text("main")
    places = [said.index(text) for text in ("Cơ quan thuế", "nhà ở xã hội", CASE, "Họ, chữ đệm")]
    assert places == sorted(places)
    top = {
        name: page.locator(name).first.bounding_box()["y"]
        for name in ("h1", 'input[name="purpose"]', "table", "#consent-allow", "#object")
    }
    assert list(top.values()) == sorted(top.values())
    assert page.locator("#consent-deny").bounding_box()["y"] >= top["#consent-allow"]
    for row in page.locator("main tbody tr").all():
        assert row.locator("td").count() in {1, 3}


def test_a_value_that_changes_while_she_reads_is_named(
    page: Page, her: Citizen, office: Played
) -> None:
    """Design §2.10: nothing is sent; the new page says what is different, then it can be sent."""
    asked = her.is_asked(office, detail("full_name", "household_size", procedure=CONSENT))
    page.goto(HOUSE + asked.path)
    page.locator('input[name="purpose"]').check()
    fill_register("residence", told(her.person, "household_size", 7))
    page.click("#consent-allow")
    assert page.locator("#error").count() == 1
    assert "Vừa thay đổi: Số thành viên trong hộ." in page.inner_text("#error")
    changed = page.locator("tr", has_text="Vừa thay đổi")
    assert changed.count() == 1
    assert "7" in changed.inner_text()
    assert her.decisions() == []
    page.locator('input[name="purpose"]').check()
    page.click("#consent-allow")
    assert LEFT in page.inner_text("body")
    (row,) = her.decisions()
    assert row.attributes == ["full_name", "household_size"]
    assert values.current(her.person.citizen_id, row.attributes)["household_size"].value == 7
