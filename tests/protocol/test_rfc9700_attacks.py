"""Attacks on the way between browser, service and us: RFC 9700 §4.1, §4.5, §4.8, §4.12."""

import secrets
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

import jwt
import pytest

from identity.tokens import pkce
from tests.asking import a_sender, answered, is_refused_here, signed_in, waiting
from tests.people import form_token, lan, minh, sign_in

pytestmark = pytest.mark.usefixtures("app")

TOKENS = {"response_type": "token", "response_mode": "fragment"}
EVIL = "https://evil.test/"


@pytest.fixture
def office(client):
    return a_sender(client)


def has_code_and_nothing_more(answer, office) -> bool:
    """The one answer of this provider: a code in the query, at the registered address."""
    place = urlsplit(answer.location)
    is_home = answer.location.startswith(office.redirect_uri + "?")
    return is_home and not place.fragment and set(answered(answer)) == {"code", "state", "iss"}


def posted(client, path, body):
    form = "application/x-www-form-urlencoded"
    return client.post(path, data=body, content_type=form)


class TestAttacker:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("is_evil_first", [True, False])
    def test_two_addresses_lead_nowhere_in_either_order(
        self, office, client, method, is_evil_first
    ):
        """Security case 2: by link and by form."""
        pair = [EVIL, office.redirect_uri] if is_evil_first else [office.redirect_uri, EVIL]
        body = urlencode(office.query(redirect_uri=pair), doseq=True)

        if method == "GET":
            answer = client.get("/authorize?" + body)
        else:
            answer = posted(client, "/authorize", body)

        assert is_refused_here(answer)

    def test_an_address_in_the_link_of_a_form_is_not_looked_at(self, office, client):
        """Security case 2: one in the query, one in the body."""
        signed_in(client, lan())
        link = "/authorize?" + urlencode({"redirect_uri": EVIL} | TOKENS)

        kept = posted(client, link, urlencode(office.query()))

        assert has_code_and_nothing_more(client.get(kept.location), office)

    @pytest.mark.parametrize("bend", ["/", "?x=1", "/../x", "%2f..", ".evil", "@evil", "#x"])
    def test_a_form_with_another_address_leads_nowhere(self, office, client, bend):
        """Security case 1."""
        told = office.query(redirect_uri=office.redirect_uri + bend)

        assert is_refused_here(posted(client, "/authorize", urlencode(told)))

    def test_a_code_of_the_attacker_is_of_no_use_with_the_victims_verifier(
        self, office, client, app
    ):
        """Security case 11: injected into the victim's callback, PKCE ends it."""
        attacker = replace(office, client=app.test_client())
        signed_in(attacker.client, minh())
        injected = answered(attacker.ask(code_challenge=pkce.challenge_of("a" * 43)))["code"]
        victims = secrets.token_urlsafe(32)
        signed_in(client, lan())
        own = answered(office.ask(code_challenge=pkce.challenge_of(victims)))["code"]

        refused = office.redeem(injected, code_verifier=victims)

        assert (refused.status_code, refused.json["error"]) == (400, "invalid_grant")
        assert office.redeem(own, code_verifier=victims).status_code == 200

    def test_a_code_of_the_attacker_has_the_attackers_nonce(self, client, app):
        """Security case 11: where a service registered without PKCE, the nonce tells."""
        office = a_sender(client, require_pkce=False)
        attacker = replace(office, client=app.test_client())
        signed_in(attacker.client, minh())
        bare = {"code_challenge": None, "code_challenge_method": None}
        injected = answered(attacker.ask(nonce="of-the-attacker", **bare))["code"]

        bought = office.redeem(injected, code_verifier=None).json["id_token"]

        said = jwt.decode(bought, options={"verify_signature": False})
        assert said["nonce"] == "of-the-attacker"

    @pytest.mark.parametrize("mode", [None, "fragment", "query", "query.jwt"])
    def test_no_token_ever_travels_through_a_browser(self, office, client, mode):
        """Security case 12: the error itself goes back in the query, to somebody signed in too."""
        signed_in(client, lan())
        wanted = ["token", "id_token", "id_token token", "code token", "code id_token", "none"]

        answers = [office.ask(response_type=each, response_mode=mode) for each in wanted]

        said = [answered(each) for each in answers]
        members = {"error", "error_description", "state", "iss"}
        if mode == "query.jwt":
            unverified = {"verify_signature": False}
            said = [jwt.decode(each["response"], options=unverified) for each in said]
            members |= {"aud", "exp", "iat"}
        assert [set(each) for each in said] == [members] * len(wanted)
        assert not any(urlsplit(each.location).fragment for each in answers)

    def test_a_request_that_waits_cannot_be_turned_into_another(self, office, client):
        """Security case 12: changed when the browser comes back to it."""
        request_id = waiting(office.ask())
        place = sign_in(client, lan(), query=f"?request={request_id}").location

        for more in (TOKENS, office.query(**TOKENS), {"redirect_uri": EVIL}):
            changed = client.get(f"{place}&{urlencode(more)}")
            assert "token=" not in changed.headers.get("Location", "")
            assert EVIL not in changed.headers.get("Location", "")
            assert "code=" not in changed.headers.get("Location", "")

        assert has_code_and_nothing_more(client.get(place), office)

    def test_a_sign_in_form_cannot_turn_the_request_into_another(self, office, client):
        """Security case 12: changed in the form's address and in its fields, step by step."""
        person = lan()
        request_id = waiting(office.ask())
        more = urlencode(TOKENS | {"redirect_uri": EVIL})
        for path, fields in (
            ("/sign-in", {"national_id": person.national_id, "password": person.password}),
            ("/sign-in/code", {"one_time_code": person.one_time_code}),
        ):
            address = f"{path}?request={request_id}&{more}"
            token = form_token(client.get(address))
            done = client.post(address, data=TOKENS | {"csrf_token": token} | fields)
            assert done.status_code == 303, done.text

        assert done.location == f"/authorize?request={request_id}"
        assert has_code_and_nothing_more(client.get(done.location), office)

    def test_a_restarted_browser_session_does_not_change_the_request(self, office, client):
        """Security case 12: signed in, signed out, in as somebody else; the request is the same."""
        request_id = waiting(office.ask())
        sign_in(client, lan(), query=f"?request={request_id}")
        client.delete_cookie("motlan-citizen")
        assert waiting(office.come_back(request_id)) == request_id

        changed = client.get(f"/sign-in?{urlencode({'request': request_id} | TOKENS)}")
        place = sign_in(client, minh(), query=f"?request={request_id}").location

        assert changed.status_code == 200
        assert has_code_and_nothing_more(client.get(place), office)

    def test_every_step_of_a_sign_in_goes_on_by_get(self, office, client):
        """Security case 4: 303 after each form, so that no password is posted on."""
        person = lan()
        kept = posted(client, "/authorize", urlencode(office.query()))
        request_id = waiting(client.get(kept.location))
        statuses = [kept.status_code]
        for path, fields in (
            ("/sign-in", {"national_id": person.national_id, "password": person.password}),
            ("/sign-in/code", {"one_time_code": person.one_time_code}),
        ):
            address = f"{path}?request={request_id}"
            told = {"csrf_token": form_token(client.get(address))} | fields
            statuses.append(client.post(address, data=told).status_code)
        statuses.append(office.come_back(request_id).status_code)

        assert statuses == [303] * 4
