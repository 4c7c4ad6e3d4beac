"""RFC 7592: a service that registered itself reads, changes and ends that."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient

from identity import sealing
from identity.database import transaction
from identity.public_services import registered
from identity.registration.register import BadRegistrationError, register
from identity.self_registration import client_configuration, invitations, records
from identity.trail import AccessEntry
from tests.exchange import find_entries
from tests.offices import Office
from tests.people import lan
from tests.public_services import authenticate, registration
from tests.registering import Registrar, an_invitation, an_organisation, bearer, metadata, played

pytestmark = pytest.mark.usefixtures("app")
RESERVED = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


@dataclass
class Manager:
    """A service that registered itself, with the answer it got."""

    client: FlaskClient
    told: dict[str, Any]
    token: str

    @property
    def path(self) -> str:
        return self.told["registration_client_uri"].removeprefix("http://localhost:8000")

    def read(self, **how):
        return self.client.get(self.path, headers=bearer(self.token), **how)

    def change(self, **members):
        sent = {k: v for k, v in self.told.items() if k not in RESERVED} | members
        kept = {name: value for name, value in sent.items() if value != ...}
        return self.client.put(self.path, json=kept, headers=bearer(self.token))

    def end(self):
        return self.client.delete(self.path, headers=bearer(self.token))


def managed(client, invitation=None, **members) -> Manager:
    told = Registrar(client, invitation or an_invitation()[0]).registered(**members)
    return Manager(client, told, told["registration_access_token"])


@pytest.fixture
def manager(client):
    return managed(client)


def test_it_reads_what_is_on_record_but_not_the_secret(manager):
    """§2.1; only a digest of the secret is kept."""
    answer = manager.read()

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    secret = {"client_secret", "client_secret_expires_at"}
    assert answer.json == {k: v for k, v in manager.told.items() if k not in secret}


def test_a_change_takes_the_place_of_everything(manager):
    """§2.2: what is left out is gone, and the answer says all."""
    manager.change(contacts=["ops@motlan.test"])

    manager = managed(manager.client, contacts=["a@motlan.test"])
    answer = manager.change(contacts=..., client_name="Renamed", tos_uri="https://a.motlan.test/")

    assert answer.status_code == 200
    assert "contacts" not in answer.json
    service = registered.find(manager.told["client_id"])
    assert service.name("") == answer.json["client_name"] == "Renamed"
    assert service.link("tos_uri", "vi") == "https://a.motlan.test/"
    assert authenticate(headers=played(manager.told).basic()).version == 2


def test_a_null_member_is_one_that_was_left_out(client):
    """§2.2."""
    manager = managed(client, tos_uri="https://a.motlan.test/")

    assert "tos_uri" not in manager.change(tos_uri=None).json


def test_each_change_brings_a_new_token(manager):
    """§3: the one before is over, and where it leads stays."""
    answer = manager.change()

    assert answer.json["registration_client_uri"] == manager.told["registration_client_uri"]
    assert manager.read().status_code == 401
    manager.token = answer.json["registration_access_token"]
    assert manager.read().status_code == 200


def test_a_service_that_goes_over_to_a_secret_gets_one(client):
    """§2.2: issued, never chosen."""
    manager = managed(client, token_endpoint_auth_method="none")

    answer = manager.change(token_endpoint_auth_method="client_secret_post")

    assert len(answer.json["client_secret"]) >= 43
    assert authenticate(played(answer.json).post()).auth_method == "client_secret_post"


def test_a_change_is_in_the_log_and_seen_at_once(manager):
    """Design §7."""
    service = registered.find(manager.told["client_id"])

    manager.change(client_name="Renamed")

    found = find_entries(AccessEntry.public_service_id == service.id)
    said = [(one.type, one.subject["result"]) for one in found]
    assert said == [("service:registered", "registered"), ("service:registered", "updated")]
    assert registered.find(service.client_id).name("") == "Renamed"


def test_a_service_keeps_its_people_when_it_moves(manager):
    """Design §3: `sub` is for ever."""
    before = registered.find(manager.told["client_id"]).sector

    manager.change(redirect_uris=["https://moved.motlan.test/cb"])

    assert registered.find(manager.told["client_id"]).sector == before


def test_the_end_of_a_service_ends_what_it_holds(client):
    """§2.3: its tokens, codes and secret; the log says so."""
    manager = managed(client, grant_types=["authorization_code", "refresh_token"])
    office = Office(client, played(manager.told))
    bought, code = office.sign_in(lan()), office.authorize(lan())
    service = registered.find(manager.told["client_id"])

    answer = manager.end()

    assert (answer.status_code, answer.data) == (204, b"")
    assert office.userinfo(bought["access_token"]).status_code == 401
    assert office.refresh(bought["refresh_token"]).json["error"] == "invalid_client"
    assert office.redeem(code).json["error"] == "invalid_client"
    assert manager.read().status_code == manager.end().status_code == 401
    mine = AccessEntry.public_service_id == service.id
    (entry,) = find_entries(mine, AccessEntry.type == "service:ended")
    assert entry.acting["actor"] == "registration"


def test_a_service_that_has_ended_is_not_brought_back(client):
    """Nor by an operator's file: what it once held would live again."""
    manager = managed(client)
    manager.end()

    again = registration(client_id=manager.told["client_id"])

    with pytest.raises(BadRegistrationError, match="has ended"):
        register([again])


def test_what_was_registered_with_a_token_that_was_taken_back_is_not_changed(client):
    """§2.2, §2.3: 403, also for who stole the other token; it may still be read."""
    token, name = an_invitation()
    manager = managed(client, token)
    invitations.end(name)

    for answer in (manager.change(client_name="Renamed"), manager.end()):
        assert (answer.status_code, answer.json["error"]) == (403, "access_denied")
    assert manager.read().json["client_name"] == manager.told["client_name"]


def test_what_an_operator_has_changed_since_is_the_operators(client):
    """Its next change would ask for all that the initial access token allowed."""
    manager = managed(client)
    members = ("client_id", "client_name", "redirect_uris", "organisation")
    narrower = {name: manager.told[name] for name in members}
    register([narrower | {"scope": "openid"}])

    change, end, read = manager.change(), manager.end(), manager.read()

    for refused in (change, end):
        assert (refused.status_code, refused.json["error"]) == (403, "access_denied")
        assert "an operator has changed" in refused.json["error_description"]
    assert (read.status_code, read.json["scope"]) == (200, "openid")


def test_a_service_that_an_operator_gave_to_another_organisation_stays_there(manager):
    told = {k: v for k, v in manager.told.items() if k not in (*RESERVED, "client_secret")}
    moved = told | {"organisation": an_organisation()}
    register([moved])

    assert manager.read().json["organisation"] == moved["organisation"]
    assert manager.change().status_code == 403
    assert manager.end().status_code == 403


def test_an_operators_import_while_a_change_is_read_stands(client, monkeypatch):
    manager = managed(client)
    members = ("client_id", "client_name", "redirect_uris", "organisation")
    narrower = {name: manager.told[name] for name in members} | {"scope": "openid"}
    real = client_configuration.metadata

    def imported_meanwhile(*told):
        register([narrower])
        return real(*told)

    monkeypatch.setattr(client_configuration, "metadata", imported_meanwhile)

    assert manager.change().status_code == 401
    assert manager.read().json["scope"] == "openid"


def test_an_operators_import_of_the_same_changes_nothing(manager):
    told = {k: v for k, v in manager.told.items() if k not in (*RESERVED, "client_secret")}
    register([told])

    assert manager.change().status_code == 200


def test_a_token_that_is_only_used_up_changes_what_it_registered(client):
    """Its one use was the registration."""
    manager = managed(client, an_invitation(uses=1)[0])

    assert manager.change(client_name="Renamed").status_code == 200


class TestAttacker:
    """Others' tokens, old ones, and more than was allowed."""

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_another_services_token_and_a_service_of_nobody_look_the_same(self, client, method):
        """§2: nobody learns which services there are."""
        mine, other = managed(client), managed(client)
        by_hand = registration()
        register([by_hand])
        paths = [other.path, "/register/nobody", f"/register/{by_hand['client_id']}"]
        paths += ["/register/%20", "/register/" + "x" * 500, "/register/%E1%BB%91"]
        paths += ["/register/" + name for name in ("%0A", "%FF", "%ED%A0%80", "%F0%9F%98%80")]

        answers = [
            client.open(path, method=method, json=mine.told, headers=bearer(mine.token))
            for path in paths
        ]

        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.data for answer in answers}) == 1
        assert len({answer.headers["WWW-Authenticate"] for answer in answers}) == 1
        assert mine.read().status_code == other.read().status_code == 200

    def test_an_initial_access_token_manages_nothing(self, client):
        """And the other way."""
        token, _ = an_invitation()
        manager = managed(client, token)

        headers = bearer(manager.token)
        assert client.get(manager.path, headers=bearer(token)).status_code == 401
        assert client.post("/register", json=metadata(), headers=headers).status_code == 401
        assert client.get(manager.path).status_code == 401
        assert client.get(manager.path, headers=played(manager.told).basic()).status_code == 401

    @pytest.mark.parametrize("name", RESERVED)
    def test_what_we_say_is_not_said_to_us(self, manager, name):
        """§2.2."""
        answer = manager.change(**{name: manager.told[name]})

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_client_metadata")
        assert answer.json["error_description"].startswith(name)

    @pytest.mark.parametrize(
        ("members", "says"),
        [
            ({"client_id": "another"}, "client_id: "),
            ({"client_id": ...}, "client_id: "),
            ({"client_secret": "a-secret-of-their-own"}, "client_secret: "),
            ({"client_secret": 7}, "client_secret: "),
            ({"procedures": ["1.004222"]}, "procedures: asks for more"),
            ({"grant_types": ["authorization_code", "client_credentials"]}, "grant_types: asks"),
            ({"require_pkce": False}, "require_pkce: must be true"),
            ({"redirect_uris": ["http://a.motlan.test/"]}, "redirect_uris[0]: "),
        ],
    )
    def test_a_change_goes_no_further_than_the_registration(self, manager, members, says):
        """Or a harmless service would grow; and nothing was changed, the token included."""
        answer = manager.change(**members)

        assert answer.status_code == 400
        assert answer.json["error_description"].startswith(says)
        assert manager.read().json["redirect_uris"] == manager.told["redirect_uris"]

    def test_a_service_without_a_secret_chooses_none(self, client):
        """§2.2: there is none that it could repeat."""
        manager = managed(client, token_endpoint_auth_method="none")

        answer = manager.change(client_secret="a-secret-of-their-own")

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_client_metadata")
        assert answer.json["error_description"].startswith("client_secret: ")

    def test_an_organisation_is_not_changed_from_outside(self, manager):
        """It came with the token."""
        told = manager.told["organisation"] | {"name": "Another"}

        assert manager.change(organisation=told).json["organisation"]["name"] == "Sở Tư pháp"

    def test_of_changes_at_once_one_is_made(self, manager):
        """Each needs the token that the one before took away."""
        app = manager.client.application

        def change(n):
            mine = Manager(app.test_client(), manager.told, manager.token)
            return mine.change(client_name=f"Name {n}")

        with ThreadPoolExecutor(6) as at_once:
            answers = list(at_once.map(change, range(6)))

        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 5
        assert registered.find(manager.told["client_id"]).version == 2

    def test_a_token_that_was_replaced_meanwhile_changes_and_ends_nothing(self, manager):
        """§2.2: the statement itself looks, whoever was admitted before."""
        service = registered.find(manager.told["client_id"])
        old, new = sealing.digest("replaced"), sealing.digest("fresh")

        with transaction():
            assert not records.change(service.id, old=old, new=new, kept=b"")
            assert not records.end_service(service.id, old)

        assert manager.read().status_code == 200

    def test_other_methods_are_none(self, manager):
        """§2."""
        for method in ("POST", "PATCH"):
            answer = manager.client.open(manager.path, method=method, headers=bearer(manager.token))
            assert answer.status_code == 405
