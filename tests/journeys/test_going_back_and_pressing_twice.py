"""Every form of the journeys, pressed twice and after going back: no harm, clear words."""

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.country import PHONE, Country
from tests.journeys.office import ARRIVED, Office, opened
from tests.journeys.walking import Walker, Way, is_told_kindly

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
BUSINESS = "1.001612"
MINE = "Trang của tôi"
HASTE = Way("vi-VN", PHONE)


@pytest.fixture
def lan(browser: Browser, country: Country) -> Walker:
    """A Nguyễn Thị Lan who presses everything twice."""
    return Walker.on(HASTE, browser, country, country.citizen("Nguyễn Thị Lan"))


def test_an_impatient_citizen(lan: Walker, country: Country) -> None:
    """Sign-in, decision, objection, withdrawal, sign-out."""
    with opened(country, name="Phòng Kinh tế", procedures=[BUSINESS]) as office:
        signing_in(lan)
        deciding(lan, office)
        objecting(lan, office)
        withdrawing(lan, office)
        signing_out(lan)


def test_an_impatient_officer(browser: Browser, lan: Walker, country: Country) -> None:
    """Sign-in, search, answer, sign-out."""
    with opened(country, name="Phòng Kinh tế", procedures=[BUSINESS]) as office:
        office.send(lan.page, {"procedure": BUSINESS, "case": "HKD-1"})
        lan.sign_in()
        lan.page.click("#object")
        lan.page.fill("#reason", "Tôi không đăng ký kinh doanh.")
        lan.page.click("#submit-objection")
        number = lan.page.inner_text("#objection-number")
    officer = Walker.on(HASTE, browser, country, country.officer())
    searching(officer, lan)
    answering(officer, number)
    officer.open("/audit")
    twice(officer.page, "#staff-sign-out")
    officer.open("/audit")
    assert officer.page.locator("#username").count() == 1


def twice(page: Page, selector: str) -> None:
    """The same button in two windows of the same page: each of them sends the form."""
    second = page.context.new_page()
    second.goto(page.url)
    for name in ("#reason", "#answer", "#search-number", "#search-case", "#search-reason"):
        if page.locator(name).count():
            second.fill(name, page.input_value(name))
    page.click(selector)
    if second.locator(selector).count():
        second.click(selector)
    is_told_kindly(second)
    second.close()


def back(page: Page) -> None:
    """The browser's own button; what was behind may be gone, and says so."""
    page.go_back()
    is_told_kindly(page)


def signing_in(lan: Walker) -> None:
    """The code page pressed twice signs in once; back does not sign out or ask again."""
    page = lan.page
    lan.open("/my")
    page.fill("#national-id", lan.told["national_id"])
    page.fill("#password", lan.told["password"])
    lan.presses("#submit-sign-in")
    page.fill("#one-time-code", lan.told["one_time_code"])
    lan.presses("#submit-code")
    assert page.inner_text("h1") == MINE
    lan.picture("code-twice")
    back(page)
    lan.picture("back-to-code")
    lan.open("/my")
    assert page.inner_text("h1") == MINE


def deciding(lan: Walker, office: Office) -> None:
    """One decision, one answer; the page behind says that it is done."""
    page = lan.page
    office.send(page, {"procedure": BUSINESS, "case": "HKD-1"})
    lan.leaves("#consent-allow")
    assert ARRIVED in lan.text()
    lan.picture("decided-twice")
    tokens = office.redeem()
    assert office.fetch(tokens).status_code == 200
    back(page)
    assert page.locator("#consent-allow").count() == 0
    assert "Yêu cầu này đã xong" in lan.text()
    lan.open("/my/consents")
    assert page.locator("main article").count() == 1


def objecting(lan: Walker, office: Office) -> None:
    """One objection with one number, whatever was pressed; other words are another one."""
    page = lan.page
    lan.open("/my/consents")
    page.click(f"main article >> text={office.name}")
    page.click("#object")
    page.fill("#reason", "Sai địa chỉ.")
    lan.presses("#submit-objection")
    number = page.inner_text("#objection-number")
    back(page)
    lan.open("/my/consents")
    assert page.locator("#objections li").count() == 1
    assert number in page.inner_text("#objections")


def withdrawing(lan: Walker, office: Office) -> None:
    """Withdrawn once; the second press, and going back, find it done."""
    page = lan.page
    page.click(f"main article >> text={office.name}")
    page.click("#withdraw")
    twice(page, "#confirm-withdraw")
    lan.open("/my/consents")
    page.click(f"main article >> text={office.name}")
    lan.picture("withdrawn-twice")
    assert "Đã rút lại lúc" in page.inner_text("#withdrawn")
    assert page.locator("#life li:not([data-entry])").count() == 2
    back(page)


def signing_out(lan: Walker) -> None:
    """Out is out: the page behind shows nothing of hers."""
    page = lan.page
    lan.open("/my")
    lan.open("/sign-out")
    twice(page, "#confirm-sign-out")
    back(page)
    lan.open("/sign-out")
    assert "Đã đăng xuất" in lan.text()
    lan.open("/my")
    assert page.locator("#national-id").count() == 1


def searching(officer: Walker, lan: Walker) -> None:
    """A search sent twice is two searches, each of its own address; back is the form."""
    page = officer.page
    officer.open("/staff/sign-in")
    page.fill("#username", officer.told["username"])
    page.fill("#password", officer.told["password"])
    officer.presses("#submit-sign-in")
    page.fill("#one-time-code", officer.told["one_time_code"])
    officer.presses("#submit-code")
    assert page.locator("#log-health").count() == 1
    officer.open("/audit/entries")
    page.fill("#search-number", lan.told["national_id"])
    page.fill("#search-case", "GS-3")
    page.fill("#search-reason", "Người dân hỏi")
    twice(page, "#submit-search")
    assert "search=" in page.url
    back(page)
    assert page.locator("#search-number").count() == 1


def answering(officer: Walker, number: str) -> None:
    """The first answer stands; the second window is told that nothing was sent."""
    page = officer.page
    officer.open("/audit/entries")
    page.click(f"#objections >> text={number}")
    second = page.context.new_page()
    second.goto(page.url)
    page.fill("#answer", "Đã kiểm tra, không có đăng ký nào.")
    officer.presses("#submit-answer")
    assert page.inner_text("#answered").strip() == "Đã kiểm tra, không có đăng ký nào."
    second.fill("#answer", "Câu khác.")
    second.click("#submit-answer")
    assert "đã được trả lời trước đó" in second.inner_text("#error")
    assert second.inner_text("#answered").strip() == "Đã kiểm tra, không có đăng ký nào."
    second.close()
