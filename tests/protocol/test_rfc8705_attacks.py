"""Attacks on mutual TLS: RFC 8705 §6 and §7, RFC 9440 §4, security case 33."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from identity.registration.register import BadRegistrationError, register
from tests.certified import (
    SUBJECT,
    authority,
    certificate,
    certified,
    item,
    new_key,
    self_signed,
    served_with,
    told,
)
from tests.offices import GRANT_TYPES
from tests.people import lan
from tests.proving import Holder
from tests.public_services import a_service_with_a_key, registration

ROOT = authority()
TAX, OTHER = certificate(by=ROOT), certificate("CN=police,C=VN", by=ROOT)
BOUND = {"tls_client_certificate_bound_access_tokens": True}
BY_NAME = {"token_endpoint_auth_method": "tls_client_auth"}
LISTED = {"token_endpoint_auth_method": "self_signed_tls_client_auth"}


@pytest.fixture(autouse=True)
def behind_a_proxy(app, tmp_path):
    with served_with(app, ROOT, tmp_path) as settings:
        yield settings


@pytest.fixture
def office(client):
    return certified(client, TAX, **BOUND)


def refused(answer):
    return (answer.status_code, answer.json["error"]) == (401, "invalid_client")


class TestAttacker:
    """Has certificates, but not that one; or stands beside the proxy."""

    @pytest.mark.parametrize(
        "shown",
        [
            (),
            (OTHER,),
            (certificate(),),
            (certificate(by=authority()),),
            (certificate(by=OTHER), OTHER),
            (certificate(by=ROOT, days=(-9, -1)),),
            (certificate(by=ROOT, days=(1, 9)),),
            (
                certificate(
                    by=ROOT, more=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),)
                ),
            ),
            (certificate(by=authority("CN=between", by=ROOT)),),
            (authority(SUBJECT, by=ROOT),),
            (
                certificate(
                    "CN=police", by=ROOT, more=(x509.SubjectAlternativeName([x509.DNSName("a")]),)
                ),
            ),
        ],
        ids=[
            "none",
            "another service's",
            "signed by itself",
            "an authority of the same name",
            "signed by a service",
            "over",
            "not yet",
            "of a server",
            "a step missing",
            "an authority's",
            "another name",
        ],
    )
    def test_another_certificate_proves_nothing(self, office, shown):
        """RFC 8705 §2.1."""
        assert refused(office.over(*shown).of_itself())

    @pytest.mark.parametrize(
        "header",
        [
            item(TAX.content)[:-1],
            "." + item(TAX.content)[1:],
            item(TAX.content)[:-1] + ".",
            f"{item(TAX.content)}, {item(TAX.content)}",
            f"{item(OTHER.content)}, {item(TAX.content)}",
            item(b"no certificate"),
            item(TAX.content + b"more"),
            item(TAX.content[:-9]),
            item(TAX.content) + ";x",
            ":" + "A" * 40_000 + ":",
            "",
        ],
    )
    def test_what_is_no_certificate_proves_nothing(self, office, header):
        """RFC 9440 §2.2: neither two nor half a one; and never an accident."""
        token = office.sign_in(lan())["access_token"]
        office.shown = {"Client-Cert": header}

        assert refused(office.of_itself())
        answer = office.userinfo(token)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]

    def test_a_header_from_elsewhere_is_not_believed(self, office):
        """Case 33: only a trusted proxy tells of certificates."""
        token = office.sign_in(lan())["access_token"]
        form = {"grant_type": "client_credentials", "client_id": office.played.client_id}
        sent = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.9"}, "headers": office.shown}

        assert refused(office.client.post("/token", data=form, **sent))
        bearer = {"headers": office.shown | {"Authorization": f"Bearer {token}"}}
        assert office.client.get("/userinfo", **(sent | bearer)).status_code == 401

    @pytest.mark.parametrize(
        "name",
        [
            "X-Ssl-Cert",
            "X-SSL-Client-Cert",
            "Ssl-Client-Cert",
            "X-Forwarded-Client-Cert",
            "X-Client-Cert",
            "X-ARR-ClientCert",
            "Client-Certificate",
            "Motlan.Client-Cert",
        ],
    )
    def test_no_other_header_tells_of_a_certificate(self, office, name):
        """Case 33: also from the proxy, which may pass on what a client sent."""
        office.shown = {name: item(TAX.content)}

        assert refused(office.of_itself())

    def test_a_listed_certificate_is_that_one_and_no_other_of_its_key_or_name(self, client):
        """RFC 8705 §2.2: byte for byte."""
        shown = certificate()
        office = self_signed(client, shown)
        again, named = certificate(key=shown.key), certificate(key=new_key())

        for other in (again, named, TAX, certificate(by=ROOT, key=shown.key)):
            assert refused(office.over(other).of_itself())
        assert office.of_itself().status_code == 200

    def test_a_listed_certificate_ends(self, client):
        shown = certificate(days=(-9, -1))

        assert refused(self_signed(client, shown).of_itself())

    def test_a_certificate_is_no_other_method(self, client):
        """RFC 6749 §2.3: exactly the registered one."""
        by_key = a_service_with_a_key(grant_types=GRANT_TYPES)
        form = {"grant_type": "client_credentials", "client_id": by_key.client_id}
        by_name = certified(client, TAX)
        secret = {"client_secret": "a-secret-of-nobody-at-all"}

        assert refused(client.post("/token", data=form, headers=told(TAX)))
        assert refused(by_name.post("/token", grant_type="client_credentials", **secret))

    @pytest.mark.parametrize("shown", [(), (OTHER,), (certificate(),)])
    def test_a_bound_token_is_nobody_elses(self, office, shown):
        """RFC 8705 §3."""
        token = office.sign_in(lan())["access_token"]

        answer = office.over(*shown).userinfo(token)

        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]

    def test_a_bound_token_is_not_dressed_up_as_another_kind(self, client, office):
        """RFC 9449 §7.1: neither by a proof beside the right certificate, nor by one instead."""
        token, holder = office.sign_in(lan())["access_token"], Holder(client)

        for shown in (office.shown, {}):
            assert holder.send("GET", "/userinfo", token=token, headers=shown).status_code == 401

    def test_a_token_of_a_key_is_not_opened_by_a_certificate(self, client):
        office = certified(client, TAX, dpop_bound_access_tokens=True)
        form = {"grant_type": "client_credentials", "client_id": office.played.client_id}
        answer = Holder(client).send("POST", "/token", data=form, headers=office.shown)

        assert office.userinfo(answer.json["access_token"]).status_code == 401

    def test_two_bindings_at_once_are_refused(self, client, office):
        """Nobody is to guess which of the two holds."""
        form = {"grant_type": "client_credentials", "client_id": office.played.client_id}

        answer = Holder(client).send("POST", "/token", data=form, headers=office.shown)

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")

    @pytest.mark.parametrize(
        ("members", "complaint"),
        [
            (BY_NAME, "tls_client_auth_subject_dn: exactly one"),
            (
                BY_NAME | {"tls_client_auth_subject_dn": "CN=a", "tls_client_auth_san_dns": "a.vn"},
                "tls_client_auth_subject_dn: exactly one",
            ),
            (BY_NAME | {"tls_client_auth_subject_dn": "a"}, "tls_client_auth_subject_dn: must be"),
            (BY_NAME | {"tls_client_auth_san_dns": "*.a.vn"}, "tls_client_auth_san_dns: must be"),
            (BY_NAME | {"tls_client_auth_san_ip": "a"}, "tls_client_auth_san_ip: must be"),
            ({"tls_client_auth_san_dns": "a.vn"}, "tls_client_auth_san_dns: has no use"),
            (LISTED, "jwks: needs a key with its certificate"),
            (
                LISTED | {"jwks": {"keys": [TAX.jwk() | {"x5c": [OTHER.jwk()["x5c"][0]]}]}},
                "jwks: a key's x5c is a certificate of another key",
            ),
            (LISTED | {"jwks": {"keys": [TAX.jwk() | {"x5c": ["AAAA"]}]}}, "jwks: a key's x5c"),
            (LISTED | {"jwks": {"keys": [TAX.jwk() | {"x5c": "AAAA"}]}}, "jwks: a key"),
            (LISTED | {"jwks": {"keys": [TAX.jwk() | {"x5c": []}]}}, "jwks: a key"),
            (LISTED | {"jwks": {"keys": [TAX.jwk() | {"x5c": {"0": "A"}}]}}, "jwks: a key"),
            (LISTED | {"jwks": {"keys": [TAX.jwk() | {"x5c": [7]}]}}, "jwks: a key"),
            (
                LISTED | {"jwks": {"keys": [TAX.jwk() | {"x5c": TAX.jwk()["x5c"] * 6}]}},
                "jwks: a key's x5c must be a list of 1 to 5",
            ),
            (BOUND | {"dpop_bound_access_tokens": True}, "bound_access_tokens: must not stand"),
        ],
    )
    def test_a_registration_that_names_nobody_for_sure_is_refused(self, members, complaint):
        """RFC 8705 §2.1.2, §2.2.2, RFC 7517 §4.7."""
        with pytest.raises(BadRegistrationError, match=complaint):
            register([registration(**members)])

    @pytest.mark.parametrize(
        ("members", "complaint"),
        [
            (BY_NAME | {"tls_client_auth_subject_dn": SUBJECT}, "token_endpoint_auth_method"),
            (LISTED | {"jwks": {"keys": [TAX.jwk()]}}, "token_endpoint_auth_method"),
            (BOUND, "tls_client_certificate_bound_access_tokens"),
        ],
    )
    def test_what_cannot_reach_us_is_not_registered(self, app, tmp_path, members, complaint):
        """Nobody tells of certificates there, so the promise could not be kept."""
        with (
            served_with(app, ROOT, tmp_path, trusted_proxies=(), client_ca=None),
            pytest.raises(BadRegistrationError, match=f"{complaint}: is not offered"),
        ):
            register([registration(**members)])
