"""Mutual TLS, RFC 8705: services that prove themselves by certificate, and tokens bound to it."""

import json
from ipaddress import ip_address

import jwt
import pytest
from cryptography import x509
from werkzeug import Response

from identity.certificates import names
from identity.public_services import credentials, registered, service_keys
from identity.registration.register import register
from tests.asking import Sender
from tests.certified import (
    CertifiedOffice,
    authority,
    certificate,
    certified,
    self_signed,
    served_with,
    told,
)
from tests.offices import GRANT_TYPES, a_decision
from tests.people import lan
from tests.proving import Holder, new_key
from tests.public_services import Played, a_service, a_service_with_a_key, registration

ROOT = authority()
TAX = certificate(by=ROOT)
BOUND = {"tls_client_certificate_bound_access_tokens": True}


@pytest.fixture(autouse=True)
def behind_a_proxy(app, tmp_path):
    with served_with(app, ROOT, tmp_path) as settings:
        yield settings


@pytest.fixture
def office(client):
    return certified(client, TAX, **BOUND)


def confirmed(token):
    return jwt.decode(token, options={"verify_signature": False}).get("cnf")


@pytest.mark.parametrize(
    ("member", "value", "name"),
    [
        (names.DNS, "tax.example", x509.DNSName("tax.example")),
        (names.URI, "urn:vn:tax", x509.UniformResourceIdentifier("urn:vn:tax")),
        (names.IP, "192.0.2.7", x509.IPAddress(ip_address("192.0.2.7"))),
        (names.EMAIL, "it@tax.example", x509.RFC822Name("it@tax.example")),
    ],
)
def test_a_service_proves_itself_by_the_name_that_it_registered(client, member, value, name):
    """RFC 8705 §2.1.2."""
    shown = certificate(by=ROOT, more=(x509.SubjectAlternativeName([name]),))
    office = certified(client, shown, **{"tls_client_auth_subject_dn": None, member: value})

    assert office.of_itself().status_code == 200
    assert office.over(TAX).of_itself().status_code == 401  # the same authority, another name


@pytest.mark.parametrize(
    "made",
    [{"key": new_key("PS256")}, {"key": new_key("EdDSA")}, {"is_authority": None}],
    ids=["RSA", "Ed25519", "says nothing"],
)
def test_other_keys_and_a_certificate_that_says_less_prove_as_well(client, made):
    """RFC 5280 §4.2.1.9: who says nothing of being an authority is none."""
    assert certified(client, certificate(by=ROOT, **made)).of_itself().status_code == 200


def test_the_subject_over_an_authority_between(client):
    """RFC 8705 §2.1, RFC 9440 §2.3."""
    between = authority("CN=between,C=VN", by=ROOT)

    office = certified(client, certificate(by=between), between)

    assert office.of_itself().status_code == 200


def test_a_service_proves_itself_by_the_certificate_that_it_listed(client):
    """RFC 8705 §2.2: nobody vouches for it but the list."""
    shown = certificate()
    office = self_signed(client, shown)

    assert office.of_itself().status_code == 200


def test_a_new_certificate_behind_an_address_is_found(client, httpserver, monkeypatch):
    """RFC 8705 §2.2.2: the list may be fetched, so that certificates can be renewed."""
    first, second = certificate(), certificate()
    shown = {"keys": [first.jwk()]}
    httpserver.expect_request("/keys").respond_with_handler(lambda _request: _json(shown))
    address = httpserver.url_for("/keys")
    office = self_signed(client, first, jwks=None, jwks_uri=address)
    assert office.of_itself().status_code == 200
    shown["keys"] = [second.jwk()]

    before = office.over(second).of_itself().status_code  # at most one fetch a minute
    monkeypatch.setattr(service_keys, "PAUSE_SECONDS", 0.0)

    assert (before, office.over(second).of_itself().status_code) == (401, 200)


def _json(content):
    return Response(json.dumps(content), content_type="application/json")


def test_tokens_are_bound_to_the_certificate(office):
    """RFC 8705 §3, §3.1: a bearer's token by its type, and of no use without the certificate."""
    bought = office.sign_in(lan())

    assert bought["token_type"] == "Bearer"
    assert confirmed(bought["access_token"]) == {"x5t#S256": TAX.thumbprint}
    assert office.userinfo(bought["access_token"]).status_code == 200


def test_introspection_tells_the_certificate(office):
    """RFC 8705 §3.2."""
    said = office.post("/introspect", token=office.sign_in(lan())["access_token"]).json

    assert said["active"]
    assert said["token_type"] == "Bearer"
    assert said["cnf"] == {"x5t#S256": TAX.thumbprint}


def test_a_bound_token_opens_the_api_over_its_connection_alone(office):
    """RFC 8705 §3: any protected resource of ours, by the same guard."""
    token = office.sign_in(lan(), decisions=(a_decision(),))["access_token"]

    def status(shown):
        headers = {"Authorization": f"Bearer {token}"} | shown
        return office.client.post("/api/attributes", json={}, headers=headers).status_code

    assert status(office.shown) != 401
    assert status({}) == status(told(certificate(by=ROOT))) == 401


def test_tokens_of_the_service_itself_are_bound_too(office):
    token = office.of_itself().json["access_token"]

    assert confirmed(token) == {"x5t#S256": TAX.thumbprint}
    assert office.is_active(token)


def test_who_registered_no_binding_gets_bearers(client):
    """RFC 8705 §3.4: authentication and binding are two things."""
    office = certified(client, TAX)

    bought = office.sign_in(lan())

    assert confirmed(bought["access_token"]) is None
    assert office.over().userinfo(bought["access_token"]).status_code == 200


def test_a_renewed_certificate_goes_on_with_the_refresh_token(office):
    """RFC 8705 §7.1: a confidential client is known by its name, whatever the certificate."""
    first, renewed = office.sign_in(lan())["refresh_token"], certificate(by=ROOT)

    answer = office.over(renewed).refresh(first)

    assert confirmed(answer.json["access_token"]) == {"x5t#S256": renewed.thumbprint}


def test_a_certificate_binds_the_tokens_of_who_proves_itself_otherwise(client):
    """RFC 8705 §3: any client authentication."""
    played = a_service_with_a_key(grant_types=GRANT_TYPES, **BOUND)
    form = {"grant_type": "client_credentials"}

    bare = client.post("/token", data=form | played.assertion())
    shown = client.post("/token", data=form | played.assertion(), headers=told(certificate()))

    assert (bare.status_code, bare.json["error"]) == (400, "invalid_request")
    assert confirmed(shown.json["access_token"])


def test_a_proof_binds_the_tokens_of_a_service_with_a_certificate(client):
    """RFC 9449 §5 with RFC 8705 §2: who did not register the one binding may use the other."""
    office = certified(client, TAX, dpop_bound_access_tokens=True)
    holder = Holder(client)
    form = {"grant_type": "client_credentials", "client_id": office.played.client_id}

    answer = holder.send("POST", "/token", data=form, headers=office.shown)

    assert answer.json["token_type"] == "DPoP"
    assert confirmed(answer.json["access_token"]) == {"jkt": holder.thumbprint}


class TestApps:
    """RFC 8705 §4: a public client shows a certificate that nobody has to know."""

    @pytest.fixture
    def app_of_citizens(self, client):
        played = a_service(
            token_endpoint_auth_method="none",
            grant_types=["authorization_code", "refresh_token"],
            **BOUND,
        )
        return CertifiedOffice(client, Played(played.client_id), told(certificate()))

    def test_the_refresh_token_is_bound_to_it(self, app_of_citizens):
        """A wrong try spends nothing."""
        first = app_of_citizens.sign_in(lan())["refresh_token"]

        stolen = app_of_citizens.over(certificate()).refresh(first)

        assert (stolen.status_code, stolen.json["error"]) == (400, "invalid_grant")
        assert app_of_citizens.over().refresh(first).json["error"] == "invalid_request"
        assert app_of_citizens.refresh(first).status_code == 200

    def test_the_grace_answer_is_for_the_same_certificate(self, app_of_citizens):
        first = app_of_citizens.sign_in(lan())["refresh_token"]
        successor = app_of_citizens.refresh(first).json["refresh_token"]

        assert app_of_citizens.over(certificate()).refresh(first).status_code == 400
        assert app_of_citizens.refresh(first).json["refresh_token"] == successor


class TestElsewhere:
    """RFC 8705 §5: an address of its own, so that no browser is asked for a certificate."""

    ORIGIN = "https://mtls.motlan.test"

    @pytest.fixture(autouse=True)
    def behind_two_addresses(self, app, tmp_path, behind_a_proxy):
        del behind_a_proxy
        with served_with(app, ROOT, tmp_path, mtls_origin=self.ORIGIN):
            yield

    def test_it_is_told_and_serves_machines_alone(self, client, office):
        said = client.get("/.well-known/openid-configuration").json

        aliases = said["mtls_endpoint_aliases"]
        assert aliases["token_endpoint"] == f"{self.ORIGIN}/token"
        assert aliases["pushed_authorization_request_endpoint"] == f"{self.ORIGIN}/par"
        assert "authorization_endpoint" not in aliases
        form = {"grant_type": "client_credentials", "client_id": office.played.client_id}
        sent = {"base_url": self.ORIGIN, "headers": office.shown}
        assert client.post("/token", data=form, **sent).status_code == 200
        for page in ("/sign-in", "/authorize", "/my", "/jwks", "/.well-known/openid-configuration"):
            assert client.get(page, base_url=self.ORIGIN).status_code == 400

    def test_a_proof_names_the_address_that_was_asked(self, client):
        """RFC 9449 §4.3: `htu` is where the request went."""
        office = certified(client, TAX, dpop_bound_access_tokens=True)
        holder = Holder(client)
        form = {"grant_type": "client_credentials", "client_id": office.played.client_id}
        sent = {"data": form, "base_url": self.ORIGIN}
        holder.send("POST", "/token", data=form, headers=office.shown)

        def answer(origin):
            proof = holder.proof("POST", "/token", htu=f"{origin}/token")
            return client.post("/token", headers=office.shown | proof, **sent)

        assert answer(self.ORIGIN).status_code == 200
        assert answer("http://localhost:8000").json["error"] == "invalid_dpop_proof"


class TestAdvertised:
    """RFC 8705 §3.3, RFC 8414 §2: what works in this installation, and nothing else."""

    def said(self, client):
        return client.get("/.well-known/openid-configuration").json

    def test_both_methods_behind_a_proxy_with_an_authority(self, client):
        said = self.said(client)

        assert said["tls_client_certificate_bound_access_tokens"] is True
        assert set(said["token_endpoint_auth_methods_supported"]) > {
            "tls_client_auth",
            "self_signed_tls_client_auth",
        }
        assert "mtls_endpoint_aliases" not in said

    def test_without_an_authority_only_what_services_list_themselves(self, app, client, tmp_path):
        with served_with(app, ROOT, tmp_path, client_ca=None):
            methods = self.said(client)["token_endpoint_auth_methods_supported"]

        assert "tls_client_auth" not in methods
        assert "self_signed_tls_client_auth" in methods

    def test_without_a_proxy_nothing(self, app, client, tmp_path):
        with served_with(app, ROOT, tmp_path, client_ca=None, trusted_proxies=()):
            said = self.said(client)

        assert not [m for m in said["token_endpoint_auth_methods_supported"] if "tls" in m]
        assert said["tls_client_certificate_bound_access_tokens"] is False


def test_a_request_is_pushed_over_such_a_connection(client):
    """RFC 9126 §2: authenticated as at the token endpoint."""
    office = certified(client, TAX)
    form = Sender(client, office.played).query()

    assert client.post("/par", data=form, headers=office.shown).status_code == 201
    assert client.post("/par", data=form).status_code == 401


def test_a_name_that_was_changed_counts_at_once(client):
    """RFC 6749 §10.1: this process remembers the one before for half a minute."""
    office = certified(client, TAX)
    said = registration(
        client_id=office.played.client_id,
        token_endpoint_auth_method="tls_client_auth",
        tls_client_auth_subject_dn="CN=somebody else",
        grant_types=GRANT_TYPES,
    )
    bought = office.sign_in(lan())
    remembered = office.service
    register([said])
    registered._memory.keep(remembered)

    assert office.post("/introspect", token=bought["access_token"]).status_code == 401


def test_a_certificate_of_another_is_one_line_for_the_operator(client, monkeypatch):
    """What this process remembers of the service is read again before it is refused."""
    office, told = certified(client, TAX), []
    monkeypatch.setattr(credentials.log, "info", lambda event, **more: told.append((event, more)))
    stranger = office.over(certificate("CN=somebody else", by=ROOT))

    assert stranger.post("/token", grant_type="client_credentials").status_code == 401

    assert [event for event, _ in told] == ["not proven"]
