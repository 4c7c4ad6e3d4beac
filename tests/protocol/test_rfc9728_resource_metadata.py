"""Protected resource metadata, RFC 9728."""

import re

import pytest

from identity import settings
from tests.offices import an_office
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app")

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def resources():
    here = settings.current()
    return {here.issuer: WELL_KNOWN, here.api_audience: WELL_KNOWN + "/api"}


def test_the_address_of_the_metadata_is_made_of_the_resource(client):
    """RFC 9728 §3.1, §3.3: inserted before the path; what is told there is the very resource."""
    for resource, path in resources().items():
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json["resource"] == resource


def test_each_resource_tells_what_it_takes(client):
    """RFC 9728 §2."""
    userinfo, api = (client.get(path).json for path in resources().values())
    discovered = client.get("/.well-known/openid-configuration").json

    for told in (userinfo, api):
        assert told["authorization_servers"] == [discovered["issuer"]]
        proofs = "dpop_signing_alg_values_supported"
        assert told[proofs] == discovered[proofs]
        bound = "tls_client_certificate_bound_access_tokens"
        assert told[bound] == discovered[bound]
    assert userinfo["scopes_supported"] == discovered["scopes_supported"]
    signed = discovered["userinfo_signing_alg_values_supported"]
    assert userinfo["resource_signing_alg_values_supported"] == signed
    assert api["authorization_details_types_supported"] == ["vn_procedure"]
    assert "query" not in userinfo["bearer_methods_supported"] + api["bearer_methods_supported"]


def test_what_it_says_of_the_ways_to_send_a_token_is_so(client):
    """RFC 9728 §2, `bearer_methods_supported`: a form for userinfo alone."""
    token = an_office(client).sign_in(lan())["access_token"]

    assert client.post("/userinfo", data={"access_token": token}).status_code == 200
    assert client.post("/api/attributes", data={"access_token": token}).status_code == 401


def test_the_provider_names_its_resources(client):
    """RFC 9728 §4."""
    discovered = client.get("/.well-known/oauth-authorization-server").json

    assert discovered["protected_resources"] == list(resources())


def metadata_of(answer):
    told = answer.headers.getlist("WWW-Authenticate")
    return {re.search(r', resource_metadata="([^"]+)"', challenge)[1] for challenge in told}


def test_a_challenge_leads_to_the_metadata(client):
    """RFC 9728 §5.1: without a token, with a bad one, and with one for the other resource."""
    token = an_office(client).sign_in(lan())["access_token"]
    issuer = settings.current().issuer

    for sent in ({}, {"Authorization": "Bearer x"}, {"Authorization": "DPoP x"}):
        assert metadata_of(client.get("/userinfo", headers=sent)) == {issuer + WELL_KNOWN}
        answer = client.post("/api/attributes", json={}, headers=sent)
        assert metadata_of(answer) == {f"{issuer}{WELL_KNOWN}/api"}
    bearer = {"Authorization": f"Bearer {token}"}
    answer = client.post("/api/attributes", json={}, headers=bearer)
    assert metadata_of(answer) == {f"{issuer}{WELL_KNOWN}/api"}


class TestAttacker:
    def test_no_header_shows_in_it(self, client):
        """RFC 9728 §7.3; security case 10: who imitates a resource cannot make us say so."""
        for path in resources().values():
            plain = client.get(path)
            lied = client.get(path, headers={"X-Forwarded-Host": "evil.test"})
            assert lied.json == plain.json
            assert client.get(path, headers={"Host": "evil.test"}).status_code == 400

    def test_there_is_no_metadata_of_anything_else(self, client):
        """RFC 9728 §3.3."""
        for path in (WELL_KNOWN + "/", WELL_KNOWN + "/userinfo", WELL_KNOWN + "/api/attributes"):
            assert client.get(path).status_code == 404
        assert client.post(WELL_KNOWN).status_code == 405
