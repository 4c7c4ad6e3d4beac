"""Requests that no browser brings: a screen without keys (RFC 8628), and a counter (CIBA)."""

import json

import pytest

from identity.polled.ways import CIBA, DEVICE
from tests.journeys.cast import BUSINESS
from tests.journeys.country import Country, Person
from tests.journeys.office import Office, opened

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
OFFICE = "Phòng thử nghiệm"
WORDS = "Quầy 3, số 127"


def test_lan_lets_a_kiosk_file_for_her(lan: Person, country: Country) -> None:
    """The code is on the screen; who asks, for what, and the yes are on her phone."""
    with opened(country, name=OFFICE, procedures=[BUSINESS]) as office:
        detail = {"type": "vn_procedure", "procedure": BUSINESS, "case": "HKD-88"}
        told = office.post(
            "/device_authorization", scope="openid", authorization_details=json.dumps([detail])
        )
        she_follows_the_picture_on_the_screen(lan, told)
        she_sees_that_it_is_the_kiosk_before_her(lan, told)
        she_decides_as_at_her_own_computer(lan)
        the_kiosk_has_what_it_needs(office, told)


def test_lan_answers_a_counter(lan: Person, country: Country) -> None:
    """The officer types her number; the words on both screens are the same."""
    with opened(country, name=OFFICE, procedures=[BUSINESS]) as office:
        number = lan.told["national_id"]
        said = {"scope": "openid", "login_hint": number, "binding_message": WORDS}
        told = office.post("/bc-authorize", **said)
        lan.open("/my")
        lan.sign_in()
        lan.picture("my-request")
        lan.page.click("#waiting-requests a")
        lan.page.click("#requests a")
        lan.picture("counter-asks")
        assert lan.page.inner_text("#binding-message") == WORDS
        assert lan.page.inner_text("#organisation") == OFFICE
        lan.page.click("#ciba-allow")
        lan.picture("counter-allowed")
        assert "/my/requests/allowed" in lan.page.url
        bought = office.post("/token", grant_type=CIBA, auth_req_id=told["auth_req_id"])
        assert bought["id_token"]
        lan.open("/my")
        assert "Xác nhận với cơ quan tại quầy hoặc qua điện thoại" in lan.page.inner_text(
            "#security-notices"
        )


def she_follows_the_picture_on_the_screen(lan: Person, told: dict) -> None:
    """She signs in, and finds the code filled in."""
    lan.page.goto(told["verification_uri_complete"])
    lan.sign_in()
    lan.picture("device-code")
    assert lan.page.input_value("#user-code") == told["user_code"]
    lan.page.fill("#user-code", "BBBB-BBBB")
    lan.page.click("#submit-user-code")
    lan.picture("device-code-wrong")
    assert "không đúng" in lan.page.inner_text("#error")
    lan.page.fill("#user-code", told["user_code"].replace("-", " ").lower())
    lan.page.click("#submit-user-code")


def she_sees_that_it_is_the_kiosk_before_her(lan: Person, told: dict) -> None:
    """Who asks, the same code as there, and that the device is near."""
    lan.picture("device-ask")
    assert lan.page.inner_text("#shown-code") == told["user_code"]
    assert lan.page.inner_text("#organisation") == OFFICE
    assert lan.page.inner_text("#network") == "cùng mạng với máy này"
    lan.page.click("#device-allow")


def she_decides_as_at_her_own_computer(lan: Person) -> None:
    """The page of every request, and then nothing more to do."""
    assert "HKD-88" in lan.text()
    lan.page.click("#consent-allow")
    lan.picture("device-allowed")
    assert lan.page.url.endswith("/device/allowed")


def the_kiosk_has_what_it_needs(office: Office, told: dict) -> None:
    """Tokens with the decision in them, and the data behind it."""
    code = {"grant_type": DEVICE, "device_code": told["device_code"]}
    bought = office.post("/token", **code)
    answer = office.fetch(bought, procedure=BUSINESS)
    assert answer.status_code == 200, answer.text
    assert answer.json()["case"] == "HKD-88"
