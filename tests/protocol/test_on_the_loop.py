"""Machine endpoints answered in a turn: they ask PostgreSQL without a thread, and hold nobody up.

Decision 0042: on its good way no door waits for anything else, before it has written or after.
"""

import pytest

from identity import waiting
from tests.asking import a_sender, signed_in
from tests.exchange import ask, decision, give, publish_catalogues
from tests.offices import Office, a_decision, about_scopes, an_office
from tests.people import lan
from tests.proving import Holder, bound, credentials, refreshed
from tests.public_services import a_service, a_service_with_a_key
from tests.pushing import push
from tests.turns import play

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("app")]


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

    def test_a_refused_refresh_is_a_threads(self, client, office):
        """The proof is not spent yet, so that a thread may begin anew."""
        holder = Holder(client)
        token = bound(office, holder)["refresh_token"]
        office.post("/revoke", token=token)
        headers = credentials(office) | holder.proof("POST", "/token")
        form = {"grant_type": "refresh_token", "refresh_token": token}
        held = waiting.HELD._value.get()

        def ask():
            return client.post("/token", data=form, headers=headers)

        (outcome,) = play(lambda _lines: ask())

        assert isinstance(outcome, waiting.MustWait)
        assert waiting.HELD._value.get() == held
        assert ask().json["error"] == "invalid_grant"

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
