"""Client authentication: RFC 6749 §2.3, RFC 7523 §3, OpenID Connect Core §9."""

import base64
import json
import os
import subprocess
import sys
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select
from werkzeug import Response

from identity import database
from identity.errors import InvalidClient, InvalidRequest
from identity.public_services import registered, service_keys
from identity.public_services.credentials import live_clause
from identity.registration.register import BadRegistrationError, register
from identity.together import look
from identity.trail import AccessEntry
from tests.databases import ROOT
from tests.proving import new_key, public_half
from tests.public_services import (
    a_service,
    a_service_with_a_key,
    authenticate,
    public_jwk,
    registration,
)

pytestmark = pytest.mark.usefixtures("app")


def marks(client_id):
    service = registered.find(client_id)
    wanted = select(func.count()).where(
        AccessEntry.public_service_id == service.id, AccessEntry.type == "service:refused"
    )
    return database.row(wanted)[0]


def test_a_secret_in_the_header_proves_the_service():
    """RFC 6749 §2.3.1."""
    office = a_service()

    assert authenticate(headers=office.basic()).client_id == office.client_id


def test_a_secret_with_reserved_characters_is_form_encoded_before_it_is_joined():
    """RFC 6749 §2.3.1: both parts, then base64."""
    told = registration(client_secret="a:b%c+d/e=f&g 1".replace(" ", "_") + "hijklmnop")
    register([told])
    office = a_service()
    office.client_id, office.secret = told["client_id"], told["client_secret"]

    assert authenticate(headers=office.basic()).client_id == told["client_id"]


def test_a_secret_in_the_body_proves_a_service_that_registered_so():
    """RFC 6749 §2.3.1."""
    office = a_service(token_endpoint_auth_method="client_secret_post")

    assert authenticate(office.post()).client_id == office.client_id


def test_a_signed_assertion_proves_the_service():
    """RFC 7523 §3."""
    office = a_service_with_a_key()

    assert authenticate(office.assertion()).client_id == office.client_id


def test_a_public_client_only_says_its_name():
    """RFC 6749 §2.1."""
    school = a_service(token_endpoint_auth_method="none")

    assert authenticate({"client_id": school.client_id}).is_public


def test_a_wrong_secret_is_refused_with_a_challenge_and_leaves_one_mark_a_minute():
    """RFC 6749 §5.2; design §2."""
    office = a_service()

    for _ in range(3):
        with pytest.raises(InvalidClient) as refused:
            authenticate(headers=office.basic("wrong-wrong-wrong-wrong"))

    assert refused.value.status == 401
    assert dict(refused.value.headers)["WWW-Authenticate"].startswith("Basic ")
    assert 1 <= marks(office.client_id) <= 2  # two where a minute ended in between


def test_an_unknown_service_hears_the_same_and_leaves_no_mark():
    """Anybody can invent a name; design §2."""
    office = a_service()
    with pytest.raises(InvalidClient) as wrong:
        authenticate(headers=office.basic("wrong-wrong-wrong-wrong"))
    before = database.row(select(func.count()).select_from(AccessEntry))[0]
    office.client_id = "nobody-knows-me"

    with pytest.raises(InvalidClient) as unknown:
        authenticate(headers=office.basic())

    assert (unknown.value.detail, unknown.value.headers) == (
        wrong.value.detail,
        wrong.value.headers,
    )
    assert database.row(select(func.count()).select_from(AccessEntry))[0] == before


def test_a_new_secret_counts_at_once_though_the_old_registration_is_remembered():
    """The memory of 30 seconds never refuses what is right now."""
    told = registration(client_secret="the-first-secret-of-it")
    register([told])
    office = a_service()
    office.client_id, office.secret = told["client_id"], told["client_secret"]
    remembered = authenticate(headers=office.basic())
    register([told | {"client_secret": "the-second-secret-of-it"}])
    registered._memory.keep(remembered)

    found = authenticate(headers=office.basic("the-second-secret-of-it"))

    assert found.version == remembered.version + 1


def test_the_condition_fails_once_the_registration_has_changed():
    """Design §4: the version is a condition of the statement that decides."""
    told = registration()
    register([told])
    service = registered.find(told["client_id"])
    assert look(live_clause(service)) == {"service.ok": 1}

    register([told | {"client_name": "Another name"}])

    assert look(live_clause(service)) is None
    assert look(live_clause(registered.again(service))) == {"service.ok": 1}


def test_keys_of_one_name_are_told_apart_by_their_kind():
    """FAPI 2.0 §5.4.3: by kty, use and alg; of one kind nobody could tell which is meant."""
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    rsa_key = public_half(new_key("PS256"), "PS256") | {"kid": "k1", "alg": "PS256"}
    sealing = public_jwk(other) | {"use": "enc", "alg": "ECDH-ES"}
    office = a_service_with_a_key(jwks={"keys": [rsa_key, sealing, public_jwk(key)]})
    office.key = key

    assert authenticate(office.assertion()).client_id == office.client_id
    with pytest.raises(BadRegistrationError, match="two keys of one kind"):
        a_service_with_a_key(jwks={"keys": [public_jwk(key), public_jwk(other)]})


def test_keys_behind_an_address_are_fetched_once_and_kept(httpserver):
    """RFC 7517 §5; OpenID Connect Core §10.1.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    httpserver.expect_request("/jwks").respond_with_json({"keys": [public_jwk(key)]})
    office = a_service_with_a_key(jwks=None, jwks_uri=httpserver.url_for("/jwks"))
    office.key = key

    for _ in range(3):
        assert authenticate(office.assertion()).client_id == office.client_id

    assert len(httpserver.log) == 1


def test_a_rotated_key_is_fetched_when_its_name_first_appears(httpserver, monkeypatch):
    """OpenID Connect Core §10.1.1: an unfamiliar kid is the signal."""
    first, second = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    shown = [public_jwk(first)]
    httpserver.expect_request("/jwks").respond_with_handler(_shows(shown))
    office = a_service_with_a_key(jwks=None, jwks_uri=httpserver.url_for("/jwks"))
    office.key = first
    authenticate(office.assertion())
    shown[:] = [public_jwk(second, "k2")]
    office.key, office.kid = second, "k2"
    monkeypatch.setattr(service_keys, "PAUSE_SECONDS", 0.0)  # a minute has passed

    assert authenticate(office.assertion()).client_id == office.client_id


def _shows(keys):
    return lambda _request: Response(json.dumps({"keys": keys}), content_type="application/json")


class TestAttacker:
    """security-cases.md §5, cases 26 and 34 to 36."""

    @pytest.mark.parametrize("path", ["/token", "/par"])
    def test_an_assertion_for_an_endpoint_is_refused(self, path, settings):
        """Case 34: the issuer, as one text, and nothing else."""
        office = a_service_with_a_key()

        with pytest.raises(InvalidClient):
            authenticate(office.assertion(aud=settings.issuer + path))

    def test_an_assertion_for_a_list_of_audiences_is_refused(self, settings):
        """Case 34."""
        office = a_service_with_a_key()

        with pytest.raises(InvalidClient):
            authenticate(office.assertion(aud=[settings.issuer]))

    def test_a_replayed_assertion_is_refused_and_leaves_its_mark(self):
        """Case 35."""
        office = a_service_with_a_key()
        form = office.assertion()
        authenticate(form)

        with pytest.raises(InvalidClient):
            authenticate(form)

        assert marks(office.client_id) == 1

    @pytest.mark.slow
    def test_a_replay_in_another_process_is_refused(self, settings, database):
        """Case 35: across processes, and after a restart."""
        office = a_service_with_a_key()
        form, fresh = office.assertion(), office.assertion()
        authenticate(form)

        told = _elsewhere([form, fresh], settings, database)

        assert told == ["InvalidClient", office.client_id]

    def test_one_jti_of_two_services_is_good_for_each(self):
        """A service cannot spend another's."""
        tax, school = a_service_with_a_key(), a_service_with_a_key()
        authenticate(tax.assertion(jti="same"))

        assert authenticate(school.assertion(jti="same")).client_id == school.client_id

    @pytest.mark.parametrize("name", ["client_secret", "client_assertion"])
    def test_a_credential_in_the_url_is_refused(self, name):
        """Case 36: URLs are logged."""
        office = a_service(token_endpoint_auth_method="client_secret_post")
        query = urlencode({"client_id": office.client_id, name: office.secret})

        with pytest.raises(InvalidRequest):
            authenticate(office.post(), query=query)

    def test_header_and_body_together_are_refused(self):
        """Case 36; RFC 6749 §2.3."""
        office = a_service()

        with pytest.raises(InvalidRequest):
            authenticate(office.post(), headers=office.basic())

    def test_another_client_id_in_the_body_is_refused(self):
        """Case 36."""
        office, other = a_service(), a_service()

        with pytest.raises(InvalidClient):
            authenticate({"client_id": other.client_id}, headers=office.basic())

    def test_a_public_client_with_a_secret_is_refused(self):
        """Case 36."""
        school = a_service(token_endpoint_auth_method="none")

        with pytest.raises(InvalidClient):
            authenticate(school.post("whatever-it-may-be-1"))

    def test_a_confidential_client_without_its_proof_is_refused(self):
        """Case 36."""
        office = a_service()

        with pytest.raises(InvalidClient):
            authenticate({"client_id": office.client_id})

    def test_the_right_secret_in_the_wrong_place_is_refused(self):
        """Exactly the registered method; provider.md §3, row 14."""
        office = a_service()

        with pytest.raises(InvalidClient):
            authenticate(office.post())

    @pytest.mark.parametrize(
        "header", ["Basic", "Basic %%%", "Basic bm8tY29sb24=", "Bearer abc", "Basic /zpx"]
    )
    def test_a_header_that_cannot_be_read_is_refused(self, header):
        """Never an accident."""
        with pytest.raises(InvalidClient):
            authenticate(headers={"Authorization": header})

    def test_a_repeated_parameter_is_refused(self):
        """RFC 6749 §3.2."""
        office = a_service(token_endpoint_auth_method="client_secret_post")
        form = urlencode(office.post())

        with pytest.raises(InvalidRequest):
            authenticate(f"{form}&client_secret=another")

    @pytest.mark.parametrize(
        "kid", ["../../dev/null", "' UNION SELECT 1 --", "x" * 10_000, "unknown", 7]
    )
    def test_an_odd_key_name_is_refused(self, kid):
        """Case 26: it is looked for in the service's own keys, nowhere else."""
        office = a_service_with_a_key()
        odd = office.assertion()["client_assertion"].split(".")
        odd[0] = _encoded({"alg": "ES256", "typ": "JWT", "kid": kid})

        with pytest.raises(InvalidClient):
            authenticate(office.assertion() | {"client_assertion": ".".join(odd)})

    def test_a_hundred_unknown_keys_cost_one_fetch(self, httpserver):
        """Case 26."""
        key = ec.generate_private_key(ec.SECP256R1())
        httpserver.expect_request("/jwks").respond_with_json({"keys": [public_jwk(key)]})
        office = a_service_with_a_key(jwks=None, jwks_uri=httpserver.url_for("/jwks"))
        service = registered.find(office.client_id)

        found = [service_keys.keys(service, f"unknown-{n}") for n in range(100)]

        assert (found, len(httpserver.log)) == ([()] * 100, 1)

    def test_a_slow_address_keeps_nobody_waiting(self, httpserver, monkeypatch):
        """Case 26: anybody may name a key that is not there; one thread asks, the others go on."""
        key = ec.generate_private_key(ec.SECP256R1())
        httpserver.expect_request("/jwks").respond_with_json({"keys": [public_jwk(key)]})
        office = a_service_with_a_key(jwks=None, jwks_uri=httpserver.url_for("/jwks"))
        office.key = key
        service = registered.find(office.client_id)
        authenticate(office.assertion())
        monkeypatch.setattr(service_keys, "PAUSE_SECONDS", 0.0)
        kept = service_keys._fetched._of(service.id, service.jwks_uri)

        with kept.lock:  # as while another thread fetches
            assert service_keys.keys(service, "unknown") == ()
            assert authenticate(office.assertion()).client_id == office.client_id

        assert len(httpserver.log) == 1

    def test_nor_does_one_that_never_answered(self, monkeypatch):
        """Who comes meanwhile waits a moment and is refused."""
        office = a_service_with_a_key(jwks=None, jwks_uri="https://slow.motlan.test/jwks")
        service = registered.find(office.client_id)
        monkeypatch.setattr(service_keys, "WAIT_SECONDS", 0.0)

        with (
            service_keys._fetched._of(service.id, service.jwks_uri).lock,
            pytest.raises(InvalidClient),
        ):
            authenticate(office.assertion())

    def test_an_address_that_shows_private_keys_gives_none(self, httpserver):
        """A published private key proves nothing."""
        office = a_service_with_a_key(jwks=None, jwks_uri=httpserver.url_for("/jwks"))
        shown = public_jwk(office.key) | {"d": "AAAA"}
        httpserver.expect_request("/jwks").respond_with_json({"keys": [shown]})

        with pytest.raises(InvalidClient):
            authenticate(office.assertion())

    def test_no_credential_is_repeated(self, capfd):
        """Not in the refusal, not in the operational log."""
        office = a_service()
        wrong = "do-not-repeat-me-anywhere"

        with pytest.raises(InvalidClient) as refused:
            authenticate(headers=office.basic(wrong))

        told = capfd.readouterr()
        assert wrong not in f"{refused.value.detail}{refused.value.note}{told.out}{told.err}"


def _encoded(header):
    return base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()


_ELSEWHERE = """
import json, sys
import consent, identity
from identity import settings
from tests.public_services import authenticate
identity.create_app(settings.read(), joins=[consent])
for form in json.loads(sys.stdin.read()):
    try:
        print(authenticate(form).client_id)
    except Exception as refused:
        print(type(refused).__name__)
identity.database.close()
"""


def _elsewhere(forms, settings, database):
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "MOTLAN_HOME": str(settings.home),
        **database.environment,
    }
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE],
        input=json.dumps(forms),
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()
