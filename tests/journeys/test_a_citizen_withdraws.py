"""Journey 4: a citizen withdraws, and from that moment nothing more is fetched."""

import pytest
from playwright.sync_api import Browser

from tests.journeys.country import DESKTOP, Country, Person
from tests.journeys.office import ARRIVED, Office, opened

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
BUSINESS = "1.001612"


def test_lan_changes_her_mind(lan: Person, browser: Browser, country: Country) -> None:
    """Three taps from her list; twice is told, another's decision does not exist."""
    with opened(country, name="Phòng Kinh tế", procedures=[BUSINESS]) as office:
        tokens = she_lets_the_office_fetch(lan, office)
        address = she_thinks_again_and_keeps_it(lan, office)
        assert office.fetch(tokens).status_code == 200
        nobody_else_can_open_it(browser, country, address)
        she_withdraws_in_one_tab_of_two(lan)
        refused = office.fetch(tokens)
        assert refused.status_code == 403
        assert refused.json()["type"] == "urn:motlan:error:not-covered"
        she_is_asked_again_as_if_for_the_first_time(lan, office)


def she_lets_the_office_fetch(lan: Person, office: Office) -> dict:
    """She sends it, and the office holds a token."""
    office.send(lan.page, {"procedure": BUSINESS, "case": "HKD-9"})
    lan.sign_in()
    lan.page.click("#consent-allow")
    assert ARRIVED in lan.text()
    tokens = office.redeem()
    assert office.fetch(tokens).status_code == 200
    return tokens


def she_thinks_again_and_keeps_it(lan: Person, office: Office) -> str:
    """The page before the button says what stops; *Giữ nguyên* changes nothing; the address."""
    page = lan.page
    lan.open("/my")
    page.click("main a[href='/my/consents']")
    page.locator("main a", has_text=office.name).click()
    address = page.url
    page.click("#withdraw")
    assert "không lấy thêm được dữ liệu" in lan.text()
    page.locator("main a.button", has_text="Giữ nguyên").click()
    assert page.url == address
    assert "Đang có hiệu lực" in lan.text()
    return address


def nobody_else_can_open_it(browser: Browser, country: Country, address: str) -> None:
    """To another citizen there is no such decision."""
    huyen = Person.at(browser, country, country.citizen("Đặng Ngọc Huyền"), size=DESKTOP)
    huyen.open("/my")
    huyen.sign_in()
    for path in (address, f"{address}/withdraw", f"{address}/object"):
        answer = huyen.page.goto(path)
        assert answer is not None
        assert answer.status == 404
        assert "Không có quyết định này" in huyen.page.inner_text("#error")


def she_withdraws_in_one_tab_of_two(lan: Person) -> None:
    """The second press finds it done already."""
    page = lan.page
    page.click("#withdraw")
    second = page.context.new_page()
    second.goto(page.url)
    page.click("#confirm-withdraw")
    lan.picture("withdrawn-receipt")
    assert "Đã rút lại lúc" in page.inner_text("#withdrawn")
    assert "chưa có nơi nhận" in page.inner_text("#withdrawn")
    assert page.locator("#withdraw").count() == 0
    second.click("#confirm-withdraw")
    assert "đã được rút lại" in second.inner_text("main")
    second.close()
    lan.open("/my/consents")
    assert "Đã rút lại" in lan.text()


def she_is_asked_again_as_if_for_the_first_time(lan: Person, office: Office) -> None:
    """A withdrawn decision is taken into no new grant."""
    office.send(lan.page, {"procedure": BUSINESS, "case": "HKD-9"})
    assert lan.page.locator("#consent-allow").count() == 1
    assert "code" not in lan.page.url
