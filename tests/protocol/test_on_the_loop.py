"""Machine endpoints answered in a turn: they ask PostgreSQL without a thread, and hold nobody up.

Decision 0042: on its good way no door waits for anything else, before it has written or after.
"""

import io
import json

import pytest
from werkzeug.test import EnvironBuilder

from identity import settings, waiting
from identity.signing import keys
from tests.asking import a_sender, signed_in
from tests.exchange import ask, decision, give, publish_catalogues
from tests.offices import Office, a_decision, about_scopes, an_office
from tests.people import lan
from tests.proving import Holder, bound, credentials, refreshed
from tests.public_services import a_service, a_service_with_a_key
from tests.pushing import push
from tests.turns import play

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("app")]


@pytest.fixture(autouse=True)
def fresh_keys(monkeypatch):
    """A web process looks at its keys by itself, however slow the machine is."""
    monkeypatch.setattr(keys, "LOOK_AGAIN_SECONDS", 3600.0)


@pytest.fixture
def office(client):
    office = an_office(client)
    office.sign_in(lan())  # whatever a process reads once, it has read now
    return office


@pytest.fixture
def in_a_turn():
    """The answer to what is asked in a turn, and how often it held the loop."""

    def act(ask):
        held = waiting.HELD._value.get()
        (answer,) = play(lambda _lines: ask())
        assert not isinstance(answer, BaseException), repr(answer)
        assert answer.status_code in {200, 201, 303}, answer.text
        assert waiting.HELD._value.get() == held
        return answer

    return act


def test_a_code_is_redeemed(office, in_a_turn):
    code = office.authorize(lan(), decisions=(a_decision(),))

    assert in_a_turn(lambda: office.redeem(code)).json["id_token"]


@pytest.mark.parametrize("is_seen", [False, True], ids=["looked up", "seen a moment ago"])
def test_a_code_goes_straight_back(client, in_a_turn, is_seen):
    sender = a_sender(client)
    signed_in(client, lan())
    assert sender.service  # read once
    if is_seen:
        sender.ask()

    assert "code=" in in_a_turn(sender.ask).location


def test_a_family_is_refreshed(office, in_a_turn):
    token = office.sign_in(lan(), decisions=(a_decision(),))["refresh_token"]

    assert in_a_turn(lambda: office.refresh(token)).json["refresh_token"] != token


def test_userinfo_tells_and_records(office, in_a_turn):
    bought = office.sign_in(lan(), scope="openid profile", decisions=(about_scopes("name"),))

    assert in_a_turn(lambda: office.userinfo(bought["access_token"])).json["name"]


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_introspection_says_it_is_active(office, in_a_turn, kind):
    bought = office.sign_in(lan(), decisions=(a_decision(),))

    assert in_a_turn(lambda: office.post("/introspect", token=bought[kind])).json["active"]


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revocation_ends_it(office, in_a_turn, kind):
    bought = office.sign_in(lan())

    in_a_turn(lambda: office.post("/revoke", token=bought[kind]))

    assert not office.is_active(bought[kind])


def test_a_service_is_given_a_token_for_itself(office, in_a_turn):
    assert in_a_turn(lambda: office.post("/token", grant_type="client_credentials")).json


def test_an_assertion_is_spent(client, in_a_turn):
    office = Office(client, a_service_with_a_key(grant_types=["client_credentials"]))

    def asks():
        form = {"grant_type": "client_credentials"} | office.played.assertion()
        return client.post("/token", data=form)

    asks()
    in_a_turn(asks)


def test_a_request_is_pushed(client, in_a_turn):
    sender = a_sender(client)
    push(sender)

    assert in_a_turn(lambda: push(sender)).json["request_uri"]


class TestWithAProof:
    def test_a_token_for_a_service_itself(self, client, office, in_a_turn):
        holder, form = Holder(client), {"grant_type": "client_credentials"}
        told = {"data": form, "headers": credentials(office)}

        answer = in_a_turn(lambda: holder.send("POST", "/token", **told))

        assert answer.json["token_type"] == "DPoP"

    def test_a_refresh(self, client, office, in_a_turn):
        holder = Holder(client)
        token = bound(office, holder)["refresh_token"]

        in_a_turn(lambda: refreshed(office, holder, token))

    def test_userinfo(self, client, office, in_a_turn):
        holder = Holder(client)
        token = bound(office, holder)["access_token"]

        in_a_turn(lambda: holder.send("GET", "/userinfo", token=token))


def test_values_are_released(client, in_a_turn):
    publish_catalogues()
    given = give(lan(), a_service(), decision("full_name", "personal_number"))
    ask(client, given, attributes=["full_name"])

    answer = in_a_turn(lambda: ask(client, given, attributes=["full_name", "personal_number"]))

    assert set(answer.json["values"]) == {"full_name", "personal_number"}


class TestWhatIsRefused:
    """It is told to the log in a transaction, so a thread begins the very request anew.

    What proved something is spent by then, by that request: it is no replay of itself.
    """

    @pytest.fixture
    def begun_anew(self, app, client):
        """What the loop left to a thread, and the thread's answer; then the same from the wire."""

        def act(form, headers):
            told = {"path": "/token", "method": "POST", "data": form, "headers": headers}
            environ = EnvironBuilder(base_url=settings.current().issuer, **told).get_environ()
            environ["wsgi.input"] = io.BytesIO(body := environ["wsgi.input"].read())
            held = waiting.HELD._value.get()
            (outcome,) = play(lambda _lines: app.wsgi_app.answer(environ))
            assert isinstance(outcome, waiting.MustWait)
            assert waiting.HELD._value.get() == held
            environ["wsgi.input"] = io.BytesIO(body)
            answer = app.wsgi_app.answer(environ)
            return json.loads(answer.body)["error"], client.post(
                "/token", data=form, headers=headers
            )

        return act

    def test_with_a_proof(self, client, office, begun_anew):
        holder = Holder(client)
        token = bound(office, holder)["refresh_token"]
        office.post("/revoke", token=token)
        form = {"grant_type": "refresh_token", "refresh_token": token}

        error, repeated = begun_anew(form, credentials(office) | holder.proof("POST", "/token"))

        assert error == "invalid_grant"
        assert repeated.json["error"] == "invalid_dpop_proof"

    def test_with_an_assertion(self, client, begun_anew):
        office = Office(client, a_service_with_a_key())
        code = office.authorize(lan())
        form = {
            "grant_type": "authorization_code",
            "code": code.text,
            "redirect_uri": code.redirect_uri,
            "code_verifier": "w" * 43,
        }

        error, repeated = begun_anew(form | office.played.assertion(), {})

        assert error == "invalid_grant"
        assert repeated.json["error"] == "invalid_client"
