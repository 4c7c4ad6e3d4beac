"""npm openid-client 6 registers public services with what an operator gave an organisation."""

import uuid

import pytest
import requests

from tests.clients.agencies import ALL_GRANTS, private_jwk, public_half
from tests.clients.checks import check
from tests.clients.conversation import ClientRefused

pytestmark = [pytest.mark.openid_client, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def asked():
    """What a new service says of itself, and its client has to know."""
    address = f"https://{uuid.uuid4().hex}.motlan.test/callback"
    said = {"client_name": "Probate", "redirect_uris": [address], "grant_types": ALL_GRANTS}
    return {"registration": said, "redirect_uri": address, "secret": None}


def test_a_service_that_registers_itself_signs_people_in(goes, initial, asked):
    """RFC 7591 §3.2.1: the client goes on with what it was answered; RS256 as OpenID has it."""
    seen = goes("code", "basic", initial=initial, **asked)

    check(seen)
    assert seen["client"]["id_token_signed_response_alg"] == "RS256"
    assert seen["client"]["client_secret_expires_at"] == 0


def test_one_that_registers_its_key(goes, initial, asked):
    """RFC 7591 §2, `jwks`."""
    key = private_jwk("ES256")
    asked["registration"] |= {
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [public_half(key)]},
        "userinfo_signed_response_alg": "EdDSA",
        "dpop_bound_access_tokens": True,
    }

    seen = goes("code", "ES256", initial=initial, dpop="ES256", **asked | {"key": key})

    check(seen, token_type="dpop")


def test_it_looks_after_its_registration_and_ends_it(goes, initial, asked):
    """RFC 7592 §2, by the address and token that the client was answered."""
    mine = goes("code", "basic", initial=initial, **asked)["client"]
    place = mine["registration_client_uri"]
    bearer = {"Authorization": f"Bearer {mine['registration_access_token']}"}

    assert requests.get(place, headers=bearer, timeout=10).json()["client_name"] == "Probate"
    assert requests.delete(place, headers=bearer, timeout=10).status_code == 204
    assert requests.get(place, headers=bearer, timeout=10).status_code == 401
    with pytest.raises(ClientRefused, match="401"):
        goes("own", "basic", client_id=mine["client_id"], secret=mine["client_secret"])


class TestAttacker:
    def test_a_token_that_nobody_gave_it(self, goes, asked):
        with pytest.raises(ClientRefused, match="401"):
            goes("code", "basic", initial="invented", **asked)

    def test_an_address_that_leads_elsewhere(self, goes, initial, asked):
        asked["registration"]["redirect_uris"] = ["https://a.test/callback#part"]

        with pytest.raises(ClientRefused, match="invalid_redirect_uri"):
            goes("code", "basic", initial=initial, **asked)
