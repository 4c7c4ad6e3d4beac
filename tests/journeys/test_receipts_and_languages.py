"""Journey: what one keeps of a decision, on paper too, and every page in the other language."""

import re

import pytest
from playwright.sync_api import Browser

from tests.journeys.cast import BUSINESS
from tests.journeys.country import PHONE, Country
from tests.journeys.office import ARRIVED, opened
from tests.journeys.walking import WAYS, Walker, Way

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.sqlite,
    pytest.mark.timeout(600),
]
PAGE_OF_A_PDF = re.compile(rb"/Type\s*/Page\b")


@pytest.mark.parametrize("way", WAYS)
def test_lan_keeps_a_receipt(way: Way, browser: Browser, country: Country) -> None:
    """From her page; printed without what nobody can press; rebuilt by its number."""
    lan = Walker.on(way, browser, country, country.citizen("Nguyễn Thị Lan"))
    with opened(country, name="Phòng Kinh tế", procedures=[BUSINESS]) as office:
        office.send(lan.page, {"procedure": BUSINESS, "case": "HKD-3"})
        lan.sign_in()
        lan.page.click("#consent-allow")
        assert ARRIVED in lan.text()
    lan.goes("/my")
    lan.follows("#receipts a")
    number = lan.finds("#receipt-number").inner_text()
    it_is_fit_for_paper(lan)
    officer = Walker.on(way, browser, country, country.other_officer())
    officer.sign_in_as_staff()
    officer.follows("nav [href='/audit/receipts']")
    officer.fills(number="không có")
    officer.presses("#submit-receipt")
    assert officer.finds("#error").is_visible()
    officer.fills(number=number)
    officer.presses("#submit-receipt")
    assert "done" in officer.finds("#verdict").get_attribute("class").split()
    assert "Nguyễn Thị Lan" not in officer.text()
    officer.steps_back()
    lan.follows("#how-to-withdraw a")
    lan.follows("#withdraw")
    lan.presses("#confirm-withdraw")
    lan.steps_back()
    assert lan.finds("#withdrawn").is_visible()


def it_is_fit_for_paper(lan: Walker) -> None:
    """The receipt, what it is worth and how to withdraw; no menu; two sheets at most."""
    page = lan.page
    page.emulate_media(media="print")
    for kept in ("#receipt-number", "#how-to-withdraw", "#promise", ".brand"):
        assert lan.finds(kept).is_visible(), kept
    for gone in (".menu", ".languages", ".bottom"):
        assert not page.locator(gone).first.is_visible(), gone
    assert 1 <= len(PAGE_OF_A_PDF.findall(page.pdf(format="A4"))) <= 2
    page.emulate_media(media="screen")


@pytest.mark.sqlite
def test_every_page_is_there_in_the_other_language(browser: Browser, country: Country) -> None:
    """One link on each page changes it and stays there, search and all; without a script."""
    lan = Walker.on(Way("vi-VN", PHONE), browser, country, country.citizen("Nguyễn Thị Lan"))
    lan.goes("/my")
    lan.sign_in()
    it_is_told_in_the_other_language(lan)
    for path in lan.page.locator("nav.menu a").evaluate_all("all => all.map(a => a.pathname)"):
        lan.goes(path)
        it_is_told_in_the_other_language(lan)
    lan.goes("/my/access?basis=law&days=30")
    it_is_told_in_the_other_language(lan)


def it_is_told_in_the_other_language(lan: Walker) -> None:
    """There and back again: the same page, and the first words of it."""
    place, words = lan.place, lan.page.inner_text("h1")
    for language in ("en-GB", "vi-VN"):
        lan.way = Way(language, lan.way.size)
        lan.follows("nav.languages a")
        assert lan.place.rstrip("?") == place
        assert (lan.page.inner_text("h1") == words) is (language == "vi-VN")
