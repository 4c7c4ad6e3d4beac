"""The authorization endpoint: RFC 6749 §3.1, §4.1; RFC 7636 §4.3; RFC 9700 §4."""

import threading
import uuid
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from sqlalchemy import func, select

from identity import clock, database
from identity.database import transaction
from identity.granted.records import AuthorizationCode, ServiceGrant
from identity.public_services import registered
from identity.registration.register import register
from identity.requested import pending
from identity.requested.records import AuthorizationRequest
from tests.asking import Sender, a_sender, answered, is_refused_here, signed_in, waiting
from tests.people import lan, sign_in
from tests.public_services import registration

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def office(client):
    return a_sender(client)


def codes_of(person):
    wanted = select(func.count()).where(AuthorizationCode.citizen_id == person.citizen_id)
    return database.row(wanted)[0]


def stored_by(office):
    wanted = select(func.count()).where(AuthorizationRequest.public_service_id == office.service.id)
    return database.row(wanted)[0]


def test_who_is_signed_in_and_has_nothing_to_decide_goes_straight_back(office, client):
    """RFC 6749 §4.1.2; design §8: no pending row."""
    signed_in(client, lan())

    answer = office.ask()

    told = answered(answer)
    assert answer.location.startswith(office.redirect_uri + "?")
    assert told["state"] == office.state
    assert set(told) == {"code", "state", "iss"}
    assert stored_by(office) == 0


def test_the_code_of_an_answer_buys_tokens(office, client):
    """RFC 6749 §4.1.3."""
    signed_in(client, lan())
    code = answered(office.ask())["code"]

    bought = office.redeem(code)

    assert bought.status_code == 200, bought.json
    assert bought.json["id_token"]


@pytest.mark.postgresql
def test_a_sign_in_that_asks_nothing_costs_two_round_trips(office, client):
    """Design §9: the session, then one statement with one commit."""
    signed_in(client, lan())
    registered.find(office.played.client_id)

    with database.counted() as tally:
        answer = office.ask()

    assert "code" in answered(answer)
    assert (tally.round_trips, tally.commits) == (2, 1)


def test_who_is_not_signed_in_signs_in_first_and_comes_back(office, client):
    """Journey 1: the request waits for ten minutes in this browser."""
    person = lan()
    request_id = waiting(office.ask())

    done = sign_in(client, person, query=f"?request={request_id}")

    assert done.location == f"/authorize?request={request_id}"
    assert answered(client.get(done.location))["state"] == office.state


def test_the_sign_in_page_says_who_asks_and_may_lead_back_there(office, client):
    """Design §8: form-action names the registered redirect origin."""
    request_id = waiting(office.ask())

    page = client.get(f"/sign-in?request={request_id}")

    assert "Cơ quan thuế" in page.text
    origin = office.redirect_uri.removesuffix("/callback")
    assert f"form-action 'self' {origin}" in page.headers["Content-Security-Policy"]


def test_a_posted_request_is_stored_and_opened_by_get(office, client):
    """OIDC Core §3.1.2.1; a form of another site brings no cookie, and sets none."""
    headers = {"Origin": "https://elsewhere.test", "Sec-Fetch-Site": "cross-site"}

    kept = client.post("/authorize", data=office.query(), headers=headers)

    assert kept.status_code == 303
    assert "Set-Cookie" not in kept.headers
    assert waiting(client.get(kept.location))


def test_a_posted_request_belongs_to_the_browser_that_opens_it_first(office, client, app):
    """Design §8: a pending request is bound to the browser cookie."""
    kept = client.post("/authorize", data=office.query())
    client.get(kept.location)

    stranger = app.test_client().get(kept.location)

    assert stranger.status_code == 404
    assert 'id="error"' in stranger.text


def test_a_reload_before_the_answer_works(office):
    """PAR and reloads, reference/provider.md §6.7."""
    request_id = waiting(office.ask())

    again = [waiting(office.come_back(request_id)) for _ in range(3)]

    assert again == [request_id] * 3


def test_an_answered_request_says_so_and_gives_no_second_code(office, client):
    """The back button after the answer: a page with a way on."""
    person = lan()
    request_id = waiting(office.ask())
    answered(client.get(sign_in(client, person, query=f"?request={request_id}").location))

    page = office.come_back(request_id)

    assert page.status_code == 409
    assert 'href="/my"' in page.text
    assert "Location" not in page.headers
    assert codes_of(person) == 1


def test_a_request_that_waited_ten_minutes_is_over(office):
    """Design §8."""
    request_id = waiting(office.ask())

    with time_machine.travel(clock.now() + pending.LIFETIME + timedelta(seconds=1), tick=False):
        page = office.come_back(request_id)

    assert page.status_code == 404
    assert 'id="error"' in page.text


def test_a_decision_is_kept_once_for_a_person_and_never_after_the_answer(office):
    """Design §2.3: a second click decides nothing; another person decides for themselves."""
    stored = uuid.UUID(hex=waiting(office.ask()))

    def decides(citizen):
        with transaction():
            pending.decide(stored, {"citizen": citizen, "grant_id": None})

    decides("a")
    with pytest.raises(pending.AlreadyAnswered):
        decides("a")
    decides("b")
    with transaction():
        pending.answer(stored)
    with pytest.raises(pending.AlreadyAnswered):
        decides("c")


def test_a_page_of_a_request_that_is_over_says_so(client):
    """Whichever area's page it is."""
    signed_in(client, lan())

    page = client.get(f"/consent/{uuid.uuid4()}")

    assert page.status_code == 404
    assert 'id="error"' in page.text


def test_a_redirect_uri_with_a_query_keeps_it(client):
    """RFC 6749 §3.1.2; reference/provider.md §6.3."""
    uri = "https://with-query.motlan.test/callback?dummy1=lorem&dummy2=ipsum"
    office = a_sender(client, redirect_uris=[uri])
    signed_in(client, lan())

    answer = office.ask()

    assert answer.location.startswith(uri + "&")
    assert "code" in answered(answer)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"nonce": "n" * 513}, "invalid_request"),
        ({"scope": "openid " + " ".join(f"x{n}" for n in range(60))}, "invalid_scope"),
        ({"scope": ["openid", "openid"]}, "invalid_request"),
        ({"nonce": ["a", "b"]}, "invalid_request"),
    ],
)
def test_what_is_wrong_goes_back_with_state_and_issuer(office, changed, error):
    """RFC 6749 §4.1.2.1."""
    told = answered(office.ask(**changed))

    assert told["error"] == error
    assert told["state"] == office.state
    assert told["iss"]


def test_a_state_sent_twice_is_refused_and_not_given_back(office):
    """RFC 6749 §3.1: neither of two values is the state."""
    told = answered(office.ask(state=["a", "b"]))

    assert told["error"] == "invalid_request"
    assert "state" not in told


def test_parameters_nobody_knows_are_ignored(office, client):
    """RFC 6749 §3.1."""
    signed_in(client, lan())

    answer = office.ask(extra="foo", display="page", claims_locales="vi", login_hint="anybody")

    assert "code" in answered(answer)


def test_a_request_without_state_is_answered_without(office, client):
    """reference/provider.md §6.7."""
    signed_in(client, lan())

    assert set(answered(office.ask(state=None))) == {"code", "iss"}


def test_a_confidential_service_registered_so_may_leave_pkce_out(client):
    """Issue item 5; reference/provider.md §6.2."""
    office = a_sender(client, require_pkce=False)
    signed_in(client, lan())

    code = answered(office.ask(code_challenge=None, code_challenge_method=None))["code"]

    assert office.redeem(code, code_verifier=None).status_code == 200


def test_a_service_without_the_code_grant_hears_so(client):
    """RFC 6749 §4.1.2.1."""
    office = a_sender(client, grant_types=["client_credentials"])

    assert office.error() == "unauthorized_client"


class TestAttacker:
    @pytest.mark.parametrize(
        "bend",
        [
            lambda uri: uri + "/",
            lambda uri: uri + "?x=1",
            lambda uri: uri + "/../x",
            lambda uri: uri + "%2f..",
            lambda uri: uri.upper(),
            lambda uri: uri.replace("/callback", "/CALLBACK"),
            lambda uri: uri.replace(".test/", ".test:444/"),
            lambda uri: uri.replace(".test/", ".test.evil/"),
            lambda uri: uri.replace(".test/", ".test@evil/"),
            lambda uri: uri + "#fragment",
            lambda uri: uri.replace("https:", "http:"),
            lambda _uri: "javascript:alert(1)",
            lambda _uri: "",
        ],
    )
    def test_an_address_that_is_not_to_the_letter_leads_nowhere(self, office, bend):
        """Security case 1."""
        assert is_refused_here(office.ask(redirect_uri=bend(office.redirect_uri)))

    def test_two_redirect_uris_lead_nowhere(self, office):
        """Security case 2."""
        answer = office.ask(redirect_uri=[office.redirect_uri, "https://evil.test/"])

        assert is_refused_here(answer)

    @pytest.mark.parametrize("client_id", [None, "nobody", "' OR 1=1 --", "x" * 5000, ["a", "b"]])
    def test_an_unknown_service_leads_nowhere(self, office, client_id):
        """RFC 6749 §4.1.2.1."""
        answer = office.ask(client_id=client_id, redirect_uri=office.redirect_uri)

        assert is_refused_here(answer)

    def test_what_is_said_is_escaped_on_the_page(self, office):
        """Security case 61."""
        page = office.ask(client_id="<script>alert(1)</script>", state="<script>")

        assert is_refused_here(page)
        assert "<script>" not in page.text

    def test_no_posted_form_is_ever_posted_on(self, office, client):
        """Security case 4; RFC 9700 §4.12."""
        person = lan()
        request_id = waiting(office.ask())

        done = sign_in(client, person, query=f"?request={request_id}")

        assert done.status_code == 303
        assert client.get(done.location).status_code == 303

    def test_a_public_service_cannot_leave_pkce_out(self, client):
        """Security case 9."""
        office = a_sender(client, token_endpoint_auth_method="none")

        assert office.error(code_challenge=None, code_challenge_method=None) == "invalid_request"

    def test_a_stolen_request_id_opens_in_no_other_browser(self, office, app):
        """Design §8."""
        request_id = waiting(office.ask())
        thief = app.test_client()
        signed_in(thief, lan())

        answer = thief.get(f"/authorize?request={request_id}")

        assert answer.status_code == 404
        assert waiting(office.come_back(request_id)) == request_id

    @pytest.mark.parametrize("told", ["", "x", "0" * 32, "' OR 1=1", "%00", "../../etc/passwd"])
    def test_an_invented_request_id_is_refused_plainly(self, client, told):
        """Never a 500."""
        answer = client.get("/authorize?" + urlencode({"request": told}))

        assert answer.status_code in {400, 404}
        assert 'id="error"' in answer.text

    def test_a_session_on_a_head_start_gets_one_code_for_one_stored_request(self, office, client):
        """A double click: of many answers to one stored request one has the code."""
        person = lan()
        request_id = waiting(office.ask())
        sign_in(client, person, query=f"?request={request_id}")
        cookies = "; ".join(f"{c.key}={c.value}" for c in client._cookies.values())
        answers = []

        def open_it():
            fresh = client.application.test_client(use_cookies=False)
            path = f"/authorize?request={request_id}"
            answers.append(fresh.get(path, headers={"Cookie": cookies}).status_code)

        threads = [threading.Thread(target=open_it) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(answers) == [303] + [409] * 5
        assert codes_of(person) == 1

    def test_an_address_taken_back_gets_no_code_although_it_is_remembered(self, office, client):
        """Design §4: what is remembered counts only at its version."""
        person = lan()
        signed_in(client, person)
        before = office.query()
        remembered = office.service
        told = registration(client_id=office.played.client_id)
        told["organisation"]["code"] = remembered.organisation.code
        register([told])
        registered._memory.keep(remembered)

        answer = client.get("/authorize?" + urlencode(before))

        assert is_refused_here(answer)
        assert codes_of(person) == 0
        wanted = select(func.count()).where(ServiceGrant.citizen_id == person.citizen_id)
        assert database.row(wanted)[0] == 0

    def test_everything_at_once_and_too_long_is_refused_plainly(self, client, office):
        """Security cases 62, 63."""
        many = urlencode([("x", str(n)) for n in range(300)])
        form = {"Content-Type": "application/x-www-form-urlencoded"}

        assert client.get("/authorize?" + many).status_code == 400
        assert client.post("/authorize", data="a=%ff", headers=form).status_code == 400
        assert client.post("/authorize", data=b"{}", content_type="text/x").status_code == 415
        assert Sender(client, office.played).error(claims="{" * 4000) == "invalid_request"
