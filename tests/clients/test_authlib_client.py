"""Authlib's client goes the ways it knows: an independent reading in Python."""

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet, import_key

from tests.clients.agencies import Agency

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def provider(town):
    """What it reads of us before anything else."""
    place = f"{town.serving.issuer}/.well-known/openid-configuration"
    return requests.get(place, timeout=10).json()


def session_of(agency: Agency, provider, *, scope="openid"):
    """A session of this service, as its developers would write it."""
    told = agency.told()
    method = told["method"]
    credential = import_key(told["key"]) if told["key"] else told["secret"]
    made = OAuth2Session(
        told["client_id"],
        credential,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope=scope,
        redirect_uri=told["redirect_uri"],
        code_challenge_method="S256",
        token_endpoint=provider["token_endpoint"],
    )
    if told["key"]:
        # Its own idea of the audience is the endpoint's address; ours is the issuer (FAPI 2.0).
        header = {"kid": told["key"]["kid"]}
        by_key = PrivateKeyJWT(provider["issuer"], headers=header, alg=told["key"]["alg"])
        made.register_client_auth_method(by_key)
    return made


def signed_in(session, provider, lan, **asked):
    """The tokens, and the claims of an ID token that it validated."""
    verifier, nonce = generate_token(48), generate_token(20)
    address, state = session.create_authorization_url(
        provider["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **asked
    )
    arrived = lan.open(address)["url"]
    tokens = session.fetch_token(
        authorization_response=arrived, state=state, code_verifier=verifier
    )
    keys = KeySet.import_key_set(requests.get(provider["jwks_uri"], timeout=10).json())
    algorithms = provider["id_token_signing_alg_values_supported"]
    read = jwt.decode(tokens["id_token"], keys, algorithms=algorithms)
    claims = CodeIDToken(
        read.claims,
        read.header,
        {"iss": {"values": [provider["issuer"]]}},
        {"nonce": nonce, "client_id": session.client_id, "access_token": tokens["access_token"]},
    )
    claims.validate(leeway=10)
    return tokens, claims


@pytest.mark.parametrize("who", ["basic", "post", "ES256", "PS256", "app", "RS256"])
def test_a_code_by_every_way_of_proving_who_asks(registered, provider, lan, who):
    """OIDC Core §3.1, RFC 7636, RFC 6749 §6, RFC 7009, RFC 7662."""
    session = session_of(registered[who], provider)
    tokens, claims = signed_in(session, provider, lan)

    # The session shows its token by itself (RFC 6750 §2.1).
    userinfo = session.get(provider["userinfo_endpoint"])
    next_one = session.refresh_token(refresh_token=tokens["refresh_token"])

    assert userinfo.status_code == 200
    assert next_one["refresh_token"] != tokens["refresh_token"]
    assert session.revoke_token(provider["revocation_endpoint"]).status_code == 200
    assert session.get(provider["userinfo_endpoint"]).status_code == 401
    assert claims["sub"]


def test_introspection_before_and_after(registered, provider, lan):
    """RFC 7662 §2.2."""
    session = session_of(registered["basic"], provider)
    tokens, claims = signed_in(session, provider, lan)
    place = provider["introspection_endpoint"]

    known = session.introspect_token(place, token=tokens["access_token"]).json()
    session.revoke_token(provider["revocation_endpoint"], token=tokens["refresh_token"])

    assert (known["active"], known["sub"]) == (True, claims["sub"])
    assert session.introspect_token(place, token=tokens["access_token"]).json() == {"active": False}


@pytest.mark.parametrize("who", ["basic", "post", "ES256", "PS256"])
def test_a_token_of_the_services_own(registered, provider, who):
    """RFC 6749 §4.4."""
    session = session_of(registered[who], provider, scope=None)

    assert session.fetch_token(grant_type="client_credentials")["token_type"].lower() == "bearer"


class TestAttacker:
    def test_an_assertion_for_the_endpoint_is_refused(self, registered, provider):
        """FAPI 2.0 §5.3.2.1, docs/divergences.md: Authlib's default audience."""
        agency = registered["ES256"]
        session = session_of(agency, provider, scope=None)
        header = {"kid": agency.key["kid"]}
        session.register_client_auth_method(PrivateKeyJWT(headers=header, alg="ES256"))

        with pytest.raises(OAuthError, match="invalid_client"):
            session.fetch_token(grant_type="client_credentials")

    def test_a_code_of_another_verifier_buys_nothing(self, registered, provider, lan):
        """RFC 7636 §4.6."""
        session = session_of(registered["basic"], provider)
        address, state = session.create_authorization_url(
            provider["authorization_endpoint"], code_verifier=generate_token(48)
        )
        arrived = lan.open(address)["url"]
        stolen = {"authorization_response": arrived, "code_verifier": generate_token(48)}

        with pytest.raises(OAuthError, match="invalid_grant"):
            session.fetch_token(state=state, **stolen)
