"""npm openid-client 6, certified for Basic, FAPI 2.0 and more, signs people in by every way.

It verifies what a public service has to: issuer, state, nonce, audience, hashes and signatures.
"""

import json
from urllib.parse import parse_qs

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.clients.agencies import LEFT
from tests.clients.checks import check
from tests.clients.conversation import ClientRefused
from tests.clients.person import Person
from tests.drills.wire import Browser

pytestmark = [pytest.mark.openid_client, pytest.mark.slow, pytest.mark.timeout(180)]

WAYS = ["basic", "post", "ES256", "PS256", "EdDSA", "app"]


@pytest.mark.parametrize("who", WAYS)
def test_a_code_by_every_way_of_proving_who_asks(goes, who):
    """OIDC Core §9, RFC 7523, RFC 7636."""
    check(goes("code", who))


@pytest.mark.parametrize("who", ["signed", "RS256"])
def test_signed_userinfo_and_the_algorithm_of_plain_openid(goes, who):
    """OIDC Core §5.3.2; Discovery §3: RS256."""
    check(goes("code", who))


def test_what_it_reads_of_us_is_what_it_needs(goes, town):
    """Discovery §4: the client checks the issuer before it believes a word."""
    said = goes("discovery", "basic")

    assert said["issuer"] == town.serving.issuer
    assert said["authorization_response_iss_parameter_supported"] is True


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519"])
def test_tokens_bound_to_a_key(goes, alg):
    """RFC 9449: the first refusal brings the nonce, and the client goes on by itself (§8)."""
    seen = goes("code", "bound", dpop=alg)

    check(seen, token_type="dpop")
    assert seen["known"]["cnf"].keys() == {"jkt"}


def test_an_app_without_a_secret_binds_its_refresh_token(goes):
    """RFC 9449 §5."""
    check(goes("code", "app", dpop="ES256"), token_type="dpop")


@pytest.mark.parametrize("who", ["basic", "pushing", "EdDSA"])
def test_a_request_that_was_pushed(goes, who):
    """RFC 9126 §2; a service that may push at all may push bound to its key (RFC 9449 §10.1)."""
    check(goes("code", who, push=True, dpop="ES256"), token_type="dpop")
    check(goes("code", who, push=True))


@pytest.mark.parametrize("push", [False, True])
def test_an_answer_that_is_posted(goes, push):
    """Form Post Response Mode §2: the client reads the form that the browser posted."""
    check(goes("code", "post", push=push, asked={"response_mode": "form_post"}))


def test_a_single_claim_and_how_the_person_signed_in(goes):
    """OIDC Core §5.5, §3.1.2.1 `max_age`: the client compares auth_time."""
    wanted = {"userinfo": {"name": {"essential": True}}, "id_token": {"acr": None}}
    asked = {"claims": json.dumps(wanted), "max_age": "3600", "acr_values": "vn:auth:2"}

    seen = goes("code", "signed", asked=asked, checks={"maxAge": 3600})

    check(seen)
    assert seen["claims"]["acr"] == "vn:auth:2"
    assert seen["userinfo"].keys() - {"iss", "aud"} == {"sub", "name"}


def test_what_was_decided_comes_with_the_tokens(goes):
    """RFC 9396 §7, and the scopes that a person decides."""
    detail = {"type": "vn_procedure", "procedure": "1.004222", "case": "HS-1"}
    asked = {"scope": "openid profile", "authorization_details": json.dumps([detail])}

    seen = goes("code", "basic", asked=asked)

    check(seen)
    assert [one["procedure"] for one in seen["tokens"]["authorization_details"]] == ["1.004222"]
    assert {"name", "birthdate", "gender"} <= seen["userinfo"].keys()


@pytest.mark.parametrize("who", ["basic", "ES256", "EdDSA"])
def test_a_token_of_the_services_own(goes, registered, who):
    """RFC 6749 §4.4."""
    seen = goes("own", who)

    assert seen["known"]["active"]
    assert seen["known"]["client_id"] == registered[who].registration["client_id"]
    assert "refresh_token" not in seen["tokens"]


def test_a_token_of_the_services_own_bound_to_a_key(goes):
    """RFC 9449 §5."""
    assert goes("own", "bound", dpop="ES256")["known"]["cnf"].keys() == {"jkt"}


def test_signed_out_at_the_services_wish(goes, town):
    """RP-Initiated Logout §2, §3: state comes back, and what the session bought is over."""
    own = Person(town.serving.issuer, Browser(town.wire()), town.people[1])

    seen = goes("logout", "basic", own)

    assert (seen["back"], seen["kept"]) == (LEFT, True)
    assert seen["known"] == {"active": False}


def test_a_service_hears_of_the_sign_out(goes, town, listener):
    """Back-Channel Logout §2.4, §2.6: verified by joserfc, as a relying party would."""
    own = Person(town.serving.issuer, Browser(town.wire()), town.people[1])
    said = goes("discovery", "hearing")
    seen = goes("logout", "hearing", own)

    (token,) = parse_qs(listener.heard("sign-out").body)["logout_token"]

    keys = KeySet.import_key_set(requests.get(said["jwks_uri"], timeout=10).json())
    read = jwt.decode(token, keys, algorithms=["ES256"])
    told, claims = read.claims, seen["claims"]
    assert read.header["typ"] == "logout+jwt"
    assert {name: told[name] for name in ("iss", "aud", "sub", "sid")} == {
        name: claims[name] for name in ("iss", "aud", "sub", "sid")
    }
    assert told["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert 0 < told["exp"] - told["iat"] <= 120
    assert told["jti"]
    assert "nonce" not in told


def test_a_grant_by_its_name(goes):
    """Grant Management §5, §6: looked at and given back by the service that has it."""
    seen = goes("granted", "keeping", asked={"grant_management_action": "create"})

    assert [one["scope"] for one in seen["look"]["scopes"]] == ["openid"]
    assert seen["back"] == 204
    assert seen["known"] == {"active": False}


def test_a_token_for_a_lesser_one(goes):
    """RFC 8693 §2: who it is stays, and what was left out is told no more."""
    more, less = {"scope": "openid profile"}, {"scope": "openid"}

    seen = goes("exchange", "exchanging", asked=more, exchanged=less)

    assert "name" in seen["before"]
    assert seen["after"].keys() == {"sub"}
    assert seen["lesser"]["issued_token_type"].endswith(":access_token")


class TestAttacker:
    """What the client would not take, were it so; else these ways would prove nothing."""

    def test_an_id_token_by_another_algorithm_than_was_agreed(self, goes):
        with pytest.raises(ClientRefused, match="alg"):
            goes("code", "basic", metadata={"id_token_signed_response_alg": "RS256"})

    def test_a_token_for_a_greater_one(self, goes):
        with pytest.raises(ClientRefused, match="invalid_scope"):
            goes("exchange", "exchanging", exchanged={"scope": "openid email"})

    def test_an_answer_to_another_request(self, goes):
        with pytest.raises(ClientRefused, match="state"):
            goes("code", "basic", checks={"expectedState": "of-another-request"})

    def test_a_secret_that_is_not_its_own(self, goes):
        with pytest.raises(ClientRefused, match="401"):
            goes("own", "basic", secret="a-secret-that-is-somebody-else's")

    def test_a_key_that_is_not_its_own(self, goes, registered):
        with pytest.raises(ClientRefused, match="401"):
            goes("own", "ES256", key=registered["pushing"].key)
