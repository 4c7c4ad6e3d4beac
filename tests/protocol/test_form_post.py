"""Response modes: OAuth 2.0 Multiple Response Types §2.1, OAuth 2.0 Form Post Response Mode §2."""

import re
from html import unescape

import pytest

from identity import settings
from tests.asking import a_sender, answered, is_refused_here, signed_in, waiting
from tests.people import lan, sign_in
from tests.pushing import bring, pushed

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def office(client):
    return a_sender(client)


def fields_of(answer):
    """What the form posts when its button is pressed."""
    assert answer.status_code == 200, answer.text
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', answer.text)
    assert len(dict(pairs)) == len(pairs)
    return {name: unescape(value) for name, value in pairs}


def target_of(answer):
    (action,) = re.findall(r'<form method="post" action="(https[^"]*)"', answer.text)
    return unescape(action)


def test_a_code_is_posted_by_a_button(office, client):
    """Form Post §2: code, state and the issuer (RFC 9207 §2.1), and nothing in any address."""
    signed_in(client, lan())

    answer = office.ask(response_mode="form_post")

    told = fields_of(answer)
    assert told.keys() == {"code", "state", "iss"}
    assert (told["state"], told["iss"]) == (office.state, settings.current().issuer)
    assert target_of(answer) == office.redirect_uri
    assert 'id="continue"' in answer.text
    assert "<script" not in answer.text
    assert "Location" not in answer.headers
    assert office.redeem(told["code"]).status_code == 200


def test_the_page_may_post_to_that_service_alone_and_is_kept_by_nobody(office, client):
    """Form Post §4: not cached; design §8: `form-action` names the registered origin."""
    signed_in(client, lan())

    answer = office.ask(response_mode="form_post")

    origin = office.redirect_uri.removesuffix("/callback")
    assert answer.headers["Cache-Control"] == "no-store"
    assert f"form-action 'self' {origin};" in answer.headers["Content-Security-Policy"] + ";"


def test_an_error_is_posted_too(office):
    """Form Post §2: error responses as well."""
    told = fields_of(office.ask(response_mode="form_post", prompt="none"))

    assert told["error"] == "login_required"
    assert told["iss"] == settings.current().issuer


def test_who_signs_in_first_comes_back_by_the_same_way(office, client):
    """The mode waits with the request, stored or pushed."""
    stored = waiting(office.ask(response_mode="form_post"))
    reference = pushed(office, response_mode="form_post")
    of_push = waiting(bring(office, reference))

    sign_in(client, lan())

    for request_id in (stored, of_push):
        assert "code" in fields_of(office.come_back(request_id))


def test_the_query_is_the_mode_of_a_code(office, client):
    """Multiple Response Types §2.1."""
    signed_in(client, lan())

    assert "code" in answered(office.ask(response_mode="query"))
    assert "code" in answered(office.ask(response_mode=None))


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_says_what_to_do(office, client, language):
    signed_in(client, lan())

    page = office.ask(response_mode="form_post", ui_locales=language).text

    assert ("Bấm nút" in page) == (language == "vi")
    assert ("Press the button" in page) == (language == "en")


@pytest.mark.parametrize(
    "changed",
    [
        {"display": "popup"},
        {"display": "wap"},
        {"claims_locales": "de vi"},
        {"ui_locales": "xx"},
        {"acr_values": "urn:unknown"},
        {"login_hint": "somebody@example.vn"},
        {"prompt": "select_account"},
    ],
)
def test_what_a_service_may_wish_is_never_an_error(office, changed):
    """OIDC Core §3.1.2.1, §15.1; the Basic plan sends each of them."""
    assert waiting(office.ask(**changed))


class TestAttacker:
    def test_no_other_mode_is_taken(self, office):
        """RFC 9700 §2.1.2: nothing in a fragment; the error travels as if no mode was named."""
        for mode in ("fragment", "fragment.jwt", "web_message", "FORM_POST", "query "):
            assert answered(office.ask(response_mode=mode))["error"] == "invalid_request"

    def test_no_token_is_posted_through_a_browser(self, office, client):
        """Security case 12."""
        signed_in(client, lan())

        for wanted in ("token", "id_token", "code id_token", "none"):
            told = fields_of(office.ask(response_type=wanted, response_mode="form_post"))
            assert told.keys() == {"error", "error_description", "state", "iss"}

    def test_markup_in_a_state_stays_text(self, office, client):
        """Security case 61."""
        signed_in(client, lan())
        state = '"><script>alert(1)</script>'

        answer = office.ask(response_mode="form_post", state=state)

        assert fields_of(answer)["state"] == state
        assert "<script" not in answer.text

    def test_an_address_that_is_not_registered_gets_no_form(self, office, client):
        """RFC 6749 §4.1.2.1."""
        signed_in(client, lan())

        answer = office.ask(response_mode="form_post", redirect_uri="https://evil.test/")

        assert is_refused_here(answer)
        assert "evil" not in answer.text

    def test_the_page_read_again_gives_no_second_code(self, office, client):
        """Reload and back button: said plainly."""
        request_id = waiting(office.ask(response_mode="form_post"))
        sign_in(client, lan())
        assert "code" in fields_of(office.come_back(request_id))

        assert office.come_back(request_id).status_code == 409
