"""Journey: from a printed letter to one's own page, with a telephone and without one."""

import re

import pyotp
import pytest
from playwright.sync_api import Browser

from tests.journeys.country import Country
from tests.journeys.walking import WAYS, Walker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.sqlite,
    pytest.mark.timeout(600),
]
NEW = "ruộng bậc thang 7 cái nón"
CODES = 10


@pytest.fixture(params=WAYS)
def buoi(request: pytest.FixtureRequest, browser: Browser, country: Country) -> Walker:
    """Mạc Thị Bưởi with her letter; she has never signed in."""
    return Walker.on(request.param, browser, country, country.newcomer())


def test_with_an_app_on_the_telephone(buoi: Walker) -> None:
    """Each mistake is told at its field; the app's code opens her page."""
    she_proves_her_letter(buoi)
    she_chooses_a_password(buoi)
    buoi.takes("#choose-app")
    assert buoi.finds(".qr svg").is_visible()
    assert buoi.finds("#app-address").get_attribute("href").startswith("otpauth://totp/")
    app = pyotp.TOTP(buoi.finds("#app-secret").inner_text().replace(" ", ""))
    buoi.fills(one_time_code="000000")
    buoi.presses("#submit-code")
    assert buoi.finds("#error a").get_attribute("href") == "#one-time-code"
    buoi.fills(one_time_code=app.now())
    buoi.presses("#submit-code")
    assert buoi.place == "/my"
    buoi.picture("activated")
    buoi.steps_back()
    buoi.follows("[href='/my/security']")
    assert not re.search(r"\d", buoi.finds("#codes-left").inner_text())
    the_letter_is_over(buoi)


def test_with_ten_codes_on_paper(buoi: Walker) -> None:
    """No telephone is needed: ten codes, of which one signs her in again."""
    she_proves_her_letter(buoi)
    she_chooses_a_password(buoi)
    buoi.takes("#choose-codes")
    codes = buoi.page.locator("#recovery-codes code").all_inner_texts()
    assert len(set(codes)) == CODES
    buoi.picture("recovery-codes")
    buoi.presses("#submit-codes")
    assert buoi.place == "/my"
    buoi.follows("[href='/sign-out']")
    buoi.presses("#confirm-sign-out")
    buoi.follows("main [href='/sign-in']")
    buoi.fills(national_id=buoi.told["national_id"], password=NEW)
    buoi.presses("#submit-sign-in")
    buoi.fills(one_time_code=codes[3])
    buoi.presses("#submit-code")
    assert buoi.place == "/my"
    buoi.follows("[href='/my/security']")
    assert str(CODES - 1) in buoi.finds("#codes-left").inner_text()


def she_proves_her_letter(buoi: Walker) -> None:
    """From the page that asks to sign in, with one wrong try."""
    buoi.goes("/my")
    buoi.follows("#activate")
    buoi.follows("main [href='/sign-in/help']")
    buoi.follows("main [href='/sign-in/activate']")
    buoi.fills(national_id=buoi.told["national_id"], letter_code="1234")
    buoi.presses("#submit-letter")
    assert buoi.finds("#error a").get_attribute("href") == "#letter-code"
    buoi.fills(national_id=buoi.told["national_id"], letter_code=buoi.told["letter_code"])
    buoi.presses("#submit-letter")
    assert buoi.place == "/sign-in/activate/password"
    buoi.steps_back()


def she_chooses_a_password(buoi: Walker) -> None:
    """Typed twice alike, and none that anybody would guess."""
    buoi.fills(new_password=NEW, repeated="khác")
    buoi.presses("#submit-password")
    assert buoi.finds("#error a").get_attribute("href") == "#repeated"
    buoi.fills(new_password="Mạc Thị Bưởi 1990", repeated="Mạc Thị Bưởi 1990")
    buoi.presses("#submit-password")
    assert buoi.finds("#error a").get_attribute("href") == "#new-password"
    buoi.fills(new_password=NEW, repeated=NEW)
    buoi.presses("#submit-password")
    assert buoi.place == "/sign-in/activate/second-factor"


def the_letter_is_over(buoi: Walker) -> None:
    """Whoever finds it in the bin gets nowhere."""
    thief = Walker.on(buoi.way, buoi.page.context.browser, buoi.country, buoi.told)
    thief.goes("/sign-in/activate")
    thief.fills(national_id=buoi.told["national_id"], letter_code=buoi.told["letter_code"])
    thief.presses("#submit-letter")
    assert thief.finds("#error").is_visible()
    assert thief.page.locator("#new-password").count() == 0
