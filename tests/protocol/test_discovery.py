"""Metadata and keys: OpenID Connect Discovery §3, §4; RFC 8414 §2, §3; RFC 7517 §5."""

import pytest
from authlib.oidc.discovery import OpenIDProviderMetadata
from authlib.oidc.rpinitiated import OpenIDProviderMetadata as LogoutMetadata

from identity import settings
from identity.provider import discovery

SIGNING = ["ES256", "PS256", "EdDSA", "RS256"]

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def metadata(client):
    return client.get("/.well-known/openid-configuration").json


def test_an_independent_validator_finds_the_metadata_right():
    """reference/provider.md §2: Authlib's validator, which wants https."""
    told = discovery.metadata("https://motlan.test")

    OpenIDProviderMetadata(told).validate()
    LogoutMetadata(told).validate_end_session_endpoint()


def test_both_addresses_say_the_same(client, metadata):
    """RFC 8414 §3, Discovery §4."""
    other = client.get("/.well-known/oauth-authorization-server")

    assert other.json == metadata
    assert other.headers["Content-Type"] == "application/json"


def test_the_issuer_is_ours_and_every_address_is_below_it(metadata):
    """Discovery §4.3."""
    issuer = settings.current().issuer

    assert metadata["issuer"] == issuer
    addresses = [v for k, v in metadata.items() if k.endswith(("_endpoint", "_uri"))]
    assert len(addresses) >= 7
    assert all(address.startswith(issuer + "/") for address in addresses)


def test_every_advertised_endpoint_exists(metadata, app):
    """contract: a path whose part is not built yet is not advertised."""
    issuer = settings.current().issuer
    rules = {rule.rule.partition("/<")[0] for rule in app.url_map.iter_rules()}

    told = {v.removeprefix(issuer) for k, v in metadata.items() if k.endswith(("endpoint", "_uri"))}

    assert told <= rules


def test_nothing_is_advertised_that_is_refused(metadata):
    """RFC 9700: code only, S256 only, pairwise only; RS256 because Discovery §3 wants it."""
    assert metadata["response_types_supported"] == ["code"]
    assert not [m for m in metadata["response_modes_supported"] if "fragment" in m]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["subject_types_supported"] == ["pairwise"]
    assert metadata["id_token_signing_alg_values_supported"] == SIGNING
    assert "none" not in metadata["request_object_signing_alg_values_supported"]
    assert metadata["require_request_uri_registration"] is True
    assert metadata["dpop_signing_alg_values_supported"] == ["ES256", "PS256", "EdDSA", "Ed25519"]
    assert metadata["require_pushed_authorization_requests"] is False
    assert metadata["pushed_authorization_request_endpoint"].endswith("/par")
    assert metadata["authorization_details_types_supported"] == ["vn_procedure"]


def test_the_keys_are_public_and_each_says_what_it_is_for(client):
    """RFC 7517 §4: one of each algorithm signs, another waits; no private member."""
    answer = client.get("/jwks")

    keys = answer.json["keys"]
    assert answer.headers["Content-Type"] == "application/jwk-set+json"
    assert {key["alg"] for key in keys} == set(SIGNING)
    assert all(key["use"] == "sig" and key["kid"] for key in keys)
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & {member for key in keys for member in key}


def test_metadata_and_keys_may_be_kept_for_a_while(client):
    """reference/provider.md §4: a key is published one cache time before it signs."""
    for path in (*discovery.PATHS, "/jwks"):
        assert client.get(path).headers["Cache-Control"] == "public, max-age=300"


class TestAttacker:
    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Forwarded-Host": "evil"},
            {"X-Forwarded-Proto": "gopher"},
            {"Forwarded": "host=evil;proto=https"},
            {"X-Original-URL": "https://evil/"},
        ],
    )
    def test_no_header_moves_the_issuer(self, client, metadata, headers):
        """Security case 10."""
        told = client.get("/.well-known/openid-configuration", headers=headers).json

        assert told == metadata

    def test_another_host_gets_nothing(self, client):
        """Security case 10."""
        answer = client.get("/.well-known/openid-configuration", headers={"Host": "evil"})

        assert answer.status_code == 400
        assert b"evil" not in answer.data

    def test_nothing_can_be_posted_there(self, client):
        """RFC 8414 §3.1: a GET."""
        assert client.post("/jwks").status_code == 405
