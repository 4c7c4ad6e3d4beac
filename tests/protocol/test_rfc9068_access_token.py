"""JWT access tokens, RFC 9068, and the ID tokens beside them, OpenID Connect Core §2."""

import hashlib
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from time_machine import travel

from identity import clock, jws
from identity.errors import InvalidToken
from identity.signing import keys
from identity.signing.tokens import (
    AccessToken,
    IdToken,
    begun,
    read_access_token,
    read_id_token_hint,
    sign_access_token,
    sign_begun,
    sign_id_token,
)
from tests.installations import ISSUER, installed, make_keys

API = f"{ISSUER}/api"
SIGNED_IN_AT = datetime(2026, 11, 22, 3, 32, 7, tzinfo=UTC)
DETAIL = {"type": "vn_procedure", "procedure": "1.004222", "decision_id": "d-1"}


@pytest.fixture(autouse=True, scope="module")
def installation(tmp_path_factory):
    with installed(tmp_path_factory.mktemp("home")) as settings:
        make_keys(settings)
        yield settings


def an_access_token(**changed) -> AccessToken:
    said = {
        "audience": API,
        "subject": "pairwise-lan",
        "public_service": "commune-police",
        "reference": "sealed",
        "scopes": ("openid", "profile"),
        "details": (DETAIL,),
        "authenticated_at": SIGNED_IN_AT,
        "assurance": "vn:auth:2",
        "account_level": 2,
    }
    return AccessToken(**said | changed)


def an_id_token(**changed) -> IdToken:
    said = {
        "public_service": "commune-police",
        "subject": "pairwise-lan",
        "authenticated_at": SIGNED_IN_AT,
        "assurance": "vn:auth:2",
        "methods": ("pwd", "otp"),
        "session": "sid-1",
    }
    return IdToken(**said | changed)


def seen_by_a_service(token: str, *, audience: str, alg: str = "ES256") -> tuple[dict, dict]:
    """What an independent library reads, with nothing but the published keys."""
    header = jwt.get_unverified_header(token)
    key = jwt.PyJWKSet.from_dict(json.loads(keys.jwks()))[header["kid"]]
    return header, jwt.decode(token, key, algorithms=[alg], audience=audience, issuer=ISSUER)


def payload(token: str) -> dict:
    """What stands in it, each member once."""
    return jws.members(token.split(".")[1])


class TestAccessToken:
    def test_it_has_the_type_and_claims_of_the_specification(self):
        """RFC 9068 §2.1, §2.2."""
        header, claims = seen_by_a_service(sign_access_token(an_access_token()), audience=API)

        assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
        assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= set(claims)
        assert claims["client_id"] == "commune-police"
        assert claims["scope"] == "openid profile"
        assert claims["authorization_details"] == [DETAIL]
        assert (claims["acr"], claims["vn_account_level"]) == ("vn:auth:2", 2)
        assert claims["auth_time"] == int(SIGNED_IN_AT.timestamp())
        assert claims["vn_ref"] == "sealed"

    def test_it_lives_five_minutes_at_most(self):
        """Design §3: who verifies offline sees at most five minutes of the past."""
        _, claims = seen_by_a_service(sign_access_token(an_access_token()), audience=API)

        assert 0 < claims["exp"] - claims["iat"] <= 300

    @pytest.mark.parametrize(
        "changed",
        [
            {},
            {"confirmation": {"jkt": "thumbprint"}},
            {"actor": "pairwise-husband"},
            {"details": (), "audience": ISSUER},
            {"scopes": ()},
        ],
    )
    def test_what_it_says_is_read_back(self, changed):
        """Nothing is lost or added between issuing and use."""
        token = an_access_token(**changed)

        assert read_access_token(sign_access_token(token), audiences=(ISSUER, API)) == token

    def test_client_credentials_name_nobody(self):
        """RFC 9068 §2.2: without a person, `sub` is the client; no `vn_ref` (design §3)."""
        token = AccessToken(audience=API, subject="tax", public_service="tax")

        _, claims = seen_by_a_service(sign_access_token(token), audience=API)

        assert set(claims) == {"iss", "aud", "sub", "client_id", "jti", "iat", "exp"}
        assert read_access_token(sign_access_token(token), audiences=(API,)) == token

    @settings(max_examples=25)
    @given(
        audience=st.text(),
        client_id=st.text(),
        scopes=st.lists(st.text(), max_size=3).map(tuple),
        confirmation=st.none() | st.dictionaries(st.text(), st.text(), max_size=1),
        person=st.sampled_from([{}, {"reference": "sealed", "details": (DETAIL,)}]),
    )
    def test_where_many_begin_alike_each_says_what_it_would_alone(
        self, audience, client_id, scopes, confirmation, person
    ):
        """Whatever stands in it: the beginning is JSON that was written once."""
        token = AccessToken(
            audience=audience,
            subject=client_id,
            public_service=client_id,
            scopes=scopes,
            confirmation=confirmation,
            **person,
        )
        alone = payload(sign_access_token(token))
        beginning = begun(token)
        one, another = payload(sign_begun(beginning)), payload(sign_begun(beginning))

        assert set(one) == set(alone)
        own = {"jti", "iat", "exp"}
        assert {k: v for k, v in one.items() if k not in own} == {
            k: v for k, v in alone.items() if k not in own
        }
        assert one["exp"] - one["iat"] == alone["exp"] - alone["iat"]
        assert one["iat"] >= alone["iat"]
        assert len({one["jti"], another["jti"], alone["jti"]}) == 3

    def test_no_two_have_the_same_id(self):
        """RFC 9068 §2.2: revocation is by `jti`."""
        assert len({an_access_token().token_id for _ in range(100)}) == 100


class TestIdToken:
    @pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "RS256"])
    def test_it_has_the_claims_of_the_specification(self, alg):
        """OpenID Connect Core §2; `sid` of Back-Channel Logout §2.1."""
        token = sign_id_token(an_id_token(nonce="n-1"), alg=alg)

        header, claims = seen_by_a_service(token, audience="commune-police", alg=alg)

        assert (header["alg"], header["typ"]) == (alg, "JWT")
        assert claims == {
            "iss": ISSUER,
            "sub": "pairwise-lan",
            "aud": "commune-police",
            "iat": claims["iat"],
            "exp": claims["iat"] + 300,
            "auth_time": int(SIGNED_IN_AT.timestamp()),
            "acr": "vn:auth:2",
            "amr": ["pwd", "otp"],
            "sid": "sid-1",
            "nonce": "n-1",
        }

    def test_it_binds_the_access_token_and_the_code(self):
        """OpenID Connect Core §3.1.3.6 and §3.3.2.11; the example values of its appendix A."""
        token = an_id_token(
            access_token="jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
            code="Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk",
        )

        _, claims = seen_by_a_service(sign_id_token(token), audience="commune-police")

        assert claims["at_hash"] == "77QmUPtjPfzWtF2AnpK9RQ"
        assert claims["c_hash"] == "LDktKdoQak3Pk0cnXxCltA"

    def test_a_hash_is_of_the_algorithm_that_signs(self):
        """OIDC Core §3.1.3.6: Ed25519 hashes with SHA-512, so its halves are twice as long."""
        token = an_id_token(access_token="jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", code="c")
        digest = hashlib.sha512(token.access_token.encode()).digest()[:32]

        _, claims = seen_by_a_service(
            sign_id_token(token, alg="EdDSA"), audience="commune-police", alg="EdDSA"
        )

        assert claims["at_hash"] == urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert len(claims["c_hash"]) == len(claims["at_hash"])

    def test_an_asked_claim_never_replaces_one_of_ours(self):
        """The `claims` parameter is the public service's; who it is about is not."""
        token = sign_id_token(an_id_token(claims={"sub": "another", "name": "Lan"}))

        _, claims = seen_by_a_service(token, audience="commune-police")

        assert (claims["sub"], claims["name"]) == ("pairwise-lan", "Lan")

    def test_it_says_who_acts_for_whom(self):
        """Design §3: `sub` is whom it is about, `act.sub` who acted."""
        token = sign_id_token(an_id_token(actor="pairwise-husband"))

        assert seen_by_a_service(token, audience="commune-police")[1]["act"] == {
            "sub": "pairwise-husband"
        }

    @pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "RS256"])
    def test_it_is_a_hint_also_when_it_is_over(self, alg):
        """RP-Initiated Logout §2: the `exp` of a hint does not matter."""
        token = sign_id_token(an_id_token(), alg=alg)

        with travel(clock.now() + timedelta(hours=2)):
            hint = read_id_token_hint(token)

        assert (hint.public_service, hint.subject, hint.session) == (
            "commune-police",
            "pairwise-lan",
            "sid-1",
        )
        assert hint.authenticated_at == SIGNED_IN_AT


class TestAttacker:
    """Cases 28 and 29: no token passes for another."""

    def test_an_id_token_is_no_access_token(self):
        """Case 29."""
        with pytest.raises(InvalidToken):
            read_access_token(sign_id_token(an_id_token(public_service=API)), audiences=(API,))

    def test_an_access_token_is_no_hint(self):
        """Case 29."""
        with pytest.raises(InvalidToken):
            read_id_token_hint(sign_access_token(an_access_token()))

    def test_a_logout_token_is_neither(self):
        """Cases 29 and 43."""
        now = int(clock.now().timestamp())
        claims = {"iss": ISSUER, "aud": API, "sub": "s", "iat": now, "exp": now + 60, "jti": "1"}
        token = keys.sign(claims, typ=keys.LOGOUT_TOKEN)

        with pytest.raises(InvalidToken):
            read_access_token(token, audiences=(API,))
        with pytest.raises(InvalidToken):
            read_id_token_hint(token)

    @pytest.mark.parametrize("text", ["", "opaque-refresh-token", "a.b", "a.b.c", "a.b.c.d.e"])
    def test_something_else_is_no_access_token(self, text):
        """Case 29: a refresh token, a JWE, nothing."""
        with pytest.raises(InvalidToken):
            read_access_token(text, audiences=(API,))

    def test_a_token_for_userinfo_does_not_open_the_api(self):
        """Case 28: `/api` takes its own audience only, and a prefix of it is another."""
        token = sign_access_token(an_access_token(audience=ISSUER))

        assert read_access_token(token, audiences=(ISSUER, API)).audience == ISSUER
        with pytest.raises(InvalidToken):
            read_access_token(token, audiences=(API,))

    def test_a_token_of_another_issuer_is_refused_though_our_key_signed_it(self):
        """Case 28: one key ring behind two names."""
        foreign = keys.sign({"iss": "http://localhost:8001", "aud": API}, typ=keys.ACCESS_TOKEN)
        hint = keys.sign({"iss": "http://localhost:8001"}, typ=keys.ID_TOKEN)

        with pytest.raises(InvalidToken):
            read_access_token(foreign, audiences=(API,))
        with pytest.raises(InvalidToken):
            read_id_token_hint(hint)

    def test_a_token_that_is_over_opens_nothing(self):
        """RFC 9068 §4."""
        token = sign_access_token(an_access_token())

        with travel(clock.now() + timedelta(minutes=5, seconds=1)), pytest.raises(InvalidToken):
            read_access_token(token, audiences=(API,))
