"""`profile: fapi2` at registration: what it requires is so by itself, what is against it is not."""

import pytest

from identity.public_services import registered
from identity.registration.register import BadRegistrationError, register
from tests.certified import authority, served_with
from tests.fapi import BOUND_TO_IT, a_bank, metadata
from tests.registering import a_registrar

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def behind_a_proxy(app, tmp_path):
    with served_with(app, authority(), tmp_path):
        yield


def test_what_nobody_said_is_as_the_profile_wants_it(client):
    service = a_bank(client).sender.service

    assert service.dpop_bound
    assert service.require_pushed
    assert service.require_pkce
    assert service.id_token_alg == "ES256"


@pytest.mark.usefixtures("behind_a_proxy")
def test_a_certificate_is_enough_of_a_binding(client):
    service = a_bank(client, **BOUND_TO_IT).sender.service

    assert (service.certificate_bound, service.dpop_bound) == (True, False)


def test_without_the_profile_nothing_of_it_is_required():
    said = metadata(profile="oidc")
    register([said])

    service = registered.find(said["client_id"])
    assert not service.dpop_bound
    assert not service.require_pushed


@pytest.mark.parametrize(
    ("members", "member"),
    [
        (
            {"token_endpoint_auth_method": "none", "grant_types": ["authorization_code"]},
            "token_endpoint_auth_method",
        ),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "token_endpoint_auth_method"),
        ({"require_pkce": False}, "require_pkce"),
        (
            {"require_pushed_authorization_requests": False},
            "require_pushed_authorization_requests",
        ),
        ({"dpop_bound_access_tokens": False}, "dpop_bound_access_tokens"),
        ({"id_token_signed_response_alg": "RS256"}, "id_token_signed_response_alg"),
        ({"userinfo_signed_response_alg": "RS256"}, "userinfo_signed_response_alg"),
        ({"authorization_signed_response_alg": "RS256"}, "authorization_signed_response_alg"),
        (
            {"introspection_signed_response_alg": "RS256"},
            "introspection_signed_response_alg",
        ),
        ({"token_endpoint_auth_signing_alg": "RS256"}, "token_endpoint_auth_signing_alg"),
        ({"request_object_signing_alg": "none"}, "request_object_signing_alg"),
        ({"redirect_uris": ["http://localhost/callback"]}, "redirect_uris"),
        ({"redirect_uris": ["http://127.0.0.1/callback"]}, "redirect_uris"),
    ],
)
def test_a_contradiction_is_named(members, member):
    with pytest.raises(BadRegistrationError, match=rf"{member}[:\[]"):
        register([metadata(**members)])


def test_a_native_service_comes_back_to_this_machine():
    """§5.3.2.2-8, RFC 8252 §7.3."""
    native = {"application_type": "native"}

    register([metadata(redirect_uris=["http://127.0.0.1/callback"], **native)])

    with pytest.raises(BadRegistrationError, match="redirect_uris"):
        register([metadata(redirect_uris=["http://localhost/callback"], **native)])


def test_a_service_may_register_itself_for_the_profile(client):
    """RFC 7591 §3.2.1: what the profile put in place is answered, and no RS256 by default."""
    registrar = a_registrar(client, profiles=("fapi2",))
    proven = {"token_endpoint_auth_method": "private_key_jwt", "jwks": metadata()["jwks"]}

    told = registrar.registered(**proven)

    assert told["profile"] == "fapi2"
    assert told["dpop_bound_access_tokens"] is True
    assert told["require_pushed_authorization_requests"] is True
    assert told["id_token_signed_response_alg"] == "ES256"
    assert told["introspection_signed_response_alg"] == "ES256"
    assert told["authorization_signed_response_alg"] == "ES256"
    word, sentence = registrar.error(**proven, dpop_bound_access_tokens=False)
    assert (word, "dpop_bound_access_tokens" in sentence) == ("invalid_client_metadata", True)
