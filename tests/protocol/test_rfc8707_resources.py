"""Resource indicators, RFC 8707: what a token is for, said before it is made."""

import jwt
import pytest

from identity import settings
from tests.asking import a_sender, answered, signed_in
from tests.offices import a_decision, an_office
from tests.people import lan
from tests.pushing import bring, push, pushed
from tests.request_objects import a_signer

pytestmark = pytest.mark.usefixtures("app")


def userinfo():
    return settings.current().issuer


def api():
    return settings.current().api_audience


def claims_of(told):
    return jwt.decode(told["access_token"], options={"verify_signature": False})


def with_details(office, *asked, **told):
    """A code for a decision about a procedure, asked for these resources."""
    return office.authorize(lan(), decisions=(a_decision(),), resources=asked, **told)


def test_without_one_the_details_say_what_the_token_is_for(office):
    """RFC 8707 §2.2: the default is ours, and it does not change."""
    assert claims_of(office.redeem(with_details(office)).json)["aud"] == api()
    assert claims_of(office.sign_in(lan()))["aud"] == userinfo()


@pytest.mark.parametrize("way", ["asked", "pushed", "signed"])
def test_what_was_asked_for_at_authorize_is_what_the_token_is_for(client, way):
    """RFC 8707 §2.1: by browser, by PAR, and in an object as a text or a list."""
    office = a_signer(client)
    signed_in(client, lan())
    answers = {
        "asked": lambda: office.ask(resource=api()),
        "pushed": lambda: bring(office, pushed(office, resource=[api(), userinfo()])),
        "signed": lambda: office.bring(office.sign(resource=[userinfo(), api()])),
    }

    bought = office.redeem(answered(answers[way]())["code"]).json

    assert claims_of(bought)["aud"] == api()


def test_a_token_request_narrows(office, client):
    """RFC 8707 §2.2: one of two; the details stay at home, since they are for the other."""
    code = with_details(office, userinfo(), api())

    told = office.redeem(code, resource=userinfo()).json

    assert claims_of(told)["aud"] == userinfo()
    assert "authorization_details" not in claims_of(told)
    assert told["authorization_details"] == []
    assert office.userinfo(told["access_token"]).status_code == 200
    bearer = {"Authorization": f"Bearer {told['access_token']}"}
    assert client.post("/api/attributes", json={}, headers=bearer).status_code == 401


def test_the_refresh_token_keeps_all_of_them(office):
    """RFC 8707 §2.2: another token of the same grant, for another resource."""
    bought = office.redeem(with_details(office, userinfo(), api()), resource=userinfo()).json

    again = office.refresh(bought["refresh_token"], resource=[userinfo(), api()]).json
    plain = office.refresh(again["refresh_token"]).json

    assert [claims_of(told)["aud"] for told in (again, plain)] == [api(), api()]
    assert plain["authorization_details"]


def test_a_grant_for_any_resource_is_narrowed_likewise(office):
    """RFC 8707 §2.2: nothing was named at /authorize."""
    bought = office.redeem(with_details(office), resource=userinfo()).json

    assert claims_of(bought)["aud"] == userinfo()
    assert claims_of(office.refresh(bought["refresh_token"]).json)["aud"] == api()


def test_a_service_says_what_its_own_token_is_for(office):
    """RFC 8707 §2.2 with RFC 6749 §4.4."""
    for asked, aud in ((None, userinfo()), (userinfo(), userinfo()), (api(), api())):
        told = office.post("/token", grant_type="client_credentials", resource=asked).json
        assert claims_of(told)["aud"] == aud


def test_introspection_tells_it(office):
    """RFC 7662 §2.2."""
    told = office.redeem(with_details(office), resource=userinfo()).json

    assert office.post("/introspect", token=told["access_token"]).json["aud"] == userinfo()


class TestAttacker:
    STRANGE = (
        "https://other.test",
        "{here}/",
        "{here}/api/",
        "{here}/API",
        "{here}/api?x=1",
        "{here}/api#f",
        "{here}/../api",
        "api",
        "urn:x",
        "{here} https://other.test",
    )

    def test_nothing_but_our_own_is_a_target(self, client):
        """RFC 8707 §2: invalid_target, to the letter, wherever it is asked for."""
        sender, office = a_sender(client), an_office(client)
        code = office.authorize(lan())

        for strange in self.STRANGE:
            told = strange.format(here=userinfo())
            assert sender.error(resource=told) == "invalid_target", told
            assert push(sender, resource=told).json["error"] == "invalid_target"
            assert office.redeem(code, resource=told).json["error"] == "invalid_target"
            own = office.post("/token", grant_type="client_credentials", resource=told)
            assert (own.status_code, own.json["error"]) == (400, "invalid_target")
        assert sender.error(resource=[api(), "https://other.test"]) == "invalid_target"

    def test_a_services_own_token_for_the_api_gets_nobodys_data(self, office):
        """RFC 6750 §3.1: it opens the door to no one, whatever the request names."""
        told = office.post("/token", grant_type="client_credentials", resource=api()).json
        bearer = {"Authorization": f"Bearer {told['access_token']}"}

        answer = office.client.post("/api/attributes", json={}, headers=bearer)

        assert answer.status_code == 403
        assert answer.json["type"] == "urn:motlan:error:insufficient-scope"

    def test_a_token_request_never_widens_and_spends_nothing(self, office):
        """RFC 8707 §2.2: what was authorized for userinfo opens no API."""
        code = with_details(office, userinfo())

        refused = office.redeem(code, resource=api())
        bought = office.redeem(code).json
        again = office.refresh(bought["refresh_token"], resource=[userinfo(), api()])

        assert refused.json["error"] == again.json["error"] == "invalid_target"
        assert claims_of(bought)["aud"] == userinfo()
        assert "authorization_details" not in claims_of(bought)
        assert office.refresh(bought["refresh_token"]).status_code == 200

    def test_who_may_not_redeem_learns_nothing_of_the_target(self, office, client):
        """RFC 6749 §5.2: another service's code or token is what it is without one."""
        other, code = an_office(client), with_details(office, userinfo())

        assert other.redeem(code, resource=api()).json["error"] == "invalid_grant"
        assert office.redeem(code, code_verifier="x" * 43, resource=api()).json["error"] == (
            "invalid_grant"
        )
        token = office.redeem(code).json["refresh_token"]
        assert other.refresh(token, resource=api()).json["error"] == "invalid_grant"

    def test_an_object_names_no_other_target(self, client):
        """RFC 9101 §6.3: a resource beside the object is not read; one inside is held to."""
        office = a_signer(client)
        signed_in(client, lan())

        code = answered(office.bring(office.sign(resource=userinfo()), resource=api()))["code"]
        assert claims_of(office.redeem(code).json)["aud"] == userinfo()
        for strange in (["https://other.test"], "x", [1], {"a": "b"}):
            told = answered(office.beside(office.sign(resource=strange)))
            assert told["error"] in {"invalid_target", "invalid_request_object"}
