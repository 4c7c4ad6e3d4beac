"""An access token for a lesser one: RFC 8693, limited to narrowing."""

import json
import time
from datetime import timedelta

import jwt
import pytest
import time_machine
from sqlalchemy import select, update

from identity import clock, database, settings
from identity.database import transaction
from identity.granted import grants
from identity.public_services import registered
from identity.public_services.records import PublicService
from identity.registration.register import BadRegistrationError
from identity.tokens.exchange import ACCESS_TOKEN, GRANT_TYPE
from tests.exchange import entries
from tests.offices import GRANT_TYPES, a_decision, about_scopes, an_office
from tests.people import lan
from tests.proving import Holder, bound
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app")
TYPES = [*GRANT_TYPES, GRANT_TYPE]
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"


@pytest.fixture
def office(client):
    return an_office(client, grant_types=TYPES, procedures=["1.004222", "3.000347"])


@pytest.fixture
def person():
    return lan()


@pytest.fixture
def decisions():
    return (
        a_decision(attributes=("full_name", "permanent_address")),
        a_decision(procedure="3.000347", case="GPLX-1", attributes=("full_name",)),
    )


@pytest.fixture
def bought(office, person, decisions):
    """Tokens for two procedures."""
    return office.sign_in(person, scope="openid offline_access", decisions=decisions)


def form(token, **told):
    sent = {"grant_type": GRANT_TYPE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
    return {name: value for name, value in (sent | told).items() if value is not None}


def exchange(office, token, **told):
    return office.client.post("/token", data=form(token, **told), headers=office.played.basic())


def read(token):
    return jwt.decode(token, options={"verify_signature": False})


def asked(procedure="1.004222", case="H01-1", **more):
    return json.dumps([{"type": "vn_procedure", "procedure": procedure, "case": case} | more])


def procedures(told):
    return sorted(one["procedure"] for one in told["authorization_details"])


def test_a_token_of_the_same_kind_comes_back(office, bought):
    """§2.2.1: with its type, for the same person, and nothing that goes on living."""
    answer = exchange(office, bought["access_token"], requested_token_type=ACCESS_TOKEN)

    told, before = answer.json, read(bought["access_token"])
    after = read(told["access_token"])
    assert answer.status_code == 200
    assert (told["issued_token_type"], told["token_type"]) == (ACCESS_TOKEN, "Bearer")
    assert not {"id_token", "refresh_token"} & told.keys()
    for name in ("sub", "client_id", "aud", "acr", "auth_time", "authorization_details", "scope"):
        assert after[name] == before[name]
    assert after["jti"] != before["jti"]


def test_it_never_lives_longer(office, bought):
    """A chain of exchanges ends when the first token would have."""
    end, token = read(bought["access_token"])["exp"], bought["access_token"]

    for passed in (60, 120):
        with time_machine.travel(clock.now() + timedelta(seconds=passed), tick=False):
            told = exchange(office, token).json
            assert told["expires_in"] <= end - int(clock.now().timestamp())
            token = told["access_token"]

    assert read(token)["exp"] == end


def test_fewer_details_are_had_for_the_asking(office, bought):
    """RFC 9396 §6: one procedure of two, and of it one attribute."""
    details = asked(attributes=["full_name"])

    told = exchange(office, bought["access_token"], authorization_details=details).json

    (detail,) = read(told["access_token"])["authorization_details"]
    assert (detail["procedure"], detail["attributes"]) == ("1.004222", ["full_name"])
    assert told["authorization_details"] == [detail]
    said = office.post("/introspect", token=told["access_token"]).json
    assert said["authorization_details"] == [detail]


def test_a_lesser_scope_says_less_at_userinfo(office, person):
    decision = about_scopes("name", "birthdate", "gender")
    bought = office.sign_in(person, scope="openid profile", decisions=(decision,))

    token = exchange(office, bought["access_token"], scope="openid").json["access_token"]

    assert "name" in office.userinfo(bought["access_token"]).json
    assert office.userinfo(token).json.keys() == {"sub"}


@pytest.mark.parametrize("name", ["resource", "audience"])
def test_a_token_for_userinfo_alone_has_no_details(office, bought, name):
    """§2.1, RFC 8707."""
    issuer = settings.current().issuer

    told = exchange(office, bought["access_token"], **{name: issuer}).json

    assert read(told["access_token"])["aud"] == issuer
    assert told["authorization_details"] == []
    assert office.userinfo(told["access_token"]).status_code == 200


def test_it_dies_with_what_it_is_made_of(office, bought):
    """The family goes on, so whatever ends it ends all of it."""
    token = exchange(office, bought["access_token"]).json["access_token"]

    office.post("/revoke", token=bought["refresh_token"])

    assert not office.is_active(token)


def test_it_dies_with_the_decision(office, person, bought, decisions):
    token = exchange(office, bought["access_token"]).json["access_token"]

    withdrawn(person, *decisions)

    assert not office.is_active(token)
    assert exchange(office, bought["access_token"]).json["error"] == "invalid_request"


def withdrawn(person, *decisions):
    for decision in decisions:
        with transaction():
            grants.drop_decision(person.citizen_id, decision.decision_id)


def test_what_ended_since_is_not_passed_on(office, person, bought, decisions):
    """The grant has moved: what stands is passed on, what does not is not."""
    withdrawn(person, decisions[0])

    told = exchange(office, bought["access_token"]).json

    assert procedures(told) == ["3.000347"]
    assert office.is_active(told["access_token"])


def test_the_key_stays_the_same(client, office):
    """RFC 9449 §5: a bound token is exchanged by its key alone, and the next is bound to it."""
    holder, thief = Holder(client), Holder(client)
    token, headers = bound(office, holder)["access_token"], office.played.basic()

    without = exchange(office, token)
    another = thief.send("POST", "/token", data=form(token), headers=headers)
    same = holder.send("POST", "/token", data=form(token), headers=headers)

    assert without.json["error"] == another.json["error"] == "invalid_request"
    assert same.json["token_type"] == "DPoP"
    assert read(same.json["access_token"])["cnf"] == read(token)["cnf"]


def test_a_bearers_token_may_become_bound(client, office, bought):
    """That is less, too."""
    holder = Holder(client)

    told = holder.send(
        "POST", "/token", data=form(bought["access_token"]), headers=office.played.basic()
    ).json

    assert told["token_type"] == "DPoP"
    assert read(told["access_token"])["cnf"] == {"jkt": holder.thumbprint}
    assert office.userinfo(told["access_token"]).status_code == 401


def test_it_is_said_that_exchange_is_offered(client):
    told = client.get("/.well-known/openid-configuration").json

    assert GRANT_TYPE in told["grant_types_supported"]


@pytest.mark.parametrize(
    "members",
    [
        {"token_endpoint_auth_method": "none", "grant_types": ["authorization_code", GRANT_TYPE]},
        {"grant_types": [GRANT_TYPE], "redirect_uris": []},
    ],
)
def test_who_has_nothing_to_exchange_registers_no_exchange(members):
    with pytest.raises(BadRegistrationError, match="token-exchange"):
        a_service(**members)


class TestAttacker:
    @pytest.mark.parametrize(
        ("told", "error"),
        [
            ({"scope": "openid profile"}, "invalid_scope"),
            ({"scope": "openid procedure:3.000347"}, "invalid_scope"),
            ({"authorization_details": asked("9.999999")}, "invalid_authorization_details"),
            ({"authorization_details": asked(case="X-2")}, "invalid_authorization_details"),
            (
                {"authorization_details": asked(attributes=["marital_status"])},
                "invalid_authorization_details",
            ),
            ({"authorization_details": "{"}, "invalid_authorization_details"),
            ({"resource": "https://evil.test/"}, "invalid_target"),
            ({"audience": "another-service"}, "invalid_target"),
            ({"subject_token_type": ID_TOKEN}, "invalid_request"),
            ({"subject_token_type": None}, "invalid_request"),
            ({"requested_token_type": ID_TOKEN}, "invalid_request"),
            ({"subject_token": None}, "invalid_request"),
        ],
    )
    def test_more_than_the_token_has_is_refused(self, office, bought, told, error):
        """Security case 40; §2.2.2 has the words."""
        answer = exchange(office, bought["access_token"], **told)

        assert (answer.status_code, answer.json["error"]) == (400, error)

    def test_a_chain_of_exchanges_never_widens(self, office, bought):
        """Security case 40: what one link has dropped, no later one brings back."""
        issuer, token = settings.current().issuer, bought["access_token"]
        name, both = (
            asked(attributes=a) for a in (["full_name"], ["full_name", "permanent_address"])
        )
        one = exchange(office, token, authorization_details=name).json["access_token"]
        scoped = exchange(office, token, scope="offline_access").json["access_token"]
        aimed = exchange(office, token, resource=issuer).json["access_token"]

        wider = [
            exchange(office, one, authorization_details=both),
            exchange(office, one, authorization_details=asked("3.000347", "GPLX-1")),
            exchange(office, scoped, scope="openid"),
            exchange(office, aimed, resource=f"{issuer}/api"),
            exchange(office, aimed, authorization_details=name),
        ]

        assert [answer.status_code for answer in wider] == [400] * 5
        assert exchange(office, scoped).json["scope"] == "offline_access"
        assert (
            read(exchange(office, one).json["access_token"])["authorization_details"]
            == read(one)["authorization_details"]
        )

    def test_another_services_token_is_no_subject(self, client, office, person, bought):
        """Security case 40; the person's log says that it was tried."""
        other = an_office(client, grant_types=TYPES)

        answer = exchange(other, bought["access_token"])

        assert answer.json["error"] == "invalid_request"
        last = entries(person.citizen_id)[-1]
        assert last.type == "token:refused"
        assert last.subject["reason"] == "exchange: another public service"
        assert office.is_active(bought["access_token"])

    def test_nothing_but_an_access_token_of_ours_is_one(self, office, bought):
        """Case 29: ID token, refresh token, a service's own, forged ones."""
        own = office.post("/token", grant_type="client_credentials").json["access_token"]
        head, body, _ = bought["access_token"].split(".")
        none = jwt.encode(read(bought["access_token"]), None, algorithm="none")
        texts = [bought["id_token"], bought["refresh_token"], own, none, f"{head}.{body}.", "x"]

        for token in (*texts, "A" * 60_000):
            answer = exchange(office, token)
            assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")

    def test_nobody_is_named_as_acting_for_somebody(self, office, bought):
        """No mandate can be given yet, so there is none to be shown."""
        actor = office.sign_in(lan())["access_token"]
        name, kind = {"actor_token": actor}, {"actor_token_type": ACCESS_TOKEN}

        for told in (name | kind, name, kind):
            answer = exchange(office, bought["access_token"], **told)
            assert answer.json["error"] == "invalid_request"
            assert "mandate" in answer.json["error_description"]

    def test_who_acted_in_the_sign_in_stays_who_acted(self, office, person):
        """§4.1: `act` is passed on and cannot be dropped."""
        bought = office.sign_in(person, actor="the-actors-pairwise-sub")

        token = exchange(office, bought["access_token"], scope="openid").json["access_token"]

        assert read(token)["act"] == {"sub": "the-actors-pairwise-sub"}

    def test_who_has_not_registered_for_it_may_not(self, client, person):
        plain = an_office(client)
        bought = plain.sign_in(person)

        assert exchange(plain, bought["access_token"]).json["error"] == "unauthorized_client"

    @pytest.mark.parametrize("grant_type", [GRANT_TYPE, "client_credentials"])
    def test_who_only_names_a_service_gets_nothing_whatever_stands_in_its_registration(
        self, client, grant_type
    ):
        """RFC 6749 §4.4.2: registration refuses such a service, and so does the endpoint."""
        app = a_service(token_endpoint_auth_method="none")
        mine = PublicService.client_id == app.client_id
        told = database.row(select(PublicService.registration).where(mine)).registration
        with transaction():
            changed = {"registration": told | {"grant_types": TYPES}}
            database.write(update(PublicService).where(mine).values(changed))
        registered.forget()

        asked = form("any", grant_type=grant_type) | {"client_id": app.client_id}
        answer = client.post("/token", data=asked)

        assert (answer.status_code, answer.json["error"]) == (400, "unauthorized_client")

    def test_an_ended_or_late_token_is_no_subject(self, office, person):
        bought, late = office.sign_in(person), office.sign_in(person)
        office.post("/revoke", token=bought["access_token"])

        assert exchange(office, bought["access_token"]).json["error"] == "invalid_request"
        with time_machine.travel(time.time() + 301, tick=False):
            assert exchange(office, late["access_token"]).json["error"] == "invalid_request"
