"""A secret or key that was taken back buys nothing, though it is remembered (RFC 6749 §10.1)."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select

from identity import database
from identity.provider import client_credentials
from identity.public_services import registered
from identity.registration.register import end, register
from identity.trail import AccessEntry
from tests.asking import Sender
from tests.offices import EVERY_GRANT, GRANT_TYPES, Office
from tests.people import lan
from tests.public_services import Played, public_jwk, registration
from tests.pushing import push

pytestmark = pytest.mark.usefixtures("app")
OLD, NEW = "the-secret-that-leaked", "the-secret-that-came-after"


@pytest.fixture
def told():
    """What was registered with the secret that leaks later."""
    said = registration(grant_types=GRANT_TYPES, client_secret=OLD)
    register([said])
    return said


@pytest.fixture
def office(client, told):
    return Office(client, Played(told["client_id"], OLD))


def changed_elsewhere(office, told, **members):
    """By another process: this one remembers what was, for half a minute."""
    remembered = office.service
    register([told | members])
    registered._memory.keep(remembered)


def of_itself(office):
    return office.post("/token", grant_type="client_credentials")


def marks(office):
    its = (
        AccessEntry.public_service_id == office.service.id,
        AccessEntry.type == "service:refused",
    )
    return database.row(select(func.count()).select_from(AccessEntry).where(*its))[0]


def test_a_change_of_anything_else_costs_nobody_an_answer(office, told):
    code = office.authorize(lan())
    changed_elsewhere(office, told, client_name="Another name")

    assert office.redeem(code).status_code == 200


def test_what_it_gets_is_as_it_is_registered_now(office, told):
    """An ID token encrypted to a key of before could be read by whoever that key was lost to."""
    code = office.authorize(lan(), scope="openid offline_access")
    changed_elsewhere(office, told, id_token_signed_response_alg="EdDSA")
    bought = office.redeem(code).json
    changed_elsewhere(office, told, id_token_signed_response_alg="PS256")

    answers = bought, office.refresh(bought["refresh_token"]).json

    used = [jwt.get_unverified_header(answer["id_token"])["alg"] for answer in answers]
    assert used == ["EdDSA", "PS256"]


def test_nor_at_the_other_endpoints(client, office, told):
    bought = office.sign_in(lan())
    for name, ask in {
        "one": lambda: push(Sender(client, office.played)),
        "two": lambda: office.post("/introspect", token=bought["refresh_token"]),
        "three": lambda: office.post("/revoke", token=bought["access_token"]),
    }.items():
        changed_elsewhere(office, told, client_name=f"Name {name}")
        answer = ask()
        assert answer.status_code < 300, answer.text

    assert not office.is_active(bought["refresh_token"])


class TestAttacker:
    """Has the old secret, and finds a process that has not heard of the new one."""

    def test_no_code_is_redeemed_and_the_right_secret_still_redeems_it(self, office, told):
        code = office.authorize(lan())
        changed_elsewhere(office, told, client_secret=NEW)

        tried = office.redeem(code)
        office.played.secret = NEW
        redeemed = office.redeem(code)

        assert (tried.status_code, tried.json["error"]) == (401, "invalid_client")
        assert redeemed.status_code == 200

    def test_no_refresh_token_is_used(self, office, told):
        bought = office.sign_in(lan())
        changed_elsewhere(office, told, client_secret=NEW)

        tried = office.refresh(bought["refresh_token"])
        office.played.secret = NEW
        refreshed = office.refresh(bought["refresh_token"])

        assert (tried.status_code, tried.json["error"]) == (401, "invalid_client")
        assert refreshed.status_code == 200

    def test_no_token_is_given_for_the_service_itself(self, office, told):
        client_credentials.forget()
        changed_elsewhere(office, told, client_secret=NEW)

        tried = of_itself(office)

        assert (tried.status_code, tried.json["error"]) == (401, "invalid_client")

    @pytest.mark.parametrize(("left", "answer"), [(("k1", "k2"), 200), (("k2",), 401)])
    def test_a_key_counts_until_it_is_taken_back_and_another_may_be_added(
        self, client, left, answer
    ):
        keys = {kid: ec.generate_private_key(ec.SECP256R1()) for kid in ("k1", "k2")}
        shown = {kid: public_jwk(key, kid) for kid, key in keys.items()}
        told = registration(
            grant_types=GRANT_TYPES,
            token_endpoint_auth_method="private_key_jwt",
            jwks={"keys": [shown["k1"]]},
        )
        register([told])
        office = Office(client, Played(told["client_id"], key=keys["k1"]))
        changed_elsewhere(office, told, jwks={"keys": [shown[kid] for kid in left]})

        form = {"grant_type": "client_credentials"} | office.played.assertion()

        assert client.post("/token", data=form).status_code == answer

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_nothing_is_learned_of_a_token(self, office, told, kind):
        bought = office.sign_in(lan())
        changed_elsewhere(office, told, client_secret=NEW)

        tried = office.post("/introspect", token=bought[kind])
        office.played.secret = NEW

        assert (tried.status_code, tried.json["error"]) == (401, "invalid_client")
        assert office.is_active(bought[kind])

    def test_nor_of_a_token_of_the_service_itself(self, office, told):
        token = of_itself(office).json["access_token"]
        changed_elsewhere(office, told, client_secret=NEW)

        assert office.post("/introspect", token=token).status_code == 401

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_no_token_is_ended(self, office, told, kind):
        bought = office.sign_in(lan())
        changed_elsewhere(office, told, client_secret=NEW)

        tried = office.post("/revoke", token=bought[kind])
        office.played.secret = NEW
        stood = office.is_active(bought[kind])
        ended = office.post("/revoke", token=bought[kind])

        assert (tried.status_code, stood) == (401, True)
        assert (ended.status_code, office.is_active(bought[kind])) == (200, False)

    def test_no_token_of_the_service_itself_is_ended(self, office, told):
        token = of_itself(office).json["access_token"]
        changed_elsewhere(office, told, client_secret=NEW)

        assert office.post("/revoke", token=token).status_code == 401
        office.played.secret = NEW
        assert office.is_active(token)

    def test_no_request_is_pushed(self, client, told, office):
        sender = Sender(client, office.played)
        changed_elsewhere(office, told, client_secret=NEW)

        tried = push(sender)
        sender.played.secret = NEW

        assert (tried.status_code, tried.json["error"]) == (401, "invalid_client")
        assert push(sender).status_code == 201

    @pytest.mark.parametrize(
        ("path", "form"),
        [
            ("/device_authorization", {"scope": "openid"}),
            ("/bc-authorize", {"scope": "openid", "login_hint": "001188000018"}),
        ],
    )
    def test_nobody_is_asked_on_another_device(self, client, path, form):
        told = registration(client_secret=OLD, **EVERY_GRANT)
        register([told])
        office = Office(client, Played(told["client_id"], OLD))
        changed_elsewhere(office, told, client_secret=NEW)

        tried = office.post(path, **form)
        office.played.secret = NEW
        asked = office.post(path, **form)

        assert (tried.status_code, tried.json["error"]) == (401, "invalid_client")
        assert asked.status_code == 200, asked.text

    def test_the_attempt_stands_in_the_log(self, office, told):
        client_credentials.forget()
        changed_elsewhere(office, told, client_secret=NEW)

        before = marks(office)
        of_itself(office)

        assert (before, marks(office)) == (0, 1)

    @pytest.mark.parametrize("path", ["/device_authorization", "/bc-authorize"])
    def test_who_has_ended_asks_nobody_where_it_is_remembered(self, office, path):
        """The endpoints that no later statement stands behind."""
        remembered = office.service
        end(remembered.client_id)
        registered._memory.keep(remembered)

        answer = office.post(path, scope="openid")

        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
