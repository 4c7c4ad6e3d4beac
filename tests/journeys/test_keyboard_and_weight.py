"""The main journey by keyboard alone, and what the pages weigh on a slow line."""

import gzip
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.journeys.country import Country, Person

# A page is the same on either database, so it is examined on one.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.sqlite,
    pytest.mark.timeout(600),
]
LICENCE = "3.000347"
FOCUSED = """() => { const e = document.activeElement, b = e.getBoundingClientRect();
  return [e.id, e.getAttribute("href") || "", b.top >= 0 && b.bottom <= innerHeight]; }"""
KILO = 1000
FIRST_VISIT, SIGN_IN, REPEATED = 50 * KILO, 25 * KILO, 10 * KILO


def test_keyboard_alone_does_the_main_journey(lan: Person) -> None:
    """WCAG 2.1.1, 2.4.3, 2.4.11: the whole way, and what has the focus is in sight."""
    page = lan.page
    page.goto(lan.country.sample)
    presses(page, f"start-{LICENCE}")
    types(page, "national-id", lan.told["national_id"])
    types(page, "password", lan.told["password"])
    enters(page)  # as in every form, from its last field
    types(page, "one-time-code", lan.told["one_time_code"])
    enters(page)
    presses(page, "consent-allow")
    assert page.inner_text("#value-full_name") == lan.told["name"]
    lan.open("/my")
    presses(page, "/my/consents")
    presses(page, "withdraw-")
    presses(page, "confirm-withdraw")
    assert page.locator("#withdrawn").count() == 1
    presses(page, "/my/access")
    assert page.locator("[data-entry]").count() >= 3
    presses(page, "/sign-out")
    presses(page, "confirm-sign-out")
    lan.open("/my")
    assert page.locator("#national-id").count() == 1


def test_the_keyboard_passes_the_menu_by(lan: Person) -> None:
    """WCAG 2.4.1: the first stop of every page leads to what it is about."""
    lan.open("/my")
    lan.sign_in()
    lan.page.keyboard.press("Tab")
    assert lan.page.evaluate(FOCUSED)[1] == "#main"
    lan.page.keyboard.press("Enter")
    lan.page.keyboard.press("Tab")
    assert lan.page.evaluate("document.activeElement.closest('main') !== null")


def reaches(page: Page, wanted: str) -> None:
    """By the tabulator, to the first thing with this id or address, or one that begins so."""
    for _stop in range(80):
        page.keyboard.press("Tab")
        name, address, is_seen = page.evaluate(FOCUSED)
        if wanted in {name, address} or (wanted.endswith("-") and name.startswith(wanted)):
            assert is_seen, f"{wanted} has the focus out of sight"
            return
    pytest.fail(f"the keyboard never comes to {wanted} at {page.url}")


def presses(page: Page, wanted: str) -> None:
    """A link or a button, by its key; the page that comes."""
    reaches(page, wanted)
    enters(page)


def enters(page: Page) -> None:
    """The key that sends and follows; the page that comes."""
    page.evaluate("document.isBehindUs = true")
    page.keyboard.press("Enter")
    page.wait_for_function("!document.isBehindUs && document.readyState === 'complete'")


def types(page: Page, wanted: str, text: str) -> None:
    """A field, letter by letter."""
    reaches(page, wanted)
    page.keyboard.type(text)


@dataclass
class Scales:
    """What came over the line since they were last read, headers included."""

    page: Page
    came: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        def note(request: Request) -> None:
            self.came.append(request)

        self.page.on("requestfinished", note)

    def weigh(self, address: str) -> int:
        """The bytes of one visit, as they come over a line that packs."""
        self.came.clear()
        self.page.goto(address)
        return sum(self._packed(request) for request in self.came)

    def _packed(self, request: Request) -> int:
        """The style sheet comes packed. A page does not, since it carries secrets (BREACH)."""
        sizes, answer = request.sizes(), request.response()
        body = sizes["responseBodySize"]
        if answer is not None and answer.ok and request.resource_type == "document":
            body = len(gzip.compress(answer.body()))
        return body + sizes["responseHeadersSize"]


def test_pages_are_light(browser: Browser, country: Country) -> None:
    """consent-and-pages §6: 50 kB at first, 25 to sign in, 10 for each page after that."""
    lan = Person.at(browser, country, country.citizen("Đặng Ngọc Huyền"))
    scales = Scales(lan.page)
    first = scales.weigh(f"{country.issuer}/my")
    assert lan.page.locator("#national-id").count() == 1
    assert 2 * KILO < first < SIGN_IN, first
    lan.sign_in()
    officer = Person.at(browser, country, country.other_officer())
    officer.sign_in_as_staff()
    weights = {}
    for person, paths in (
        (lan, ("/my", "/my/data", "/my/consents", "/my/access", "/my/security", "/docs")),
        (officer, ("/audit", "/audit/entries", "/audit/exports", "/staff/members")),
    ):
        of = Scales(person.page)
        weights |= {path: of.weigh(country.issuer + path) for path in paths}
    assert {path: weight for path, weight in weights.items() if weight > REPEATED} == {}
    assert max(weights.values()) + first < FIRST_VISIT
