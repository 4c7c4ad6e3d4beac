"""Journey: `/my/security`: another password, another second factor, and who else is signed in."""

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
NEW = "thuyền thúng 9 con ốc xanh"
HOME = "/my/security"


@pytest.fixture(params=WAYS)
def lan(request: pytest.FixtureRequest, browser: Browser, country: Country) -> Walker:
    """Lan at her telephone."""
    return Walker.on(request.param, browser, country, country.citizen("Nguyễn Thị Lan"))


def test_lan_changes_what_proves_her(lan: Walker, browser: Browser, country: Country) -> None:
    """Each change is proved, told, and seen in the list; other machines are out."""
    at_the_library = Walker.on(lan.way, browser, country, lan.told)
    for each in (lan, at_the_library):
        signs_in(each)
    lan.follows(f"[href='{HOME}']")
    she_changes_the_password(lan)
    is_out(at_the_library)
    lan.told["password"] = NEW
    signs_in(at_the_library)
    she_names_and_ends_the_other_machine(lan)
    is_out(at_the_library)
    codes = she_prints_codes(lan)
    spent = she_takes_a_new_app(lan, codes)
    assert lan.page.locator("#events [data-entry]").count() >= 5
    lan.follows("main [href='/my/access']")
    at_the_library.fills(national_id=lan.told["national_id"], password=NEW)
    at_the_library.presses("#submit-sign-in")
    at_the_library.fills(one_time_code=spent)
    at_the_library.presses("#submit-code")
    assert at_the_library.finds("#error").is_visible()


def signs_in(person: Walker) -> None:
    """With what they know now."""
    person.goes("/my")
    person.sign_in()
    person.looks()
    assert person.place == "/my"


def is_out(person: Walker) -> None:
    """The next page asks who it is."""
    person.goes("/my")
    assert person.place.startswith("/sign-in")


def she_changes_the_password(lan: Walker) -> None:
    """The old one has to be right; going back shows no password."""
    lan.follows("#change-password")
    lan.fills(password="không-phải-nó", new_password=NEW, repeated=NEW)
    lan.presses("#submit-password")
    assert lan.finds("#error a").get_attribute("href") == "#password"
    lan.fills(password=lan.told["password"], new_password=NEW, repeated=NEW)
    lan.takes("#submit-password")
    assert lan.finds("#done").is_visible()
    lan.picture("password-changed")
    lan.steps_back()
    lan.goes(HOME)


def she_names_and_ends_the_other_machine(lan: Walker) -> None:
    """The one that is not hers just now."""
    lan.goes(HOME)
    lan.follows("#devices tr:not(#here) a")
    lan.fills(device_name="Máy thư viện")
    lan.presses("#submit-name")
    assert lan.place.startswith(HOME)
    if lan.place.partition("?")[0] == HOME:
        lan.follows("#devices tr:not(#here) a")
    assert lan.page.input_value("#device-name") == "Máy thư viện"
    lan.presses("#end-session")
    assert lan.page.locator("#devices tbody tr").count() == 1
    lan.steps_back()


def she_prints_codes(lan: Walker) -> list[str]:
    """With the password and a code that still counts; ten of them."""
    lan.follows("#change-factor")
    lan.fills(password=NEW, one_time_code="000000")
    lan.presses("#choose-codes")
    assert lan.finds("#error a").get_attribute("href") == "#one-time-code"
    lan.fills(password=NEW, one_time_code=lan.told["one_time_code"])
    lan.takes("#choose-codes")
    codes = lan.page.locator("#recovery-codes code").all_inner_texts()
    lan.presses("#submit-codes")
    assert len(codes) == 10
    assert "10" in lan.finds("#codes-left").inner_text()
    return codes


def she_takes_a_new_app(lan: Walker, codes: list[str]) -> str:
    """One of the codes proves her; the code of the new app, which is told, finishes it."""
    lan.follows("#change-factor")
    lan.fills(password=NEW, one_time_code=codes[0])
    lan.takes("#choose-app")
    app = pyotp.TOTP(lan.finds("#app-secret").inner_text().replace(" ", ""))
    code = app.now()
    lan.fills(one_time_code=code)
    lan.takes("#submit-code")
    assert lan.finds("#done").is_visible()
    return code
