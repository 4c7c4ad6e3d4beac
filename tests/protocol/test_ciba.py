"""Client-Initiated Backchannel Authentication, OpenID CIBA Core 1.0: poll and ping."""

import json
import re
from datetime import timedelta

import jwt
import pytest
import time_machine

from identity import clock, settings
from identity.ciba.asking import LIFETIME, LONGEST_LIFE, LONGEST_MESSAGE
from identity.registration.register import BadRegistrationError, register
from tests.asking import Sender, a_sender, answered
from tests.backchannel import Desk, a_desk, allow, answer, page_of
from tests.deciding import CONSENT, detail, shown
from tests.people import form_token
from tests.public_services import Played, a_service, registration

pytestmark = pytest.mark.usefixtures("catalogues")
SECRET = "a-fixed-secret-of-ours-0123456789"


def test_a_service_gets_what_it_polls_with(desk, person):
    """CIBA Core §7.3: unguessable, of letters that fit everywhere, for five minutes."""
    told = desk.ask(person)

    assert told.status_code == 200
    assert told.headers["Cache-Control"] == "no-store"
    assert told.json.keys() == {"auth_req_id", "expires_in", "interval"}
    assert re.fullmatch(r"[A-Za-z0-9._-]{43,}", told.json["auth_req_id"])
    assert (told.json["interval"], told.json["expires_in"]) == (5, 300)
    assert told.json["auth_req_id"] not in repr(desk.kept())
    assert person.national_id not in repr(desk.kept())


def test_the_person_allows_it_and_the_service_has_tokens(desk, person, phone):
    """CIBA Core §10.1."""
    desk.ask(person)
    assert desk.error() == "authorization_pending"
    assert 'href="/my/requests"' in phone.get("/my").text

    assert allow(phone).location == "/my/requests/allowed"

    told = desk.poll().json
    assert told["scope"] == "openid"
    assert "id_token" in told
    bearer = {"Authorization": f"Bearer {told['access_token']}"}
    assert phone.get("/userinfo", headers=bearer).json.keys() == {"sub"}
    assert "waiting-requests" not in phone.get("/my").text


def test_the_tokens_say_how_the_person_signed_in(desk, person, phone):
    """CIBA Core §7.1, acr_values: a wish, told as it was earned; and no word of the request."""
    desk.ask(person, acr_values="vn:auth:4 vn:auth:2", ui_locales="en")
    assert "Confirm with this agency?" in page_of(phone).text
    allow(phone)

    claims = jwt.decode(desk.poll().json["id_token"], options={"verify_signature": False})

    assert (claims["acr"], claims["aud"]) == ("vn:auth:2", desk.played.client_id)
    assert not [name for name in claims if name.startswith("urn:openid:params:jwt:claim")]


def test_who_says_no_is_obeyed(desk, person, phone):
    """CIBA Core §11: access_denied."""
    desk.ask(person)

    assert answer(phone, "deny").location == "/my/requests/refused"

    assert desk.error() == "access_denied"


def test_what_needs_a_decision_is_asked_as_everywhere(desk, person, phone):
    """The same pages, the same decision, the same details in the token."""
    desk.ask(person, authorization_details=json.dumps([detail(procedure=CONSENT, case=None)]))
    page = phone.get(allow(phone).location)
    purpose = re.search(r'name="purpose" id="[^"]+" value="([^"]+)"', page.text)[1]
    told = {"csrf_token": form_token(page), "shown": shown(page), "purpose": purpose}

    decided = phone.post(page.request.path, data=told | {"answer": "allow"})

    assert phone.get(decided.location).location == "/my/requests/allowed"
    (granted,) = desk.poll().json["authorization_details"]
    assert granted["procedure"] == CONSENT


@pytest.mark.sqlite
def test_the_binding_message_is_shown_exactly(desk, person, phone):
    """CIBA Core §7.1, security case 67: the same there and here, markup and all."""
    desk.ask(person, binding_message="Quầy 3: <b>A&B</b> – {{7*7}}")

    page = page_of(phone).text

    assert "Quầy 3: &lt;b&gt;A&amp;B&lt;/b&gt; – {{7*7}}" in page


@pytest.mark.sqlite
def test_a_message_that_could_not_be_seen_as_it_is_is_refused(desk, person):
    """CIBA Core §13: invalid_binding_message."""
    for message in ("a\nb", "x" * (LONGEST_MESSAGE + 1), " a", "a\u202eb", "e\u0301", "\u200b"):
        told = desk.ask(person, binding_message=message)
        assert (told.status_code, told.json["error"]) == (400, "invalid_binding_message"), message
    assert not desk.kept()


@pytest.mark.sqlite
def test_nothing_is_sent_twice(desk, person):
    """RFC 6749 §3.2, not even what we do not know; but for resources (RFC 8707 §2)."""
    for twice in ({"scope": ["openid", "openid"]}, {"unknown": ["a", "b"]}):
        assert desk.ask(person, **twice).json["error"] == "invalid_request", twice
    here = settings.current().issuer
    assert desk.ask(person, resource=[here, f"{here}/api"]).status_code == 200


@pytest.mark.sqlite
def test_the_service_says_how_long_it_waits(desk, person):
    """CIBA Core §7.1, requested_expiry: no longer than we let it."""
    assert desk.ask(person, requested_expiry="30").json["expires_in"] == 30
    longest = desk.ask(person, requested_expiry="99999").json["expires_in"]
    assert longest == LONGEST_LIFE.total_seconds()
    for wrong in ("0", "-1", "1.5", "x", "١"):
        assert desk.ask(person, requested_expiry=wrong).json["error"] == "invalid_request", wrong


def test_who_does_not_answer_in_time_lets_it_expire(desk, person, phone):
    """CIBA Core §11: expired_token."""
    desk.ask(person)
    page = page_of(phone)

    with time_machine.travel(clock.now() + LIFETIME, tick=True):
        assert desk.error() == "expired_token"
        assert answer(phone, "allow", page=page).status_code == 404


def test_who_polls_too_often_has_to_wait_longer(desk, person):
    """CIBA Core §11: slow_down, five seconds more."""
    desk.ask(person)
    now = clock.now()
    told = []
    for seconds in (0, 5, 7, 13):
        with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
            told.append((desk.error(), desk.kept()[0].interval_seconds))

    pending = "authorization_pending"
    assert told == [(pending, 5), (pending, 5), ("slow_down", 10), ("slow_down", 15)]


def test_who_signed_in_before_is_known_by_the_id_token(app, phone):
    """CIBA Core §7.1, id_token_hint: whoever it is about is asked, and nobody else."""
    both = a_sender(
        phone,
        grant_types=["authorization_code", "urn:openid:params:grant-type:ciba"],
        backchannel_token_delivery_mode="poll",
    )
    bought = both.redeem(answered(both.ask())["code"]).json
    desk = Desk(app.test_client(), both.played)

    assert desk.ask(id_token_hint=bought["id_token"]).status_code == 200
    assert allow(phone).location == "/my/requests/allowed"
    assert desk.poll().status_code == 200
    assert a_desk(app).ask(id_token_hint=bought["id_token"]).json["error"] == "invalid_request"


@pytest.mark.sqlite
def test_whom_an_id_token_names_no_more_is_not_asked(app, phone, monkeypatch):
    """CIBA Core §13: since then the service has joined another sector, where they are others."""
    told = registration(
        grant_types=["authorization_code", "urn:openid:params:grant-type:ciba"],
        backchannel_token_delivery_mode="poll",
        client_secret=SECRET,
    )
    register([told])
    both = Sender(phone, Played(told["client_id"], SECRET))
    bought = both.redeem(answered(both.ask())["code"]).json
    monkeypatch.setattr("identity.outbound.get_json", lambda _uri: told["redirect_uris"])
    register([told | {"sector_identifier_uri": "https://s.motlan.test/list"}])

    answer = Desk(app.test_client(), both.played).ask(id_token_hint=bought["id_token"])

    assert (answer.status_code, answer.json["error"]) == (400, "unknown_user_id")


@pytest.mark.sqlite
def test_one_hint_is_needed_and_one_is_read(desk, person):
    """CIBA Core §7.1: exactly one; unknown_user_id for what names nobody at all."""
    for told, error in (
        ({"login_hint": None}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
        ({"login_hint": None, "id_token_hint": "x.y.z"}, "invalid_request"),
        ({"login_hint": None, "login_hint_token": "x"}, "invalid_request"),
        ({"login_hint": "lan@example.test"}, "unknown_user_id"),
        ({"login_hint": "12345"}, "unknown_user_id"),
    ):
        answer = desk.ask(person, **told)
        assert (answer.status_code, answer.json["error"]) == (400, error), told


@pytest.mark.sqlite
def test_the_same_rules_hold_as_at_authorize(desk, person):
    """CIBA Core §13."""
    for changed, error in (
        ({"scope": "email"}, "invalid_scope"),
        ({"scope": None}, "invalid_request"),
        ({"scope": ["openid", "openid"]}, "invalid_request"),
        ({"authorization_details": "{}"}, "invalid_authorization_details"),
        ({"request": "e30.e30."}, "invalid_request"),
    ):
        answer = desk.ask(person, **changed)
        assert (answer.status_code, answer.json["error"]) == (400, error), changed
    assert not desk.kept()


@pytest.mark.sqlite
def test_a_registration_promises_what_is_kept(app):
    """CIBA Core §4: no push, no user code, no service without a credential."""
    ciba = "urn:openid:params:grant-type:ciba"
    for members in (
        {"backchannel_token_delivery_mode": "push"},
        {"backchannel_token_delivery_mode": None},
        {"backchannel_token_delivery_mode": "ping"},
        {"backchannel_client_notification_endpoint": "https://motlan.test/ping"},
        {"backchannel_user_code_parameter": True},
        {"backchannel_user_code_parameter": "no"},
        {"token_endpoint_auth_method": "none"},
        {"backchannel_authentication_request_signing_alg": "ES256"},
        {"signs": True, "profile": "fapi2"},
    ):
        with pytest.raises(BadRegistrationError):
            a_desk(app, **members)
    with pytest.raises(BadRegistrationError):
        a_service(backchannel_token_delivery_mode="poll")
    assert a_desk(app).service.grant_types == {ciba}
