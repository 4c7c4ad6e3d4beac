"""A service whose registration was narrowed has no more than that, with whatever it holds."""

import pytest

from identity.public_services import registered
from identity.registration.register import register
from identity.tokens.exchange import ACCESS_TOKEN, GRANT_TYPE
from tests.exchange import ask, decision, entries, give
from tests.offices import GRANT_TYPES, Office, a_decision, about_scopes
from tests.people import lan
from tests.public_services import Played, registration

pytestmark = pytest.mark.usefixtures("catalogues")
BOTH = ("1.004222", "3.000347")


@pytest.fixture
def told():
    return registration(
        grant_types=[*GRANT_TYPES, GRANT_TYPE], procedures=list(BOTH), client_secret="s" * 20
    )


@pytest.fixture
def office(client, told):
    register([told])
    return Office(client, Played(told["client_id"], told["client_secret"]))


def narrowed(told, **members):
    register([told | members])


def procedures(answer):
    return sorted(one["procedure"] for one in answer.json["authorization_details"])


def two():
    return a_decision(), a_decision(procedure=BOTH[1], case="GPLX-1", attributes=("full_name",))


def exchanged(office, token):
    told = {"subject_token": token, "subject_token_type": ACCESS_TOKEN}
    return office.post("/token", grant_type=GRANT_TYPE, **told)


class TestAttacker:
    """Was given more than it may have now, and still holds what that bought."""

    @pytest.mark.parametrize("is_remembered", [False, True])
    def test_a_procedure_that_was_taken_away_releases_nothing(self, office, told, is_remembered):
        """Nor where this process remembers what it might do, because another one took it away."""
        person, remembered = lan(), office.service
        given = give(person, office.played, decision("full_name"))
        before = ask(office.client, given)
        narrowed(told, procedures=[BOTH[1]])
        if is_remembered:
            registered._memory.keep(remembered)

        after = ask(office.client, given)

        assert (before.status_code, after.status_code) == (200, 403)
        assert after.json["type"] == "urn:motlan:error:not-covered"
        mark = entries(person.citizen_id)[-1]
        decided = (mark.subject["reason"], mark.subject["decision_id"], mark.subject["basis"])
        (carried,) = given.carried
        assert decided == ("not_registered", str(carried.decision_id), carried.basis)

    def test_no_token_names_it_any_more(self, office, told):
        code = office.authorize(lan(), scope="openid offline_access", decisions=two())
        narrowed(told, procedures=[BOTH[1]])

        bought = office.redeem(code)
        again = office.refresh(bought.json["refresh_token"])
        lesser = exchanged(office, bought.json["access_token"])

        for answer in (bought, again, lesser):
            assert procedures(answer) == [BOTH[1]]

    def test_nor_is_it_told_of_a_token_from_before(self, office, told):
        bought = office.sign_in(lan(), decisions=two())
        narrowed(told, procedures=[BOTH[1]])

        said = office.post("/introspect", token=bought["access_token"])

        assert (said.json["active"], procedures(said)) == (True, [BOTH[1]])

    def test_nor_does_one_made_of_a_token_from_before(self, office, told):
        bought = office.sign_in(lan(), decisions=two())
        narrowed(told, procedures=[BOTH[1]])

        assert procedures(exchanged(office, bought["access_token"])) == [BOTH[1]]

    def test_a_scope_that_was_taken_away_says_nothing_at_userinfo(self, office, told):
        decided = about_scopes("name", "birthdate", "gender")
        bought = office.sign_in(lan(), scope="openid profile", decisions=(decided,))
        before = office.userinfo(bought["access_token"]).json
        narrowed(told, scope="openid email")

        after = office.userinfo(bought["access_token"]).json
        refreshed = office.refresh(bought["refresh_token"]).json
        lesser = exchanged(office, bought["access_token"]).json

        assert "name" in before
        assert after.keys() == {"sub"}
        for answer in (refreshed, lesser):
            assert answer["scope"] == "openid"
            assert office.userinfo(answer["access_token"]).json.keys() == {"sub"}

    def test_what_came_instead_is_not_said_either(self, office, told):
        """OIDC Core §5.5: the token was for one claim, whatever its service may ask for now."""
        scope, decided = "openid claim:name email", about_scopes("name", "email")
        bought = office.sign_in(lan(), scope=scope, decisions=(decided,))
        narrowed(told, scope="openid profile")

        said = office.userinfo(bought["access_token"]).json
        lesser = exchanged(office, bought["access_token"]).json

        assert said.keys() == {"sub", "name"}
        assert office.userinfo(lesser["access_token"]).json.keys() == {"sub", "name"}

    def test_nor_the_scope_that_stood_for_a_procedure(self, office, told):
        """What it named is gone, and so is the name."""
        scope, decided = f"openid procedure:{BOTH[0]}", a_decision(case=None)
        bought = office.sign_in(lan(), scope=scope, decisions=(decided,))
        narrowed(told, procedures=[BOTH[1]])

        assert bought["scope"] == scope
        assert exchanged(office, bought["access_token"]).json["scope"] == "openid"
