"""Token introspection: RFC 7662."""

from datetime import timedelta

import pytest
import time_machine

from identity import clock, settings
from identity.database import transaction
from identity.granted import grants
from tests.offices import a_decision, about_scopes, an_office
from tests.people import lan
from tests.public_services import a_service, registered_elsewhere

pytestmark = pytest.mark.usefixtures("app")
INACTIVE = {"active": False}


def introspected(office, token, **more):
    answer = office.post("/introspect", token=token, **more)
    assert answer.status_code == 200
    return answer.json


def test_an_access_token_says_what_it_says(office):
    """RFC 7662 §2.2, RFC 9396 §9.2."""
    decisions = (a_decision(), about_scopes("email"))
    bought = office.sign_in(lan(), scope="openid email", decisions=decisions)

    said = introspected(office, bought["access_token"])

    assert said["active"] is True
    assert said["client_id"] == office.played.client_id
    assert said["iss"] == settings.current().issuer
    assert said["aud"] == settings.current().issuer + "/api"
    assert said["scope"] == "openid email"
    assert said["acr"] == "vn:auth:2"
    assert said["token_type"] == "Bearer"
    assert said["authorization_details"] == bought["authorization_details"]
    assert "vn_ref" not in said


def test_a_refresh_token_is_known_whatever_the_hint(office):
    """RFC 7662 §2.1."""
    bought = office.sign_in(lan())

    said = introspected(office, bought["refresh_token"], token_type_hint="access_token")

    assert (said["active"], said["scope"]) == (True, "openid")


def test_a_spent_refresh_token_is_inactive(office):
    """Its successor is not."""
    spent = office.sign_in(lan())["refresh_token"]
    successor = office.refresh(spent).json["refresh_token"]

    assert introspected(office, spent) == INACTIVE
    assert introspected(office, successor)["active"]


def test_a_token_is_inactive_once_it_is_over(office):
    """RFC 7662 §2.2."""
    bought = office.sign_in(lan())

    with time_machine.travel(clock.now() + timedelta(minutes=5, seconds=1)):
        assert introspected(office, bought["access_token"]) == INACTIVE


def test_a_withdrawn_decision_is_told_at_once_and_the_last_one_ends_the_token(office):
    """Design §5."""
    person, first, second = lan(), a_decision(), a_decision()
    token = office.sign_in(person, decisions=(first, second))["access_token"]

    with transaction():
        grants.drop_decision(person.citizen_id, first.decision_id)
    left = introspected(office, token)
    with transaction():
        grants.drop_decision(person.citizen_id, second.decision_id)

    assert [d["decision_id"] for d in left["authorization_details"]] == [str(second.decision_id)]
    assert introspected(office, token) == INACTIVE


@pytest.mark.parametrize("token", ["rubbish", "a.b.c", "ễ", "x" * 20_000])
def test_what_is_no_token_is_inactive(office, token):
    """RFC 7662 §2.2."""
    assert introspected(office, token) == INACTIVE


@pytest.mark.parametrize("is_persons", [True, False])
def test_a_registration_of_this_moment_does_not_make_a_token_inactive(office, is_persons):
    """Design §4: what a process remembers may be 30 seconds old."""
    own = office.post("/token", grant_type="client_credentials").json
    bought = office.sign_in(lan()) if is_persons else own
    registered_elsewhere(office.service)

    assert introspected(office, bought["access_token"])["active"] is True


class TestAttacker:
    """Security cases 23, 29, 41."""

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_another_services_token_is_inactive(self, client, office, kind):
        """Case 41; RFC 7662 §4."""
        bought = office.sign_in(lan())

        assert introspected(an_office(client), bought[kind]) == INACTIVE

    def test_another_services_own_token_is_inactive_too(self, client, office):
        """RFC 7662 §4: of one that no person stands behind."""
        own = office.post("/token", grant_type="client_credentials").json["access_token"]

        assert introspected(an_office(client), own) == INACTIVE
        assert introspected(office, own)["active"] is True

    def test_who_only_names_a_public_client_learns_nothing(self, client):
        """RFC 7662 §2.1: some form of authorization. Naming oneself is none."""
        school = a_service(token_endpoint_auth_method="none")

        for token in ("abc", "abc.def.ghi"):
            form = {"client_id": school.client_id, "token": token}
            answer = client.post("/introspect", data=form)
            assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
            assert "active" not in answer.json

    def test_an_id_token_is_no_access_token(self, office):
        """Case 29."""
        assert introspected(office, office.sign_in(lan())["id_token"]) == INACTIVE

    def test_a_token_without_its_signature_is_inactive(self, office):
        """Case 23."""
        header, payload, _ = office.sign_in(lan())["access_token"].split(".")

        assert introspected(office, f"{header}.{payload}.") == INACTIVE

    def test_nobody_introspects_without_proof(self, client, office):
        """RFC 7662 §2.1: else tokens could be tried."""
        token = office.sign_in(lan())["access_token"]

        answer = client.post("/introspect", data={"token": token})

        assert answer.status_code == 401
        assert "active" not in answer.json
