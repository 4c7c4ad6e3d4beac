"""Demonstrating proof of possession, RFC 9449, where tokens are given and used."""

import threading

import jwt
import pytest
import time_machine

from identity import clock
from identity.binding import nonces, places
from tests.asking import VERIFIER, a_sender, answered, signed_in
from tests.offices import Office, a_decision, an_office
from tests.people import lan
from tests.proving import Holder, bound, redeemed, refreshed
from tests.public_services import a_service
from tests.pushing import bring

pytestmark = pytest.mark.usefixtures("app")
GRANTS = ["authorization_code", "refresh_token"]


@pytest.fixture
def app_of_citizens(client):
    """A public client: it has no credential but the key."""
    return Office(client, a_service(token_endpoint_auth_method="none", grant_types=GRANTS))


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "Ed25519"])
def test_a_proof_binds_the_tokens_to_its_key(client, office, alg):
    """RFC 9449 §5, §6.1: `token_type` and `cnf.jkt`."""
    holder = Holder(client, alg)

    bought = bound(office, holder)

    assert bought["token_type"] == "DPoP"
    claims = jwt.decode(bought["access_token"], options={"verify_signature": False})
    assert claims["cnf"] == {"jkt": holder.thumbprint}
    told = holder.send("GET", "/userinfo", token=bought["access_token"])
    assert (told.status_code, told.json["sub"]) == (200, claims["sub"])


def test_the_first_answer_asks_for_a_nonce_and_spends_nothing(office, holder):
    """RFC 9449 §8: 400 with a nonce at the token endpoint; the code is still good."""
    code = office.authorize(lan())
    form = {"grant_type": "authorization_code", "code": code.text, "code_verifier": code.verifier}
    headers = office.played.basic() | holder.proof("POST", "/token")

    first = office.client.post(
        "/token", data=form | {"redirect_uri": code.redirect_uri}, headers=headers
    )

    assert (first.status_code, first.json["error"]) == (400, "use_dpop_nonce")
    assert first.headers["DPoP-Nonce"]
    assert redeemed(office, holder, code).status_code == 200


def test_where_a_token_is_used_the_nonce_is_asked_for_by_a_challenge(office, holder):
    """RFC 9449 §9: 401, and one challenge that says which."""
    token = bound(office, holder)["access_token"]
    holder.nonce = None
    headers = {"Authorization": f"DPoP {token}"} | holder.proof("GET", "/userinfo", token=token)

    answer = office.client.get("/userinfo", headers=headers)

    assert answer.status_code == 401
    (challenge,) = answer.headers.getlist("WWW-Authenticate")
    assert challenge.startswith("DPoP ")
    assert 'error="use_dpop_nonce"' in challenge
    assert 'algs="ES256 PS256 EdDSA Ed25519"' in challenge
    assert answer.headers["DPoP-Nonce"]


def test_a_nonce_is_renewed_before_it_is_old(office, holder):
    """RFC 9449 §8.2: the next one comes with an answer, so that no request is lost."""
    bound(office, holder)
    first = holder.nonce

    with time_machine.travel(clock.now() + nonces.RENEWED_AFTER * 2, tick=True):
        bound(office, holder)

    assert holder.nonce != first


def test_who_sends_no_token_hears_of_both_ways(client):
    """RFC 9449 §7.2, RFC 6750 §3.1."""
    answer = client.get("/userinfo")

    schemes = [told.split()[0] for told in answer.headers.getlist("WWW-Authenticate")]
    assert schemes == ["Bearer", "DPoP"]


def test_a_bound_token_opens_the_api(office, holder):
    """RFC 9449 §7.1: any protected resource of ours, by the same guard."""
    token = bound(office, holder, decisions=(a_decision(),))["access_token"]

    answer = holder.send("POST", "/api/attributes", token=token, json={})

    assert answer.status_code != 401, answer.json
    assert "WWW-Authenticate" not in answer.headers


def test_introspection_tells_the_key(office, holder):
    """RFC 9449 §6.2."""
    token = bound(office, holder)["access_token"]

    told = office.post("/introspect", token=token).json

    assert told["active"]
    assert told["token_type"] == "DPoP"
    assert told["cnf"] == {"jkt": holder.thumbprint}


def test_a_token_of_the_service_itself_is_bound_too(office, holder):
    """RFC 9449 §5: any grant."""
    answer = holder.send(
        "POST", "/token", data={"grant_type": "client_credentials"}, headers=office.played.basic()
    )

    assert answer.json["token_type"] == "DPoP"
    assert office.is_active(answer.json["access_token"])


def test_a_refresh_token_of_an_app_goes_on_with_its_key_alone(app_of_citizens, client, holder):
    """RFC 9449 §5: it has no other credential; a wrong try spends nothing."""
    first = bound(app_of_citizens, holder)["refresh_token"]

    for other in (Holder(client), None):
        answer = refreshed(app_of_citizens, other, first)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")
    second = refreshed(app_of_citizens, holder, first)
    assert second.json["token_type"] == "DPoP"
    assert second.json["refresh_token"] != first


def test_the_grace_answer_is_for_the_same_key(app_of_citizens, client, holder):
    """Design §3: within ten seconds the same successor, to nobody else."""
    first = bound(app_of_citizens, holder)["refresh_token"]
    successor = refreshed(app_of_citizens, holder, first).json["refresh_token"]

    assert refreshed(app_of_citizens, Holder(client), first).status_code == 400
    assert refreshed(app_of_citizens, holder, first).json["refresh_token"] == successor


def test_who_has_a_credential_may_change_the_key(office, client, holder):
    """RFC 9449 §5: the refresh token is bound to the credential; the access token to the proof."""
    first, other = bound(office, holder)["refresh_token"], Holder(client)

    answer = refreshed(office, other, first)

    claims = jwt.decode(answer.json["access_token"], options={"verify_signature": False})
    assert claims["cnf"] == {"jkt": other.thumbprint}


def test_a_service_may_register_that_its_tokens_are_bound(client, holder):
    """RFC 9449 §5.2: then none is given without a proof; a bearer's code stays good."""
    office = an_office(client, dpop_bound_access_tokens=True)
    code = office.authorize(lan())

    answer = office.redeem(code)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof")
    assert redeemed(office, holder, code).status_code == 200


class TestBoundCodes:
    """RFC 9449 §10: a code that one key alone redeems."""

    def code_of(self, office, **more):
        signed_in(office.client, lan())
        return answered(office.ask(**more))["code"]

    def test_a_code_is_redeemed_by_the_key_that_was_named(self, client, holder):
        office = a_sender(client)
        code = self.code_of(office, dpop_jkt=holder.thumbprint)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": office.redirect_uri,
            "code_verifier": VERIFIER,
        }
        headers = office.played.basic()

        without = client.post("/token", data=form, headers=headers)
        other = Holder(client).send("POST", "/token", data=form, headers=headers)
        right = holder.send("POST", "/token", data=form, headers=headers)

        assert [a.json.get("error") for a in (without, other)] == ["invalid_grant"] * 2
        assert right.status_code == 200, right.json

    def test_a_pushed_request_names_the_key_of_its_proof(self, client, holder):
        """§10.1: by the header of /par."""
        office = a_sender(client)
        signed_in(client, lan())
        answer = holder.send("POST", "/par", data=office.query(), headers=office.played.basic())
        code = answered(bring(office, answer.json["request_uri"]))["code"]

        assert office.redeem(code).json["error"] == "invalid_grant"

    def test_a_proof_and_a_name_that_differ_are_refused(self, client, holder):
        office = a_sender(client)
        form = office.query(dpop_jkt=Holder(client).thumbprint)

        answer = holder.send("POST", "/par", data=form, headers=office.played.basic())

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof")

    def test_what_is_no_thumbprint_is_refused(self, client):
        office = a_sender(client)
        for text in ("x", "A" * 42, "A" * 44, "é" * 43, "A" * 42 + "="):
            assert office.error(dpop_jkt=text) == "invalid_request"


@pytest.mark.parametrize(
    "told",
    [
        "http://localhost:8000/userinfo?",
        "http://localhost:8000/userinfo?x=1#y",
        "http://localhost:8000/userinfo#y",
        "HTTP://LOCALHOST:8000/userinfo",
        "http://localhost:8000/%75ser%69nfo",
    ],
)
def test_an_address_may_be_spelt_otherwise(office, holder, told):
    """RFC 9449 §4.3: without query and fragment, and as RFC 3986 §6.2.2 and §6.2.3 compare."""
    token = bound(office, holder)["access_token"]
    proof = holder.proof("GET", "/userinfo", token=token, htu=told)

    answer = office.client.get("/userinfo", headers={"Authorization": f"DPoP {token}"} | proof)

    assert answer.status_code == 200


@pytest.mark.parametrize("told", ["https://id.vn:443/a", "https://id.vn:/a", "https://ID.vn/a"])
def test_a_port_may_be_said_that_goes_without_saying(told):
    """RFC 3986 §6.2.3."""
    assert places.is_same(told, "https://id.vn/a")
    assert not places.is_same(told, "https://id.vn:8443/a")
    assert not places.is_same(told, "http://id.vn/a")


def test_an_escape_that_divides_nothing_does_not_stand_for_what_divides():
    """RFC 3986 §2.2, §6.2.2.1: `%2F` is part of a name, in whichever case it is written."""
    assert not places.is_same("https://id.vn/api%2Fattributes", "https://id.vn/api/attributes")
    assert places.is_same("https://id.vn/a%2fb", "https://id.vn/a%2Fb")


class TestAttacker:
    """The rest of them, which no database is asked about: `test_rfc9449_attacks.py`."""

    def test_a_proof_is_good_once(self, office, holder):
        """RFC 9449 §11.1, over all processes: the table has it, not the process."""
        token = bound(office, holder)["access_token"]
        headers = {"Authorization": f"DPoP {token}"} | holder.proof("GET", "/userinfo", token=token)

        assert office.client.get("/userinfo", headers=headers).status_code == 200
        again = office.client.get("/userinfo", headers=headers)

        assert again.status_code == 401
        assert 'error="invalid_dpop_proof"' in again.headers["WWW-Authenticate"]

    def test_of_one_proof_sixteen_times_at_once_one_is_taken(self, app, office, holder):
        """Single use is one INSERT."""
        token = bound(office, holder)["access_token"]
        headers = {"Authorization": f"DPoP {token}"} | holder.proof("GET", "/userinfo", token=token)
        seen = []

        def show():
            seen.append(app.test_client().get("/userinfo", headers=headers).status_code)

        threads = [threading.Thread(target=show) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(seen) == [200] + [401] * 15
