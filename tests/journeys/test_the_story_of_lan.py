"""The whole purpose in one story: declared once, reused, seen, withdrawn, reviewed."""

import pytest
from playwright.sync_api import Browser

from tests.journeys.country import DESKTOP, Country, Person, Start

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
PHONE_NUMBER = "0999 000 077"


def test_lan_declares_once_and_stays_in_charge(
    lan: Person, browser: Browser, country: Country
) -> None:
    """On a phone of 360×640, scripts off."""
    tell_the_story(lan, browser, country)


def test_the_same_behind_a_tls_proxy(browser: Browser, start: Start) -> None:
    """An https issuer, `__Host-` cookies, and a redirect to another origin."""
    country = start(is_https=True)
    lan = Person.at(browser, country, country.citizen("Nguyễn Thị Lan"), size=DESKTOP)

    tell_the_story(lan, browser, country)

    names = {cookie["name"] for cookie in lan.page.context.cookies(country.issuer)}
    assert {"__Host-motlan-citizen", "__Host-motlan-browser"} <= names


def tell_the_story(lan: Person, browser: Browser, country: Country) -> None:
    """Each call is one sitting."""
    case = she_registers_her_residence(lan)
    she_renews_her_licence_and_is_asked_nothing_again(lan)
    she_sees_both_looks(lan)
    she_withdraws_the_first(lan)
    only_the_first_stops(lan)
    an_officer_finds_all_of_it(browser, country, lan, case=case)


def she_registers_her_residence(lan: Person) -> str:
    """She sees what the state knows, adds the one thing nobody knows, sends it; the case."""
    page = lan.page
    lan.start("1.004222")
    lan.picture("sign-in")
    lan.sign_in()
    lan.picture("decision-1.004222")
    assert "Công an phường Tân Định" in lan.text()
    assert page.locator("main input[type=checkbox]:checked").count() == 0
    page.fill('input[name="contact_phone"]', PHONE_NUMBER)
    page.click("#consent-allow")
    assert page.url.startswith(lan.country.sample)
    assert page.inner_text("#value-full_name") == "Nguyễn Thị Lan"
    assert page.inner_text("#value-contact_phone") == "+84999000077"
    return page.inner_text("#case")


def she_renews_her_licence_and_is_asked_nothing_again(lan: Person) -> None:
    """Signed in already, and what she told before is known."""
    page = lan.page
    lan.start("3.000347")
    lan.picture("decision-3.000347")
    assert page.locator("#national-id").count() == 0
    assert page.locator('input[name="contact_phone"]:not([type=checkbox])').count() == 0
    assert "0999 000 077" in lan.text()
    page.click("#consent-allow")
    assert page.inner_text("#value-full_name") == "Nguyễn Thị Lan"


def she_sees_both_looks(lan: Person) -> None:
    """Institution by institution."""
    lan.open("/my/access")
    lan.picture("access")
    assert "Công an phường Tân Định" in lan.text()
    assert "Phòng Cảnh sát giao thông" in lan.text()
    assert lan.page.locator("[data-entry]").count() >= 2


def she_withdraws_the_first(lan: Person) -> None:
    """From her list: open, withdraw, confirm."""
    lan.open("/my/consents")
    lan.picture("consents")
    assert "Ai đang được dùng dữ liệu của tôi" in lan.text()
    first = lan.page.locator("main a[href^='/my/consents/']", has_text="Công an phường Tân Định")
    first.first.click()
    lan.picture("consent")
    lan.page.click("#withdraw")
    lan.picture("withdraw")
    lan.page.click("#confirm-withdraw")
    lan.picture("withdrawn")


def only_the_first_stops(lan: Person) -> None:
    """The token is the same; the gate is not."""
    page, sample = lan.page, lan.country.sample
    page.goto(f"{sample}/fetch/1.004222")
    assert page.locator("#value-full_name").count() == 0
    assert page.locator("#note").count() == 1
    page.goto(f"{sample}/fetch/3.000347")
    assert page.inner_text("#value-full_name") == "Nguyễn Thị Lan"
    lan.open("/my/access")
    lan.picture("access-after")
    assert "từ chối" in lan.text().lower()


def an_officer_finds_all_of_it(
    browser: Browser, country: Country, lan: Person, *, case: str
) -> None:
    """By number, case and reason; no person in a URL, no name on the page."""
    officer = Person.at(browser, country, country.officer(), size=DESKTOP)
    officer.sign_in_as_staff()
    officer.open("/audit/entries")
    officer.picture("audit")
    assert "Nguyễn Thị Lan" not in officer.text()
    officer.page.fill("#search-number", lan.told["national_id"])
    officer.page.fill("#search-case", case)
    officer.page.fill("#search-reason", "Người dân hỏi ai đã xem dữ liệu")
    officer.page.click("#submit-search")
    officer.picture("audit-search")
    assert "search=" in officer.page.url
    assert lan.told["national_id"] not in officer.page.url + officer.text()
    shown = officer.page.inner_text("#entries")
    for happened in (
        "decision:given",
        "decision:withdrawn",
        "attributes:released",
        "attributes:refused",
    ):
        assert happened in shown
