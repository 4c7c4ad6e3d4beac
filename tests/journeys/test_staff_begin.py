"""Journey: each role of the staff, from the link to the first sign-in, and what is barred."""

from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.sync_api import Browser

from tests.journeys.country import Country
from tests.journeys.walking import WAYS, Walker, Way

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.sqlite,
    pytest.mark.timeout(600),
]
NEW = "đò ngang 6 bến nước trong"
ROLES = ("security-officer", "inspector", "counter-officer", "operator")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("role", ROLES)
def test_from_the_link_to_the_first_sign_in(
    role: str, way: Way, browser: Browser, country: Country
) -> None:
    """The code, a password, an app, ten codes; then the page of one's role, and no other's."""
    hanh = Walker.on(way, browser, country, country.invited(role))
    link = urlsplit(hanh.told["link"]).path
    hanh.goes(link)
    hanh.fills(code="0000 0000 0000 0000")
    hanh.presses("#submit-enrolment")
    assert hanh.finds("#error a").get_attribute("href") == "#code"
    hanh.fills(code=hanh.told["code"])
    hanh.presses("#submit-enrolment")
    codes = she_chooses_what_proves_her(hanh)
    she_signs_in(hanh, codes)
    if role == "security-officer":
        assert hanh.place == "/audit"
        hanh.goes("/staff")
    assert hanh.finds("#role").inner_text()
    what_is_not_hers_is_barred(hanh, role)
    hanh.goes("/staff")
    hanh.follows("nav [href='/staff/security']")
    assert "10" not in hanh.finds("#codes-left").inner_text()
    hanh.presses("#staff-sign-out")
    assert hanh.place.startswith("/staff/sign-in")
    hanh.goes(link)
    assert hanh.page.locator("#code, #error").count()


def she_chooses_what_proves_her(hanh: Walker) -> list[str]:
    """Her name and unit stand on the page; the ten codes."""
    assert hanh.finds("#username").inner_text() == hanh.told["username"]
    hanh.fills(new_password="12345678", repeated="12345678")
    hanh.presses("#submit-password")
    assert hanh.finds("#error a").get_attribute("href") == "#new-password"
    hanh.fills(new_password=NEW, repeated=NEW)
    hanh.presses("#submit-password")
    hanh.steps_back()
    app = pyotp.TOTP(hanh.finds("#app-secret").inner_text().replace(" ", ""))
    hanh.fills(one_time_code=app.now())
    hanh.presses("#submit-code")
    codes = hanh.page.locator("#recovery-codes code").all_inner_texts()
    assert len(codes) == 10
    hanh.presses("#submit-codes")
    assert hanh.place.partition("?")[0] == "/staff/sign-in"
    assert hanh.finds("#enrolled").is_visible()
    return codes


def she_signs_in(hanh: Walker, codes: list[str]) -> None:
    """With one of the codes: the app's was shown a moment ago."""
    hanh.fills(username=hanh.told["username"], password=NEW)
    hanh.presses("#submit-sign-in")
    hanh.fills(one_time_code=codes[0])
    hanh.presses("#submit-code")


def what_is_not_hers_is_barred(hanh: Walker, role: str) -> None:
    """The access log is for security officers; who works here is no business of the counter."""
    listed = hanh.page.locator("nav a[href='/staff/members']").count()
    assert listed == (0 if role == "counter-officer" else 1)
    for path, allowed in (
        ("/audit", {"security-officer"}),
        ("/audit/exports", {"security-officer"}),
        ("/staff/members", set(ROLES) - {"counter-officer"}),
    ):
        hanh.goes(path)
        assert hanh.page.locator("#error").count() == (0 if role in allowed else 1), (role, path)
