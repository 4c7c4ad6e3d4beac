"""Single claims of userinfo, asked for by name: OpenID Connect Core §5.5."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from consent.attributes import catalogue
from tests.deciding import an_asking_service, signed_in, words
from tests.exchange import entries
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app", "catalogues")
NAMES = ("full_name", "date_of_birth", "sex", "contact_email")
GRANTS = ["authorization_code", "refresh_token"]


@pytest.fixture
def service():
    return an_asking_service(grant_types=GRANTS)


@pytest.fixture
def citizen(client):
    return signed_in(client, lan())


def wanted(**claims):
    """The parameter; a claim that is null is voluntary."""
    return json.dumps({"userinfo": claims})


def userinfo(citizen, bought):
    bearer = {"Authorization": f"Bearer {bought['access_token']}"}
    return citizen.client.get("/userinfo", headers=bearer).json


def answer_to(page):
    """Where the browser goes once the request is opened again."""
    return citizen_goes(page).location


def citizen_goes(page):
    return page.citizen.client.get(f"/authorize?request={page.request_id}")


@pytest.mark.parametrize("how", [None, {"essential": True}, {"value": "x"}, {"values": ["x", "y"]}])
def test_one_claim_is_decided_and_told_and_no_other(citizen, service, how):
    """§5.5.1: essential or not changes what the service does without it, not what is asked."""
    page = citizen.is_asked(service, claims=wanted(name=how))
    shown = words(page.get())
    page.allow()

    bought = page.redeem(service)
    said = userinfo(citizen, bought)

    assert [n for n in NAMES if catalogue.attribute(n).label("vi") in shown] == ["full_name"]
    assert bought["scope"] == "openid"
    assert said.keys() == {"sub", "name"}
    assert said["name"] == citizen.person.full_name
    assert entries(citizen.person.citizen_id)[-1].subject["attributes"] == ["full_name"]


def test_the_citizens_own_page_names_that_claim_alone(citizen, service):
    """What the person reads of it afterwards is what was decided."""
    citizen.is_asked(service, claims=wanted(name=None)).allow()
    (decision,) = citizen.decisions()

    page = words(citizen.client.get(f"/my/consents/{decision.decision_id}"))

    assert [n for n in NAMES if catalogue.attribute(n).label("vi") in page] == ["full_name"]


def test_claims_of_several_scopes_are_one_decision(citizen, service):
    page = citizen.is_asked(service, claims=wanted(birthdate=None, gender=None, sub=None))
    page.allow()

    assert userinfo(citizen, page.redeem(service)).keys() == {"sub", "birthdate", "gender"}
    (decision,) = citizen.decisions()
    assert sorted(decision.attributes) == ["birthdate", "gender"]


def test_what_was_decided_is_not_asked_again(citizen, service):
    """A live decision about exactly these claims is taken in."""
    citizen.is_asked(service, claims=wanted(name=None)).allow()

    again = citizen.is_asked(service, claims=wanted(name={"essential": True}))

    assert "code=" in answer_to(again)


def test_a_claim_of_a_scope_that_is_asked_for_is_no_second_wish(citizen, service):
    page = citizen.is_asked(service, scope="openid profile", claims=wanted(name=None))
    page.allow()

    bought = page.redeem(service)

    assert bought["scope"] == "openid profile"
    assert userinfo(citizen, bought).keys() == {"sub", "name", "birthdate", "gender"}


def test_a_refresh_goes_on_telling_it(citizen, service):
    """OIDC Core §12: whatever scope is named, a single claim hangs on none."""
    page = citizen.is_asked(service, claims=wanted(name=None))
    page.allow()
    form = {"grant_type": "refresh_token", "refresh_token": page.redeem(service)["refresh_token"]}

    again = citizen.client.post("/token", data=form | {"scope": "openid"}, headers=service.basic())

    assert again.json["scope"] == "openid"
    assert "name" in userinfo(citizen, again.json)


def test_introspection_knows_no_scope_of_ours(citizen, service):
    page = citizen.is_asked(service, claims=wanted(name=None))
    page.allow()
    bought = page.redeem(service)

    for kind in ("access_token", "refresh_token"):
        told = citizen.client.post(
            "/introspect", data={"token": bought[kind]}, headers=service.basic()
        )
        assert told.json["scope"] == "openid"


def test_who_says_no_releases_nothing(citizen, service):
    page = citizen.is_asked(service, claims=wanted(name={"essential": True}))
    page.deny()

    assert parse_qs(urlsplit(answer_to(page)).query)["error"] == ["access_denied"]


class TestAttacker:
    def test_silence_gets_no_claim(self, citizen, service):
        """Security case 44: `prompt=none` and nothing decided."""
        page = citizen.is_asked(service, claims=wanted(name=None), prompt="none")

        assert "consent_required" in answer_to(page)

    def test_a_claim_beyond_the_registration_is_not_asked_for(self, citizen):
        """The scope it belongs to bounds it."""
        service = an_asking_service(scope="openid email")
        page = citizen.is_asked(service, claims=wanted(name=None))

        assert userinfo(citizen, page.redeem(service)).keys() == {"sub"}

    def test_our_word_for_it_is_no_scope_on_the_wire(self, citizen, service):
        """Whoever sends it as a scope asks for nothing; at a refresh it widens nothing."""
        page = citizen.is_asked(service, scope="openid claim:name")
        bought = page.redeem(service)

        assert bought["scope"] == "openid"
        assert userinfo(citizen, bought).keys() == {"sub"}
        form = {"grant_type": "refresh_token", "refresh_token": bought["refresh_token"]}
        again = citizen.client.post(
            "/token", data=form | {"scope": "openid claim:name"}, headers=service.basic()
        )
        assert again.json["error"] == "invalid_scope"

    def test_the_number_is_no_claim(self, citizen, service):
        """Contract: by decided attributes only, never by a scope or claim."""
        names = {"personal_number": None, "national_id": None, "vn_personal_number": None}
        page = citizen.is_asked(service, claims=json.dumps({"userinfo": names, "id_token": names}))

        assert userinfo(citizen, page.redeem(service)).keys() == {"sub"}
