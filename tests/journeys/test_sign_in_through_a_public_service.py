"""Journey 1: a citizen signs in through a public service, and out again."""

import pytest
from playwright.sync_api import Browser

from tests.journeys.country import Country, Person
from tests.journeys.office import ARRIVED, opened

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
SIGN_IN_HEADING = "Đăng nhập"
FORGOTTEN = "Chưa đăng nhập ở đây, hoặc đã đăng xuất."  # by the sample service


def test_lan_signs_in_and_out(lan: Person, browser: Browser, country: Country) -> None:
    """Wrong tries are told plainly; one sign-in serves both services; out means out."""
    she_mistypes_and_is_told(lan)
    she_signs_in_and_files_it_herself(lan)
    she_is_not_asked_to_sign_in_again(lan)
    elsewhere = she_signs_in_elsewhere(lan, browser)
    she_signs_out_here_only(lan, elsewhere)
    she_signs_out_everywhere(lan, elsewhere)
    an_address_that_was_bent_leads_nowhere(lan)
    the_page_speaks_the_language_that_was_asked_for(elsewhere, country)


def the_page_speaks_the_language_that_was_asked_for(lan: Person, country: Country) -> None:
    """`ui_locales` before the browser's, and the person's own choice before both."""
    page = lan.page
    with opened(country, name="Phòng thử nghiệm", procedures=["1.001612"]) as office:
        office.send(page, ui_locales="en vi")
        assert (page.get_attribute("html", "lang"), page.inner_text("h1")) == ("en", "Sign in")
        page.click("nav.languages a")
        assert page.inner_text("h1") == SIGN_IN_HEADING
        assert page.get_attribute("html", "lang") == "vi"
        page.click("nav.languages a")
        lan.sign_in()
        assert ARRIVED in lan.text()  # `openid` alone shows no decision page
        office.send(page, {"procedure": "1.001612", "case": "HS-000001"}, ui_locales="vi")
        lan.picture("decision-english")
        assert page.inner_text("#consent-deny") == "I will file it myself"
        assert page.get_attribute("html", "lang") == "en"


def she_mistypes_and_is_told(lan: Person) -> None:
    """Each error says what to do, and never which half of the pair was wrong."""
    page = lan.page
    lan.start("1.004222")
    assert "Công an phường Tân Định" in lan.text()
    page.fill("#national-id", "12345")
    page.fill("#password", "khong-phai-mat-khau")
    page.click("#submit-sign-in")
    assert "12 chữ số" in page.inner_text("#error")
    page.fill("#national-id", lan.told["national_id"])
    page.fill("#password", "khong-phai-mat-khau")
    page.click("#submit-sign-in")
    lan.picture("sign-in-wrong")
    assert "không đúng" in page.inner_text("#error")
    assert page.input_value("#password") == ""
    number = lan.told["national_id"]
    page.fill("#national-id", f" {number[:3]}.{number[3:6]} {number[6:9]}-{number[9:]} ")
    page.fill("#password", lan.told["password"])
    page.click("#submit-sign-in")
    page.fill("#one-time-code", "000000")
    page.click("#submit-code")
    lan.picture("code-wrong")
    assert "Mã không đúng" in page.inner_text("#error")
    page.fill("#one-time-code", lan.told["one_time_code"])
    page.click("#submit-code")


def she_signs_in_and_files_it_herself(lan: Person) -> None:
    """*Tôi tự nộp*: she is signed in, and nothing of hers was sent."""
    page = lan.page
    page.click("#consent-deny")
    assert page.url.startswith(lan.country.sample)
    assert page.inner_text("#note") == "Người dân tự nộp giấy tờ."
    assert page.locator("[id^=value-]").count() == 0


def she_is_not_asked_to_sign_in_again(lan: Person) -> None:
    """The second service finds the session."""
    lan.start("3.000347")
    assert lan.page.locator("#national-id").count() == 0
    lan.page.click("#consent-allow")
    assert lan.page.inner_text("#value-full_name") == "Nguyễn Thị Lan"


def she_signs_in_elsewhere(lan: Person, browser: Browser) -> Person:
    """At a second device; the page asks before it signs anybody out."""
    elsewhere = Person.at(browser, lan.country, lan.told)
    elsewhere.open("/my")
    elsewhere.sign_in()
    assert elsewhere.page.inner_text("h1") == "Trang của tôi"
    elsewhere.open("/sign-out")
    elsewhere.page.click("#stay-signed-in")
    assert elsewhere.page.inner_text("h1") == "Trang của tôi"
    return elsewhere


def she_signs_out_here_only(lan: Person, elsewhere: Person) -> None:
    """What this session bought ends with it, and both services hear of it; elsewhere she stays."""
    lan.open("/sign-out")
    lan.picture("sign-out")
    lan.page.click("#confirm-sign-out")
    assert "Đã đăng xuất" in lan.text()
    lan.country.serving.until(lambda: FORGOTTEN in note_at(lan, "3.000347"))
    assert FORGOTTEN in note_at(lan, "1.004222")
    lan.open("/my")
    assert lan.page.inner_text("h1") == SIGN_IN_HEADING
    elsewhere.open("/my")
    assert elsewhere.page.inner_text("h1") == "Trang của tôi"


def note_at(lan: Person, procedure: str) -> str:
    """What the sample service says when she comes back to what it fetched."""
    lan.page.goto(f"{lan.country.sample}/fetch/{procedure}")
    assert lan.page.locator("#value-full_name").count() == 0
    return lan.page.inner_text("#note")


def she_signs_out_everywhere(lan: Person, elsewhere: Person) -> None:
    """From one device, for all of them."""
    lan.sign_in()
    lan.open("/sign-out")
    lan.page.check("#everywhere")
    lan.page.click("#confirm-sign-out")
    elsewhere.open("/my")
    assert elsewhere.page.inner_text("h1") == SIGN_IN_HEADING


def an_address_that_was_bent_leads_nowhere(lan: Person) -> None:
    """A redirect URI that nobody registered: a page with 400, and no redirect."""
    bent = "/authorize?client_id=commune-police&response_type=code&redirect_uri=http://127.0.0.1:1/"
    answer = lan.page.goto(lan.country.issuer + bent)
    lan.picture("not-valid")
    assert answer is not None
    assert answer.status == 400
    assert "Yêu cầu không hợp lệ" in lan.page.inner_text("#error")
    assert lan.page.url.startswith(lan.country.issuer)
