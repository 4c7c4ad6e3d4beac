"""Device authorization grant, RFC 8628."""

import json
import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from identity import clock, database, settings
from identity.device.records import DeviceRequest
from identity.device.requests import LIFETIME
from identity.device.user_code import ALPHABET
from identity.polled.ways import DEVICE
from tests.deciding import CONSENT, detail, shown
from tests.devices import Television, a_television
from tests.people import form_token, lan, sign_in
from tests.proving import Holder
from tests.public_services import a_service, registered_elsewhere

pytestmark = pytest.mark.usefixtures("catalogues")


def test_a_device_gets_two_codes_and_says_where_to_go(television):
    """RFC 8628 §3.2."""
    answer = television.begin()

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json
    assert re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", told["user_code"])
    assert told["verification_uri"] == "http://localhost:8000/device"
    assert told["verification_uri_complete"].endswith(f"/device?user_code={told['user_code']}")
    assert (told["interval"], told["expires_in"]) == (5, 600)
    assert len(told["device_code"]) >= 43


def test_neither_code_is_kept_as_it_is(television):
    """RFC 8628 §5.2: digests, and of the short one a keyed one."""
    told = television.begin().json
    query = select(DeviceRequest).where(DeviceRequest.public_service_id == television.service.id)

    kept = repr(database.rows(query))

    assert told["device_code"] not in kept
    assert told["user_code"] not in kept


def test_a_person_allows_it_and_the_device_has_tokens(television, phone):
    """RFC 8628 §3.3 to §3.5: an ID token and userinfo as from any other sign-in."""
    television.begin()
    assert television.error() == "authorization_pending"

    assert television.allowed_by(phone).location == "/device/allowed"

    told = television.poll().json
    assert told["scope"] == "openid"
    assert "id_token" in told
    bearer = {"Authorization": f"Bearer {told['access_token']}"}
    assert phone.get("/userinfo", headers=bearer).json.keys() == {"sub"}


def test_who_says_no_is_obeyed(television, phone):
    """RFC 8628 §3.5: access_denied; the same again."""
    television.begin()

    assert television.answered_by(phone, "deny").location == "/device/refused"

    assert television.error() == "access_denied"
    assert television.error() == "access_denied"


def test_what_needs_a_decision_is_asked_as_everywhere(television, phone):
    """The same pages, the same decision, the same details in the token."""
    wish = json.dumps([detail(procedure=CONSENT, case=None)])
    television.begin(authorization_details=wish)
    page = phone.get(television.allowed_by(phone).location)

    assert television.error() == "authorization_pending"
    told = {"csrf_token": form_token(page), "shown": shown(page), "answer": "allow"}
    purpose = re.search(r'name="purpose" id="[^"]+" value="([^"]+)"', page.text)
    decided = phone.post(page.request.path, data=told | {"purpose": purpose[1]})
    assert phone.get(decided.location).location == "/device/allowed"

    (granted,) = television.poll().json["authorization_details"]
    assert granted["procedure"] == CONSENT
    assert granted["decision_id"]


@pytest.mark.sqlite
def test_who_refuses_the_decision_refuses_the_device(television, phone):
    """Consent refused, and nothing else asked: access_denied."""
    television.begin(authorization_details=json.dumps([detail(procedure=CONSENT, case=None)]))
    page = phone.get(television.allowed_by(phone).location)
    told = {"csrf_token": form_token(page), "shown": shown(page), "answer": "deny"}

    decided = phone.post(page.request.path, data=told)

    assert phone.get(decided.location).location == "/device/refused"
    assert television.error() == "access_denied"


@pytest.mark.sqlite
def test_the_page_says_who_asks_and_whether_the_device_is_near(television, phone):
    """RFC 8628 §5.4: what a person needs to see that the device is not their own."""
    television.begin()
    near = television.page_in(phone).text
    phone.environ_base["REMOTE_ADDR"] = "198.51.100.9"
    television.begin()
    far = television.page_in(phone).text

    assert "Cơ quan thuế" in near
    assert 'id="far"' not in near
    assert 'id="far"' in far


@pytest.mark.sqlite
def test_a_code_may_be_typed_in_any_way(television, phone):
    """RFC 8628 §6.1: case, dash and spaces do not matter."""
    code = television.begin().json["user_code"]
    for text in (code.lower(), code.replace("-", ""), f" {code[:2]} {code[2:]} ".lower()):
        assert television.typed_in(phone, text).status_code == 303, text


def test_the_address_with_the_code_fills_it_in_and_decides_nothing(television, phone):
    """RFC 8628 §3.3.1: the person still confirms."""
    told = television.begin().json

    page = phone.get(told["verification_uri_complete"])

    assert f'value="{told["user_code"]}"' in page.text
    assert television.error() == "authorization_pending"


def test_who_is_not_signed_in_comes_back_with_the_code(television, client):
    told = television.begin().json

    moved = client.get(told["verification_uri_complete"])

    assert moved.location.startswith("/sign-in?next=/device")
    back = sign_in(client, lan(), query=moved.location.removeprefix("/sign-in"))
    assert f'value="{told["user_code"]}"' in client.get(back.location).text


def test_who_polls_too_often_has_to_wait_longer(television):
    """RFC 8628 §3.5: five seconds more each time, and an honest poll writes nothing."""
    television.begin()
    now = clock.now()
    told = []
    for seconds in (0, 5, 7, 13, 24, 35):
        with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
            told.append((television.error(), television.interval))

    assert told == [
        ("authorization_pending", 5),
        ("authorization_pending", 5),
        ("slow_down", 10),
        ("slow_down", 15),
        ("slow_down", 20),
        ("slow_down", 25),
    ]


def test_nothing_is_sent_twice(television):
    """RFC 6749 §3.2, not even what we do not know; but for resources (RFC 8707 §2)."""
    for twice in ({"scope": ["openid", "openid"]}, {"unknown": ["a", "b"]}):
        assert television.begin(**twice).json["error"] == "invalid_request", twice
    here = settings.current().issuer
    assert television.begin(resource=[here, f"{here}/api"]).status_code == 200


def test_a_code_that_nobody_typed_in_time_is_over(television, phone):
    """RFC 8628 §3.5: expired_token, and nobody can allow it any more."""
    code = television.begin().json["user_code"]

    with time_machine.travel(clock.now() + LIFETIME, tick=True):
        assert television.error() == "expired_token"
        assert television.typed_in(phone, code).status_code == 400


def test_a_device_goes_on_without_the_person(app, phone):
    """A refresh token, for a service registered for it; offline_access outlives a sign-out."""
    television = a_television(app, grant_types=[DEVICE, "refresh_token"])
    television.begin(scope="openid offline_access")
    television.allowed_by(phone)
    told = television.poll().json

    again = television.post(grant_type="refresh_token", refresh_token=told["refresh_token"])

    assert again.status_code == 200


def test_an_app_without_a_credential_may_do_it(app, phone):
    """RFC 8628 §3.1: a public service names itself."""
    television = a_television(app, token_endpoint_auth_method="none")
    television.begin()
    television.allowed_by(phone)

    assert television.poll().status_code == 200


@pytest.mark.sqlite
def test_the_same_rules_hold_as_at_authorize(television):
    """RFC 8628 §3.2: the errors of RFC 6749 §5.2."""
    for changed, error in (
        ({"scope": "email"}, "invalid_scope"),
        ({"scope": None}, "invalid_request"),
        ({"scope": ["openid", "openid"]}, "invalid_request"),
        ({"authorization_details": "{}"}, "invalid_authorization_details"),
        ({"authorization_details": json.dumps([detail(procedure="0.0")])}, None),
    ):
        answer = television.begin(**changed)
        assert answer.status_code == 400, changed
        assert error in {None, answer.json["error"]}, changed


@pytest.mark.sqlite
def test_who_is_not_registered_for_it_is_refused(app):
    """RFC 6749 §5.2."""
    other = Television(app.test_client(), a_service())

    assert other.begin().json["error"] == "unauthorized_client"


def test_a_poll_is_one_look_and_a_redemption_one_more_statement(television, phone):
    """An honest poll writes nothing; the answer is spent, and bought for, in one commit."""
    television.begin()
    television.error()
    with (
        time_machine.travel(clock.now() + timedelta(seconds=9), tick=True),
        database.counted() as waiting,
    ):
        assert television.error() == "authorization_pending"
    television.allowed_by(phone)
    with database.counted() as redeeming:
        assert television.poll().status_code == 200

    assert (waiting.round_trips, waiting.commits) == (1, 0)
    assert redeeming.commits == 1
    if database.is_postgresql():
        assert redeeming.round_trips == 2


def test_a_device_may_bind_its_tokens_to_a_key(television, phone):
    """RFC 9449 §5: whoever polls with a proof has tokens for that key alone."""
    holder = Holder(television.client)
    form = {"grant_type": DEVICE, "device_code": television.begin().json["device_code"]}
    television.allowed_by(phone)

    told = holder.send("POST", "/token", data=form, headers=television.played.basic()).json

    assert told["token_type"] == "DPoP"
    assert holder.send("GET", "/userinfo", token=told["access_token"]).status_code == 200


def test_a_device_says_what_its_token_is_for(television, phone):
    """RFC 8707 §2.1, §2.2: as at /authorize and at /token."""
    issuer = settings.current().issuer
    assert television.begin(resource="https://elsewhere.test").json["error"] == "invalid_target"
    television.begin(resource=issuer)
    television.allowed_by(phone)

    assert television.error(resource=f"{issuer}/api") == "invalid_target"
    assert television.poll(resource=issuer).status_code == 200


def test_a_registration_changed_meanwhile_costs_nobody_an_answer(television, phone):
    """A version that this process does not know yet is read again."""
    television.begin()
    television.allowed_by(phone)
    registered_elsewhere(television.service)

    assert television.poll().status_code == 200


def test_the_person_finds_it_in_their_log(television, client):
    """What a citizen allows or refuses is an entry of theirs."""
    person = lan()
    sign_in(client, person)
    for choice, kind in (("allow", "device:allowed"), ("deny", "device:refused")):
        television.begin()
        client.get(television.answered_by(client, choice).location)
        assert kind in television.entries_of(person)
