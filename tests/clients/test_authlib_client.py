"""Authlib's client goes the ways it knows: an independent reading in Python."""

from urllib.parse import urlsplit

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from flask import Flask, session
from joserfc import jwt
from joserfc.jwk import KeySet, import_key

from tests.clients.agencies import DEVICE, LEFT, Agency
from tests.clients.person import Person
from tests.drills.wire import Browser

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


def signed_in(agent, provider, lan, **asked):
    """The tokens, and the claims of an ID token that it validated."""
    verifier, nonce = generate_token(48), generate_token(20)
    address, state = agent.create_authorization_url(
        provider["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **asked
    )
    arrived = lan.open(address)["url"]
    tokens = agent.fetch_token(authorization_response=arrived, state=state, code_verifier=verifier)
    keys = KeySet.import_key_set(requests.get(provider["jwks_uri"], timeout=10).json())
    algorithms = provider["id_token_signing_alg_values_supported"]
    read = jwt.decode(tokens["id_token"], keys, algorithms=algorithms)
    claims = CodeIDToken(
        read.claims,
        read.header,
        {"iss": {"values": [provider["issuer"]]}},
        {"nonce": nonce, "client_id": agent.client_id, "access_token": tokens["access_token"]},
    )
    claims.validate(leeway=10)
    return tokens, claims


@pytest.mark.parametrize("who", ["basic", "post", "ES256", "PS256", "app", "RS256"])
def test_a_code_by_every_way_of_proving_who_asks(registered, provider, lan, who):
    """OIDC Core §3.1, RFC 7636, RFC 6749 §6, RFC 7009, RFC 7662."""
    agent = session_of(registered[who], provider)
    tokens, claims = signed_in(agent, provider, lan)

    # The session shows its token by itself (RFC 6750 §2.1).
    userinfo = agent.get(provider["userinfo_endpoint"])
    next_one = agent.refresh_token(refresh_token=tokens["refresh_token"])

    assert userinfo.status_code == 200
    assert next_one["refresh_token"] != tokens["refresh_token"]
    assert agent.revoke_token(provider["revocation_endpoint"]).status_code == 200
    assert agent.get(provider["userinfo_endpoint"]).status_code == 401
    assert claims["sub"]


def test_introspection_before_and_after(registered, provider, lan):
    """RFC 7662 §2.2."""
    agent = session_of(registered["basic"], provider)
    tokens, claims = signed_in(agent, provider, lan)
    place = provider["introspection_endpoint"]

    known = agent.introspect_token(place, token=tokens["access_token"]).json()
    agent.revoke_token(provider["revocation_endpoint"], token=tokens["refresh_token"])

    assert (known["active"], known["sub"]) == (True, claims["sub"])
    assert agent.introspect_token(place, token=tokens["access_token"]).json() == {"active": False}


@pytest.mark.parametrize("who", ["basic", "post", "ES256", "PS256"])
def test_a_token_of_the_services_own(registered, provider, who):
    """RFC 6749 §4.4."""
    agent = session_of(registered[who], provider, scope=None)

    assert agent.fetch_token(grant_type="client_credentials")["token_type"].lower() == "bearer"


def test_a_screen_without_keys(registered, provider, lan):
    """RFC 8628: it asks by `requests`, and fetches the tokens as for any grant."""
    agency = registered["screen"]
    agent = session_of(agency, provider)
    told = {"client_id": agent.client_id, "scope": "openid"}
    place = provider["device_authorization_endpoint"]
    begun = requests.post(place, data=told, timeout=10).json()

    lan.open(begun["verification_uri_complete"])

    tokens = agent.fetch_token(grant_type=DEVICE, device_code=begun["device_code"])
    assert tokens["scope"] == "openid"
    assert agent.get(provider["userinfo_endpoint"]).json().keys() == {"sub"}


def test_a_flask_app_signs_people_in_and_out(registered, town):
    """OIDC Core §3.1, RP-Initiated Logout §2: Authlib's own checks of nonce, issuer and hashes."""
    person = Person(town.serving.issuer, Browser(town.wire()), town.people[1])
    told = registered["basic"].told()
    app = Flask("agency")
    app.secret_key = "of-the-agency-alone"
    client = OAuth(app).register(
        told["client_id"],
        client_id=told["client_id"],
        client_secret=told["secret"],
        server_metadata_url=f"{town.serving.issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid", "code_challenge_method": "S256"},
    )

    with app.test_request_context("/sign-in"):
        sent = client.authorize_redirect(told["redirect_uri"])
        kept = dict(session)
    arrived = urlsplit(person.open(sent.location)["url"])
    with app.test_request_context(f"/callback?{arrived.query}"):
        session.update(kept)
        tokens = client.authorize_access_token()
        userinfo = client.userinfo(token=tokens)
        left = client.create_logout_url(LEFT, id_token_hint=tokens["id_token"])

    assert userinfo["sub"] == tokens["userinfo"]["sub"]
    assert person.open(left["url"])["url"] == f"{LEFT}?state={left['state']}"


class TestAttacker:
    def test_an_assertion_for_the_endpoint_is_refused(self, registered, provider):
        """FAPI 2.0 §5.3.2.1, docs/divergences.md: Authlib's default audience."""
        agency = registered["ES256"]
        agent = session_of(agency, provider, scope=None)
        header = {"kid": agency.key["kid"]}
        agent.register_client_auth_method(PrivateKeyJWT(headers=header, alg="ES256"))

        with pytest.raises(OAuthError, match="invalid_client"):
            agent.fetch_token(grant_type="client_credentials")

    def test_a_code_of_another_verifier_buys_nothing(self, registered, provider, lan):
        """RFC 7636 §4.6."""
        agent = session_of(registered["basic"], provider)
        address, state = agent.create_authorization_url(
            provider["authorization_endpoint"], code_verifier=generate_token(48)
        )
        arrived = lan.open(address)["url"]
        stolen = {"authorization_response": arrived, "code_verifier": generate_token(48)}

        with pytest.raises(OAuthError, match="invalid_grant"):
            agent.fetch_token(state=state, **stolen)
