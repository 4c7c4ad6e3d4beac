"""Journey 5: a security officer reviews who looked, and is seen looking."""

import pytest
from playwright.sync_api import Browser

from tests.journeys.country import DESKTOP, Country, Person

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
WHY = "Kiểm tra theo đơn của người dân"


def test_an_officer_looks_and_is_seen(lan: Person, browser: Browser, country: Country) -> None:
    """By number, case and reason only; the look reaches Lan; nobody reviews themselves."""
    lan.open("/my")
    lan.sign_in()
    assert lan.page.inner_text("h1") == "Trang của tôi"
    officer = Person.at(browser, country, country.officer(), size=DESKTOP)
    a_wrong_password_is_told(officer)
    officer.sign_in_as_staff()
    a_search_needs_a_case_and_a_reason(officer, lan)
    address = she_searches_for_lan(officer, lan)
    another_officer_cannot_open_the_search(browser, country, address)
    lan_sees_who_looked_and_why(lan, officer)
    nobody_reviews_themselves(browser, country)
    signed_out_means_out(officer)


def search(officer: Person, number: str, *, case: str, reason: str) -> None:
    """Fill in the three fields and press."""
    officer.page.fill("#search-number", number)
    officer.page.fill("#search-case", case)
    officer.page.fill("#search-reason", reason)
    officer.page.click("#submit-search")


def a_wrong_password_is_told(officer: Person) -> None:
    """And the citizens' password page is another one."""
    officer.open("/staff/sign-in")
    officer.picture("staff-sign-in")
    officer.page.fill("#username", officer.told["username"])
    officer.page.fill("#password", "khong-phai-mat-khau")
    officer.page.click("#submit-sign-in")
    assert "không đúng" in officer.page.inner_text("#error")


def a_search_needs_a_case_and_a_reason(officer: Person, lan: Person) -> None:
    """Neither may be empty, and a number of a person is no reason."""
    number = lan.told["national_id"]
    officer.open("/audit/entries")
    search(officer, number, case="", reason=WHY)
    assert "mã hồ sơ" in officer.page.inner_text("#error")
    search(officer, number, case="GS-1", reason="")
    assert "lý do" in officer.page.inner_text("#error")
    search(officer, number, case="GS-1", reason=f"xem {number}")
    officer.picture("audit-error")
    assert "lý do" in officer.page.inner_text("#error")
    assert "search=" not in officer.page.url


def she_searches_for_lan(officer: Person, lan: Person) -> str:
    """Lan's sign-in is there under a tag; no name or number on the page; the address."""
    search(officer, lan.told["national_id"], case="GS-1", reason=WHY)
    officer.picture("audit-found")
    assert "search=" in officer.page.url
    shown = officer.page.content() + officer.page.url
    assert lan.told["national_id"] not in shown
    assert "Nguyễn Thị Lan" not in shown
    assert officer.page.locator("[data-entry]", has_text="sign_in:succeeded").count() == 1
    return officer.page.url


def another_officer_cannot_open_the_search(
    browser: Browser, country: Country, address: str
) -> None:
    """A search belongs to whoever gave its reason."""
    other = Person.at(browser, country, country.officer(1), size=DESKTOP)
    other.sign_in_as_staff()
    answer = other.page.goto(address)
    assert answer is not None
    assert answer.status == 404
    assert other.page.locator("[data-entry]").count() == 0


def lan_sees_who_looked_and_why(lan: Person, officer: Person) -> None:
    """The unit, the case and the reason, in her own list."""
    lan.open("/my/access")
    lan.picture("access-officer")
    look = lan.page.locator("[data-entry]", has_text=WHY)
    assert look.count() == 1
    assert officer.told["unit"] in look.inner_text()
    assert "GS-1" in look.inner_text()


def nobody_reviews_themselves(browser: Browser, country: Country) -> None:
    """An officer who is a citizen too: refused, and the attempt is in the citizen's list."""
    herself = Person.at(browser, country, country.cast["herself"])
    herself.open("/my/access")
    herself.sign_in()
    at_work = Person.at(browser, country, country.cast["officer_about_herself"], size=DESKTOP)
    at_work.sign_in_as_staff()
    at_work.open("/audit/entries")
    search(at_work, herself.told["national_id"], case="GS-2", reason="Tự xem")
    assert "về chính mình" in at_work.page.inner_text("#error")
    herself.open("/my/access")
    assert herself.page.locator("[data-entry]", has_text="GS-2").count() == 1


def signed_out_means_out(officer: Person) -> None:
    """The session is over; the list asks to sign in."""
    officer.open("/audit/entries")
    officer.page.click("#staff-sign-out")
    officer.open("/audit/entries")
    assert officer.page.locator("#username").count() == 1
