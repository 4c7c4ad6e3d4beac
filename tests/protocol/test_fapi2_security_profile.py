"""FAPI 2.0 Security Profile, Final, by its clauses: services registered with `profile: fapi2`."""

import threading
import time

import jwt
import pytest
from jwt.algorithms import RSAAlgorithm

from identity import database, settings
from identity.registration.register import register
from identity.requested import pushed
from identity.tokens import codes
from tests.asking import answered, is_refused_here, signed_in
from tests.certified import authority, certificate, served_with, told
from tests.fapi import BOUND_TO_IT, CERTIFIED, a_bank, metadata, new_key
from tests.people import lan
from tests.proving import Holder

pytestmark = pytest.mark.usefixtures("app")
ROOT = authority()
SHOWN = certificate(by=ROOT)
WAYS = {
    "private_key_jwt, DPoP": {},
    "mTLS, DPoP": CERTIFIED,
    "private_key_jwt, mTLS": BOUND_TO_IT,
    "mTLS, mTLS": CERTIFIED | BOUND_TO_IT,
}


@pytest.fixture
def bank(client):
    return a_bank(client)


@pytest.fixture
def behind_a_proxy(app, tmp_path):
    with served_with(app, ROOT, tmp_path):
        yield


@pytest.mark.usefixtures("behind_a_proxy")
@pytest.mark.parametrize("members", WAYS.values(), ids=WAYS)
def test_the_whole_way(client, members):
    """§5.3.2.1-4 to -6, §5.3.4: pushed, redeemed, used, refreshed; each way to prove it."""
    bank = a_bank(client, shown=SHOWN, **members)

    bought = bank.sign_in(lan())

    assert bought["token_type"] == ("Bearer" if BOUND_TO_IT.items() <= members.items() else "DPoP")
    cnf = jwt.decode(bought["access_token"], options={"verify_signature": False})["cnf"]
    assert len(cnf) == 1
    assert bank.userinfo(bought["access_token"]).status_code == 200
    again = bank.refresh(bought["refresh_token"])
    assert bank.userinfo(again.json["access_token"]).status_code == 200
    assert bank.is_active(again.json["access_token"])


@pytest.mark.parametrize("alg", ["PS256", "EdDSA"])
def test_the_other_algorithms(client, alg):
    """§5.4.1-1: of assertions and of answers."""
    bank = a_bank(client, alg, id_token_signed_response_alg=alg)

    bought = bank.sign_in(lan())

    assert jwt.get_unverified_header(bought["id_token"])["alg"] == alg


class TestServer:
    """§5.3.2.1, general requirements."""

    def test_1_the_metadata_is_published(self, client):
        said = client.get("/.well-known/openid-configuration").json

        assert said["authorization_response_iss_parameter_supported"] is True
        assert "private_key_jwt" in said["token_endpoint_auth_methods_supported"]
        algorithms = set(said["token_endpoint_auth_signing_alg_values_supported"])
        assert algorithms == {"ES256", "PS256", "EdDSA", "Ed25519", "RS256"}  # the last for others
        assert set(said["dpop_signing_alg_values_supported"]) == algorithms - {"RS256"}

    def test_2_no_password_is_taken_for_a_token(self, bank):
        answer = bank.post("/token", grant_type="password", username="x", password="y")

        assert answer.json["error"] == "unsupported_grant_type"

    def test_4_no_token_is_anybodys(self, bank):
        code = bank.authorize(lan())["code"]
        form = {"code": code, "redirect_uri": bank.sender.redirect_uri}

        bare = bank.post("/token", is_proved=False, grant_type="authorization_code", **form)
        of_itself = bank.post("/token", is_proved=False, grant_type="client_credentials")

        assert bare.json["error"] == of_itself.json["error"] == "invalid_dpop_proof"
        assert bank.redeem(code).status_code == 200  # the wrong try spent nothing

    @pytest.mark.usefixtures("behind_a_proxy")
    def test_4_nor_over_a_connection_without_the_certificate(self, client):
        bank = a_bank(client, shown=SHOWN, **BOUND_TO_IT)
        code = bank.authorize(lan())["code"]
        bank.shown = {}

        assert bank.redeem(code).json["error"] == "invalid_request"

    def test_7_nobody_is_led_to_an_address_that_is_not_registered(self, bank):
        answer = bank.push(redirect_uri="https://evil.test/callback")

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
        assert is_refused_here(bank.sender.ask(redirect_uri="https://evil.test/callback"))

    @pytest.mark.parametrize("path", ["/token", "/par", "/introspect", "/revoke"])
    def test_8_the_audience_is_the_issuer_as_a_text(self, bank, path):
        issuer = settings.current().issuer

        def status(aud):
            form = bank.assertion(aud=aud) | {"token": "x", "grant_type": "client_credentials"}
            return bank.client.post(path, data=form).status_code

        assert {status(aud) for aud in (issuer + path, issuer + "/token", [issuer])} == {401}
        assert status(issuer) != 401

    def test_8_what_others_may_sign_by_is_refused(self, client):
        """§5.4.1-1: RS256, though the key itself says so; under PS256 the same one is taken."""
        key = new_key("PS256")
        public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "k1", "use": "sig"}
        del public["key_ops"]
        form = {"grant_type": "client_credentials"}

        for alg, error in (("RS256", "invalid_client"), ("PS256", "invalid_dpop_proof")):
            bank = a_bank(client, jwks={"keys": [public | {"alg": alg}]})
            bank.key, bank.alg = key, alg
            assert client.post("/token", data=bank.assertion() | form).json["error"] == error

    def test_10_a_nonce_is_asked_for(self, bank):
        first = bank.client.post(
            "/token",
            data=bank.assertion() | {"grant_type": "client_credentials"},
            headers=bank.holder.proof("POST", "/token"),
        )

        assert (first.status_code, first.json["error"]) == (400, "use_dpop_nonce")

    def test_11_a_code_lives_a_minute_at_most(self):
        assert codes.LIFETIME.total_seconds() <= 60

    def test_12_a_code_may_be_bound_to_a_key(self, bank, client):
        bound = bank.authorize(lan(), dpop_jkt=bank.holder.thumbprint)["code"]
        own, bank.holder = bank.holder, Holder(client)

        stolen = bank.redeem(bound)
        bank.holder = own

        assert stolen.json["error"] == "invalid_grant"
        assert bank.redeem(bound).status_code == 200

    @pytest.mark.parametrize("name", ["iat", "nbf"])
    @pytest.mark.parametrize(("ahead", "status"), [(8, 200), (70, 401)])
    def test_13_a_clock_may_be_ahead_ten_seconds_and_never_sixty(self, bank, name, ahead, status):
        bank.holder.send("POST", "/token", data={})
        form = {"grant_type": "client_credentials"} | bank.assertion(
            **{name: int(time.time()) + ahead}
        )
        bank.post("/token", grant_type="client_credentials")  # so that there is a nonce

        answer = bank.client.post("/token", data=form, headers=bank.holder.proof("POST", "/token"))

        assert answer.status_code == status


class TestRefreshing:
    """§5.3.2.1-9, note 1: a refresh token is not rotated, since each use proves a key."""

    def test_the_same_token_goes_on(self, bank):
        first = bank.sign_in(lan())["refresh_token"]

        answers = [bank.refresh(first) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200] * 3
        assert {answer.json["refresh_token"] for answer in answers} == {first}
        assert len({answer.json["access_token"] for answer in answers}) == 3
        assert bank.is_active(first)

    def test_used_many_times_at_once_it_goes_on(self, bank, app):
        """Note 1: no client is left without a token, whatever it lost."""
        first, seen = bank.sign_in(lan())["refresh_token"], []

        def use():
            bank_of_thread = type(bank)(
                app.test_client(), bank.played, bank.key, holder=Holder(app.test_client())
            )
            seen.append(bank_of_thread.refresh(first).status_code)

        threads = [threading.Thread(target=use) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert seen == [200] * 8

    def test_it_is_one_statement_beside_the_assertion(self, bank):
        """Design §9: the assertion is spent apart (decision 0018), the proof with it (0044)."""
        token = bank.sign_in(lan())["refresh_token"]

        with database.counted() as tally:
            assert bank.refresh(token).status_code == 200

        assert tally.commits == 2

    def test_it_ends_with_its_family(self, bank):
        bought = bank.sign_in(lan())

        bank.post("/revoke", is_proved=False, token=bought["refresh_token"])

        assert bank.refresh(bought["refresh_token"]).json["error"] == "invalid_grant"
        assert bank.userinfo(bought["access_token"]).status_code == 401

    def test_it_is_of_no_use_to_another_service(self, bank, client):
        first = bank.sign_in(lan())["refresh_token"]

        assert a_bank(client).refresh(first).json["error"] == "invalid_grant"
        assert bank.refresh(first).status_code == 200

    def test_a_token_that_was_spent_before_the_profile_was_chosen_ends_its_family(self, client):
        """RFC 9700 §4.14.2: the profile is no way back."""
        bank = a_bank(client, profile="oidc", dpop_bound_access_tokens=True)
        spent = bank.sign_in(lan())["refresh_token"]
        second = bank.refresh(spent).json["refresh_token"]
        third = bank.refresh(second).json["refresh_token"]
        told_now = metadata(key=bank.key, client_id=bank.played.client_id)
        told_now["redirect_uris"] = list(bank.sender.service.redirect_uris)
        register([told_now])

        assert bank.refresh(third).json["refresh_token"] == third
        assert bank.refresh(spent).json["error"] == "invalid_grant"
        assert bank.refresh(third).json["error"] == "invalid_grant"


class TestAuthorization:
    """§5.3.2.2, the authorization endpoint."""

    def test_1_the_answer_is_a_code(self, bank):
        for kind in ("token", "id_token", "code id_token", "none"):
            assert bank.push(response_type=kind).json["error"] == "unsupported_response_type"

    def test_3_a_request_that_was_not_pushed_is_refused(self, bank):
        assert bank.sender.error() == "invalid_request"

    def test_4_nobody_pushes_without_proving_who_it_is(self, bank):
        form = bank.sender.query()

        assert bank.client.post("/par", data=form).status_code == 401

    @pytest.mark.parametrize(
        "changed",
        [
            {"code_challenge": None, "code_challenge_method": None},
            {"code_challenge_method": "plain"},
            {"code_challenge_method": None},
        ],
    )
    def test_5_pkce_is_s256(self, bank, changed):
        assert bank.push(**changed).json["error"] == "invalid_request"

    def test_6_the_way_back_is_in_the_pushed_request(self, bank):
        answer = bank.push(redirect_uri=None)

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")

    def test_7_the_answer_says_who_gave_it(self, bank):
        assert bank.authorize(lan())["iss"] == settings.current().issuer

    def test_9_a_code_is_good_once(self, bank):
        code = bank.authorize(lan())["code"]
        bought = bank.redeem(code).json

        assert bank.redeem(code).json["error"] == "invalid_grant"
        assert bank.userinfo(bought["access_token"]).status_code == 401

    def test_11_people_are_sent_on_by_303(self, bank):
        signed_in(bank.client, lan())

        answer = bank.bring(bank.push().json["request_uri"])

        assert answer.status_code == 303

    def test_12_a_reference_lives_less_than_ten_minutes(self, bank):
        assert bank.push().json["expires_in"] == pushed.LIFETIME.total_seconds() < 600

    def test_14_a_nonce_of_64_characters_comes_back(self, bank):
        nonce = "n" * 64

        bought = bank.redeem(bank.authorize(lan(), nonce=nonce)["code"]).json

        claims = jwt.decode(bought["id_token"], options={"verify_signature": False})
        assert claims["nonce"] == nonce

    def test_what_stands_beside_the_reference_counts_for_nothing(self, bank):
        """RFC 9126 §4; §5.3.3.2-6 has clients send two parameters."""
        signed_in(bank.client, lan())

        sent = answered(bank.bring(bank.push(state="kept").json["request_uri"], state="other"))

        assert sent["state"] == "kept"


class TestResources:
    """§5.3.4, where tokens are used."""

    def test_2_no_token_in_the_address(self, bank):
        token = bank.sign_in(lan())["access_token"]

        answer = bank.client.get(f"/userinfo?access_token={token}")

        assert answer.status_code == 400

    def test_5_a_token_without_its_proof_is_refused(self, bank):
        token = bank.sign_in(lan())["access_token"]

        for scheme in ("Bearer", "DPoP", "dpop"):
            headers = {"Authorization": f"{scheme} {token}"}
            assert bank.client.get("/userinfo", headers=headers).status_code == 401


class TestAttacker:
    """Attacker model: has a token, an assertion or a proof, and lacks a key."""

    def test_an_assertion_is_good_once_at_all_endpoints(self, bank):
        """§5.3.2.1-6 with RFC 7523 §3: security case 35."""
        form = bank.assertion()

        first = bank.client.post("/par", data=form | bank.sender.query())
        again = [
            bank.client.post(path, data=form | bank.sender.query(token="x"))
            for path in ("/par", "/token", "/introspect", "/revoke")
        ]

        assert first.status_code == 201
        assert {answer.status_code for answer in again} == {401}

    def test_a_stolen_token_is_of_no_use(self, bank, client):
        token = bank.sign_in(lan())["access_token"]

        assert Holder(client).send("GET", "/userinfo", token=token).status_code == 401

    @pytest.mark.usefixtures("behind_a_proxy")
    def test_a_stolen_bound_token_is_of_no_use(self, client):
        bank = a_bank(client, shown=SHOWN, **BOUND_TO_IT)
        token = bank.sign_in(lan())["access_token"]
        bank.shown = told(certificate(by=ROOT))

        assert bank.userinfo(token).status_code == 401

    def test_a_reference_of_another_service_is_of_no_use(self, bank, client):
        reference = bank.push().json["request_uri"]

        assert is_refused_here(a_bank(client).bring(reference))

    def test_a_mixed_up_code_buys_nothing(self, bank, client):
        """The code of one service, sent by the other, with its own key."""
        code = bank.authorize(lan())["code"]

        assert a_bank(client).redeem(code).json["error"] == "invalid_grant"
        assert bank.redeem(code).status_code == 200
