"""The decision page as a browser draws it: order, weight of the buttons, what changed meanwhile."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from identity import clock
from tests.journeys.country import DESKTOP, PHONE, Country, Person
from tests.journeys.office import ARRIVED, Office, opened

# A page is the same on either database, so it is examined on one.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.sqlite,
    pytest.mark.timeout(300),
]
HOUSING, BUSINESS = "1.115150", "1.001612"
ASKS = {
    "housing": (HOUSING, "Đồng ý", "Không đồng ý"),
    "business": (BUSINESS, "Gửi cho ", "Tôi tự"),
}
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
def huyen(browser: Browser, country: Country) -> Person:
    """Somebody whom every register knows; scripts let the test measure."""
    told = country.citizen("Đặng Ngọc Huyền")
    return Person.at(browser, country, told, has_scripts=True)


@pytest.fixture
def office(country: Country) -> Iterator[Office]:
    with opened(country, name="Công ty Nhà Xanh", procedures=[HOUSING, BUSINESS]) as made:
        yield made


def test_both_answers_weigh_the_same(huyen: Person, office: Office) -> None:
    """Decree 356/2025 Art. 6.3: size, colour, contrast and weight; on each size and scheme."""
    page = huyen.page
    for name, (procedure, yes, no) in ASKS.items():
        office.send(page, {"procedure": procedure, "case": f"H-{name}"}, prompt="consent")
        if page.locator("#national-id").count():
            huyen.sign_in()
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


def test_who_asks_comes_first_and_the_answers_last(huyen: Person, office: Office) -> None:
    """Who, what for, which case, each item with value, source and day; then the two buttons."""
    page = huyen.page
    office.send(page, {"procedure": HOUSING, "case": "NO-7"}, scope="openid phone")
    huyen.sign_in()
    assert page.locator("main input:checked").count() == 0
    said = page.inner_text("main")
    places = [said.index(text) for text in (office.name, "nhà ở xã hội", "NO-7", "Họ, chữ đệm")]
    assert places == sorted(places)
    top = {
        name: page.locator(name).first.bounding_box()["y"]
        for name in ("h1", 'input[name="purpose"]', "table", "#consent-allow", "#object")
    }
    assert list(top.values()) == sorted(top.values())
    assert page.locator("#consent-deny").bounding_box()["y"] >= top["#consent-allow"]
    for row in page.locator("main tbody tr").all():
        assert row.locator("td").count() in {1, 3}


def test_a_value_that_changes_while_she_reads_is_named(huyen: Person, office: Office) -> None:
    """Design §2.10: nothing is sent; the new page says what is different, then it can be sent."""
    page, country = huyen.page, huyen.country
    office.send(page, {"procedure": HOUSING, "case": "NO-9"})
    huyen.sign_in()
    page.locator('input[name="purpose"]').check()
    a_register_learns(country, huyen, "household_size", 7)
    page.click("#consent-allow")
    huyen.picture("decision-changed")
    assert page.locator("#error").count() == 1
    assert "Vừa thay đổi: Số thành viên trong hộ." in page.inner_text("#error")
    changed = page.locator("tr", has_text="Vừa thay đổi")
    assert changed.count() == 1
    assert "7" in changed.inner_text()
    page.locator('input[name="purpose"]').check()
    page.click("#consent-allow")
    assert ARRIVED in huyen.text()
    assert office.fetch(office.redeem()).json()["values"]["household_size"]["value"] == 7


def a_register_learns(country: Country, whose: Person, attribute: str, value: int) -> None:
    """The residence register has another value from now on."""
    line = {
        "national_id": whose.told["national_id"],
        "attribute": attribute,
        "value": value,
        "as_of": clock.today().isoformat(),
        "valid_from": None,
        "valid_to": None,
        "record_id": "later",
    }
    file = country.home / "later.jsonl"
    file.write_text(json.dumps(line) + "\n")
    country.command("registers", "import", "residence", str(file))
