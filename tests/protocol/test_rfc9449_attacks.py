"""Attacks on sender-bound tokens: RFC 9449 §11, security cases 31 and 32."""

from datetime import timedelta

import jwt
import pytest
import time_machine

from identity import clock
from identity.binding import nonces
from tests.people import lan
from tests.proving import Holder, bound

pytestmark = pytest.mark.usefixtures("app")


class TestAttacker:
    """Security cases 31 and 32: a thief has the token, or saw a proof, and lacks the key."""

    def test_a_bound_token_is_no_bearers(self, office, holder):
        """RFC 9449 §7.2."""
        token = bound(office, holder)["access_token"]

        assert office.userinfo(token).status_code == 401
        form = office.client.post("/userinfo", data={"access_token": token})
        assert form.status_code == 401

    def test_a_bearers_token_is_not_dressed_up(self, office, holder):
        """RFC 9449 §7.1: whoever shows a proof is not told that it protected something."""
        token = office.sign_in(lan())["access_token"]

        assert holder.send("GET", "/userinfo", token=token).status_code == 401

    def test_another_key_does_not_open_it(self, office, client, holder):
        token = bound(office, holder)["access_token"]

        assert Holder(client).send("GET", "/userinfo", token=token).status_code == 401

    @pytest.mark.parametrize(
        "changed",
        [
            {"htm": "POST"},
            {"htm": "get"},
            {"htm": None},
            {"htu": "http://localhost:8000/token"},
            {"htu": "https://localhost:8000/userinfo"},
            {"htu": "http://localhost/userinfo"},
            {"htu": "http://localhost:80/userinfo"},
            {"htu": "http://localhost:x/userinfo"},
            {"htu": "http://localhost:8000/userinfo/"},
            {"htu": "http://localhost:8000/USERINFO"},
            {"htu": "http://localhost:8000/user%2finfo"},
            {"htu": "http://localhost:8000/user\ninfo"},
            {"htu": " http://localhost:8000/userinfo"},
            {"htu": "http://somebody@localhost:8000/userinfo"},
            {"htu": "//localhost:8000/userinfo"},
            {"htu": "/userinfo"},
            {"htu": "http://[::1:8000/userinfo"},
            {"htu": "http://localhost:8000/userinfo?" + "x" * 2048},
            {"htu": 7},
            {"htu": "https://evil.test/userinfo"},
            {"htu": None},
            {"ath": "A" * 43},
            {"ath": ""},
            {"iat": 1},
            {"iat": True},
            {"iat": "now"},
            {"iat": 10**400},
            {"iat": float("nan")},
            {"jti": ""},
            {"jti": 7},
            {"jti": "x" * 257},
            {"jti": "a\x00b"},
            {"jti": None},
            {"header": {"typ": "JWT"}},
            {"header": {"typ": "at+jwt"}},
            {"header": {"jwk": None}},
            {"header": {"jwk": "key"}},
            {"header": {"jwk": {"kty": "oct", "k": "c2VjcmV0"}}},
            {"header": {"jwk": {"kty": "EC", "alg": "PS256"}}},
            {"header": {"crit": ["exp"], "exp": 1}},
            {"header": {"jku": "http://127.0.0.1:9/keys"}},
            {"header": {"x5u": "http://127.0.0.1:9/keys"}},
            {"header": {"x5c": ["MIIB"]}},
            {"padding": "x" * 8192},
        ],
    )
    def test_a_proof_for_something_else_is_refused(self, office, holder, changed):
        """RFC 9449 §4.3, RFC 8725 §3.10."""
        token = bound(office, holder)["access_token"]
        proof = holder.proof("GET", "/userinfo", token=token, **changed)

        answer = office.client.get("/userinfo", headers={"Authorization": f"DPoP {token}"} | proof)

        assert answer.status_code == 401
        assert 'error="invalid_dpop_proof"' in answer.headers["WWW-Authenticate"]

    def test_a_proof_of_another_hour_is_refused(self, office, holder):
        """RFC 9449 §11.1; a minute of age is forgiven, half of one the other way."""
        bound(office, holder)
        now = int(clock.now().timestamp())

        def answer(iat):
            proof = holder.proof("POST", "/token", iat=iat)
            form = {"grant_type": "client_credentials"}
            return office.client.post("/token", data=form, headers=office.played.basic() | proof)

        assert [answer(now + s).status_code for s in (-50, 20)] == [200, 200]
        for seconds in (-3600, -65, 45, 3600):
            assert answer(now + seconds).json["error"] == "invalid_dpop_proof"

    def test_a_key_is_of_the_kind_and_for_the_algorithm_that_are_said(self, office, client, holder):
        """RFC 7517 §4.4, RFC 8725 §3.1: a key that names another algorithm is not used for this."""
        bound(office, holder)
        of_rsa = Holder(client, alg="PS256", nonce=holder.nonce)

        def answer(sent_by, jwk):
            proof = sent_by.proof("POST", "/token", header={"jwk": jwk})
            form = {"grant_type": "client_credentials"}
            return office.client.post("/token", data=form, headers=office.played.basic() | proof)

        assert answer(holder, holder.jwk | {"alg": "ES256"}).status_code == 200
        refused = [answer(holder, holder.jwk | {"alg": "PS256"}), answer(of_rsa, holder.jwk)]
        assert [each.json["error"] for each in refused] == ["invalid_dpop_proof"] * 2

    def test_a_nonce_of_nobody_or_of_yesterday_is_asked_for_again(self, office, holder):
        """RFC 9449 §8: stateless, and sealed by us."""
        bound(office, holder)
        late = clock.now() + nonces.LIFETIME + timedelta(seconds=2)
        early = clock.now() - nonces.AHEAD - timedelta(seconds=2)
        form = {"grant_type": "client_credentials"}

        def error(**changed):
            headers = office.played.basic() | holder.proof("POST", "/token", **changed)
            return office.client.post("/token", data=form, headers=headers).json["error"]

        for nonce in ("x", "A" * 48, "x" * 5000, 7, office.authorize(lan()).text):
            assert error(nonce=nonce) == "use_dpop_nonce"
        for at in (late, early):
            with time_machine.travel(at, tick=True):
                assert error(iat=int(at.timestamp())) == "use_dpop_nonce"

    def test_a_key_that_shows_its_private_half_is_refused(self, office, holder):
        """RFC 9449 §4.3: and whoever signed with a shared secret, or not at all."""
        bound(office, holder)
        private = jwt.get_algorithm_by_name("ES256").to_jwk(holder.key, as_dict=True)
        claims = {"jti": "j", "htm": "POST", "nonce": holder.nonce}
        proofs = [
            holder.proof("POST", "/token", header={"jwk": private}),
            {"DPoP": jwt.encode(claims, "x" * 32, "HS256", {"typ": "dpop+jwt", "jwk": holder.jwk})},
            {"DPoP": jwt.encode(claims, None, "none", {"typ": "dpop+jwt", "jwk": holder.jwk})},
            {"DPoP": holder.proof("POST", "/token")["DPoP"] + ", " + "e30.e30.e30"},
            {"DPoP": "e30.e30"},
            {"DPoP": "x" * 9000},
            {"DPoP": ""},
        ]
        for proof in proofs:
            answer = office.client.post(
                "/token",
                data={"grant_type": "client_credentials"},
                headers=office.played.basic() | proof,
            )
            assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof")

    def test_somebody_elses_signature_under_ones_own_key_is_refused(self, office, client, holder):
        """The header's key must be the signer."""
        bound(office, holder)
        proof = Holder(client, nonce=holder.nonce).proof(
            "POST", "/token", header={"jwk": holder.jwk}
        )

        answer = office.client.post(
            "/token",
            data={"grant_type": "client_credentials"},
            headers=office.played.basic() | proof,
        )

        assert answer.json["error"] == "invalid_dpop_proof"
