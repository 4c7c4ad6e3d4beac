"""What a browser may do with the pages of a request: RFC 9700 §4.2, §4.3, §4.16, §4.17."""

import re

import pytest

from tests.asking import a_sender, answered, is_refused_here, signed_in
from tests.people import lan

pytestmark = pytest.mark.usefixtures("catalogues")


@pytest.fixture
def office(client):
    return a_sender(client)


def sign_in_page(office):
    return office.client.get(office.ask().location)


def decision_page(office):
    signed_in(office.client, lan())
    return office.client.get(office.ask(scope="openid profile").location)


def posting_page(office):
    signed_in(office.client, lan())
    return office.ask(response_mode="form_post")


def error_page(office):
    answer = office.ask(redirect_uri="https://evil.test/")
    assert is_refused_here(answer)
    return answer


def sign_out_page(office):
    signed_in(office.client, lan())
    return office.client.get("/end-session")


PAGES = {
    "sign-in": (sign_in_page, 'id="national-id"'),
    "decision": (decision_page, 'id="consent-allow"'),
    "posting": (posting_page, 'id="continue"'),
    "error": (error_page, 'id="error"'),
    "sign-out": (sign_out_page, 'id="confirm-sign-out"'),
}


@pytest.fixture(params=PAGES)
def page(request, office):
    """Each page that a request may lead to."""
    opened, mark = PAGES[request.param]
    answer = opened(office)
    assert mark in answer.text
    return answer


class TestAttacker:
    """Has a page of their own, open in the same browser."""

    def test_no_page_of_ours_stands_in_a_frame(self, page):
        """RFC 9700 §4.16, RFC 6749 §10.13: also for browsers that know the older header alone."""
        policy = page.headers["Content-Security-Policy"]

        assert "frame-ancestors 'none'" in policy
        assert page.headers["X-Frame-Options"] == "DENY"

    def test_no_other_site_learns_the_address_of_a_page(self, page):
        """RFC 9700 §4.2.4: not by `Referer`, and nothing is loaded from elsewhere."""
        assert page.headers["Referrer-Policy"] == "same-origin"
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        loaded = re.findall(r'<(?:img|script|iframe|link)[^>]+(?:src|href)="([^"]+)"', page.text)
        assert all(address.startswith("/") and address[1:2] != "/" for address in loaded)

    def test_no_script_of_a_page_hands_anything_on(self, page):
        """RFC 9700 §4.17: no `postMessage`, since there is no script; and no opener is kept."""
        assert "<script" not in page.text
        assert "script-src" not in page.headers["Content-Security-Policy"]
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"

    def test_no_page_that_knows_the_request_is_kept(self, page):
        """RFC 9700 §4.3.1: the back button of another person finds nothing."""
        assert page.headers["Cache-Control"] == "no-store"

    def test_no_address_of_ours_has_a_code_in_it(self, office, client):
        """RFC 9700 §4.3.1: a code is in the one address that its service registered."""
        signed_in(client, lan())

        answer = office.ask()

        assert answer.location.startswith(office.redirect_uri + "?")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answered(answer)["code"] not in answer.text

    @pytest.mark.parametrize(
        "path", ["/token", "/par", "/introspect", "/revoke", "/userinfo", "/jwks", "/authorize"]
    )
    def test_no_script_of_another_site_reads_an_answer(self, client, path):
        """RFC 7009 §2.3: left out, as CORS is everywhere; a service asks from its server."""
        origin = {"Origin": "https://evil.test"}

        for answer in (client.get(path, headers=origin), client.options(path, headers=origin)):
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]
