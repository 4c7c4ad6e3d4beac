"""Journeys of the counter officer, the inspector and the operator, each on pages of their own."""

import pytest
from playwright.sync_api import Browser

from tests.journeys.country import PHONE, Country
from tests.journeys.walking import WAITING, WAYS, Walker, Way

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.sqlite,
    pytest.mark.timeout(600),
]
NOTE = "Lý do ghi chưa rõ, cần nêu số đơn."


def at_work(role: str, way: Way, browser: Browser, country: Country) -> Walker:
    """The demo's own, signed in and at the page of their work."""
    member = Walker.on(way, browser, country, country.member(role))
    member.goes("/staff")
    member.sign_in_as_staff()
    member.looks()
    assert member.place == "/staff"
    member.follows("main a.button")
    return member


@pytest.mark.parametrize("way", WAYS)
def test_a_lost_letter_is_given_anew_at_the_counter(
    way: Way, browser: Browser, country: Country
) -> None:
    """Who came is compared with the card; the new letter works, the lost one is over."""
    newcomer = country.newcomer()
    officer = at_work("counter-officer", way, browser, country)
    officer.presses("#submit-look")
    assert officer.page.locator("#error a").count() == 3
    look_up(officer, newcomer["national_id"])
    assert officer.finds("#full-name").inner_text() == newcomer["name"]
    assert newcomer["national_id"] not in officer.page.url + officer.text()
    officer.steps_back()
    officer.presses("#give")
    lost, code = newcomer["letter_code"], officer.finds("#letter-code").inner_text()
    officer.page.emulate_media(media="print")
    assert not officer.finds("#printed").is_visible()
    officer.page.emulate_media(media="screen")
    officer.presses("#printed")
    officer.steps_back()
    assert officer.page.locator("#letter-code").count() == 0
    the_letter(lost, newcomer, officer, is_good=False)
    the_letter(code, newcomer, officer, is_good=True)


def look_up(officer: Walker, number: str) -> None:
    """A number, a reason and a card."""
    officer.fills(national_id=number)
    officer.page.check("#need")
    officer.page.check("#card")
    officer.presses("#submit-look")


def the_letter(code: str, newcomer: dict, officer: Walker, *, is_good: bool) -> None:
    """Whether a letter leads on."""
    away = Walker.on(officer.way, officer.page.context.browser, officer.country, newcomer)
    away.goes("/sign-in/activate")
    away.fills(national_id=newcomer["national_id"], letter_code=code)
    away.presses("#submit-letter")
    assert away.page.locator("#new-password").count() == (1 if is_good else 0)


@pytest.mark.sqlite
def test_whoever_is_not_on_the_card_gets_nothing(browser: Browser, country: Country) -> None:
    """The look stands in the list of the one who was looked up, with the officer's unit."""
    lan = Walker.on(Way("vi-VN", PHONE), browser, country, country.citizen("Nguyễn Thị Lan"))
    officer = at_work("counter-officer", lan.way, browser, country)
    look_up(officer, lan.told["national_id"])
    officer.presses("#reject")
    assert officer.finds("#done").is_visible()
    lan.goes("/my")
    lan.sign_in()
    lan.follows("nav [href='/my/access']")
    assert lan.page.locator("[data-entry]", has_text=officer.told["unit"]).count() >= 1


@pytest.mark.parametrize("way", WAYS)
def test_an_inspector_reviews_a_look(way: Way, browser: Browser, country: Country) -> None:
    """From the days to one look of the sample; what is said of it stays said."""
    inspector = at_work("inspector", way, browser, country)
    inspector.follows(f"#days {WAITING} a")
    inspector.follows(f"#sample {WAITING} a")
    inspector.presses("#to-explain")
    assert inspector.finds("#error a").get_attribute("href") == "#note"
    inspector.fills(note=NOTE)
    inspector.presses("#to-explain")
    assert inspector.finds("#said-note").inner_text() == NOTE
    inspector.steps_back()
    inspector.follows("main [href^='/inspection/days/']")
    inspector.follows("main [href='/inspection']")
    assert inspector.page.locator("#to-explain a").count() >= 1
    inspector.follows("nav [href='/staff/members']")
    inspector.presses("#staff-sign-out")


@pytest.mark.parametrize("way", WAYS)
def test_an_operator_sees_how_it_runs(way: Way, browser: Browser, country: Country) -> None:
    """One page, only to be read; nothing on it is about a person."""
    operator = at_work("operator", way, browser, country)
    assert operator.page.locator("#keys tbody tr").count() >= 2
    assert operator.page.locator("#duties tbody tr").count() >= 1
    assert operator.page.locator("main form").count() == 0
    operator.presses("#staff-sign-out")
