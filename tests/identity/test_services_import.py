"""`services import`: client metadata of RFC 7591 §2, and what a registration may not say."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select

from identity import database
from identity.database import transaction
from identity.errors import InvalidClient
from identity.public_services import records, registered
from identity.registration.register import BadRegistrationError, documents, end, register
from identity.trail import AccessEntry
from tests.public_services import a_service, authenticate, public_jwk, registration

pytestmark = pytest.mark.usefixtures("app")


def run(app, tmp_path, content):
    """The command on a file of that content."""
    file = tmp_path / "services.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return app.test_cli_runner().invoke(args=["services", "import", str(file)])


def entries_of(service):
    wanted = select(func.count()).where(
        AccessEntry.public_service_id == service.id, AccessEntry.type == "service:registered"
    )
    return database.row(wanted)[0]


def entries_about(service):
    """Of any type but the refused tries, oldest first."""
    mine = AccessEntry.public_service_id == service.id
    wanted = select(AccessEntry.type).where(mine, AccessEntry.type != "service:refused")
    return database.rows(wanted.order_by(AccessEntry.id))


def test_one_object_is_answered_with_one_object_and_a_secret_that_works(app, tmp_path):
    """The contract: ids, and any generated secret."""
    told = registration(client_id=None)

    done = run(app, tmp_path, told)

    answer = json.loads(done.stdout)
    assert (done.exit_code, answer["outcome"]) == (0, "registered")
    service = registered.find(answer["client_id"])
    assert service.name("vi") == "Cơ quan thuế"
    assert len(answer["client_secret"]) >= 43  # 256 bits


def test_a_byte_order_mark_is_no_part_of_the_file(app, tmp_path):
    """RFC 8259 §8.1 lets a reader pass it over; editors and shells of Windows write it."""
    done = run(app, tmp_path, "\ufeff" + json.dumps(registration(client_id=None)))

    assert done.exit_code == 0
    assert json.loads(done.stdout)["outcome"] == "registered"


def test_several_are_answered_in_their_order(app, tmp_path):
    """One or many."""
    told = [registration(), registration(token_endpoint_auth_method="none")]

    answers = json.loads(run(app, tmp_path, told).stdout)

    assert [answer["client_id"] for answer in answers] == [one["client_id"] for one in told]
    assert ["client_secret" in answer for answer in answers] == [True, False]


def test_a_re_import_updates_and_never_prints_a_second_secret(app, tmp_path):
    """The contract, and the first secret goes on working."""
    told = registration()
    secret = json.loads(run(app, tmp_path, told).stdout)["client_secret"]

    again = json.loads(run(app, tmp_path, told | {"client_name": "Renamed"}).stdout)

    assert again["outcome"] == "updated"
    assert "client_secret" not in again
    office = a_service()
    office.client_id, office.secret = told["client_id"], secret
    assert authenticate(headers=office.basic()).name("") == "Renamed"


def test_the_same_import_again_changes_nothing():
    """Neither the version nor the log."""
    told = registration(client_secret="a-fixed-secret-of-ours")
    register([told])
    before = registered.find(told["client_id"])

    (outcome,) = register([told])

    after = registered.find(told["client_id"])
    assert (outcome.outcome, after.version, entries_of(after)) == ("unchanged", before.version, 1)


def test_each_registration_and_change_is_an_entry():
    """Design §7: `service:registered`."""
    told = registration()
    register([told])
    register([told | {"client_name": "Renamed"}])

    assert entries_of(registered.find(told["client_id"])) == 2


def test_what_is_done_to_one_service_or_organisation_is_done_to_no_other():
    """Each is found by its own id or code, past the memory too."""
    told = [registration(), registration()]
    for n, each in enumerate(told):
        each["organisation"] = each["organisation"] | {"code": f"H77.{n}", "name": f"Sở {n}"}
    register(told)
    one, other = (registered.find(each["client_id"]) for each in told)

    told[0]["organisation"]["name"] = "Sở mới"
    register(told[:1])
    end(one.client_id)

    found = registered.by_id(other.id)
    assert (found.client_id, found.organisation.name) == (other.client_id, "Sở 1")
    assert (found.is_active, found.version) == (True, other.version)
    assert not registered.by_id(one.id).is_active


def test_what_was_changed_since_it_was_read_is_not_written_over():
    """Of two imports at once the later one begins again; nothing of the first is lost."""
    told = registration()
    register([told])
    read = registered.find(told["client_id"])
    register([told | {"client_name": "Renamed"}])

    with transaction():
        assert not records.change(read.id, {"sector": "elsewhere"}, version=read.version)

    assert registered.find(told["client_id"]).sector == read.sector


def test_a_renamed_organisation_makes_a_new_version_of_all_its_services():
    """Otherwise a memory would go on showing the old name."""
    told = registration()
    sister = registration(organisation=told["organisation"])
    register([told, sister])
    before = registered.find(sister["client_id"])

    register([told | {"organisation": told["organisation"] | {"name": "Renamed"}}])

    after = registered.find(sister["client_id"])
    assert (after.organisation.name, after.version > before.version) == ("Renamed", True)


def test_defaults_are_those_of_the_standards_and_ours():
    """RFC 7591 §2; an absent `id_token_signed_response_alg` means ES256 here (design §3)."""
    told = registration()
    register([told])

    service = registered.find(told["client_id"])

    assert service.auth_method == "client_secret_basic"
    assert service.grant_types == {"authorization_code"}
    assert service.id_token_alg == "ES256"
    assert (service.require_pkce, service.profile, service.application_type) == (
        True,
        "oidc",
        "web",
    )


def test_two_organisations_at_one_host_are_two_sectors():
    """Or they could join their people by `sub` (security case 53)."""
    tax, school = (registration(redirect_uris=["https://portal.motlan.test/cb"]) for _ in "ab")
    register([tax, school])

    first, second = registered.find(tax["client_id"]), registered.find(school["client_id"])

    assert first.sector != second.sector


def test_a_service_that_moves_keeps_its_sector():
    """`sub` is for ever (design §3)."""
    told = registration()
    register([told])
    before = registered.find(told["client_id"]).sector

    register([told | {"redirect_uris": ["https://moved.motlan.test/callback"]}])

    assert registered.find(told["client_id"]).sector == before


def test_a_sector_document_that_lists_every_address_is_taken(monkeypatch):
    """OpenID Connect Core §8.1."""
    uris = ["https://a.motlan.test/cb", "https://b.motlan.test/cb"]
    told = registration(redirect_uris=uris, sector_identifier_uri="https://s.motlan.test/list")
    monkeypatch.setattr("identity.outbound.get_json", lambda _uri: uris)

    register([told])

    assert registered.find(told["client_id"]).sector == "s.motlan.test"


def test_a_sector_document_that_leaves_one_out_is_refused(monkeypatch):
    """OpenID Connect Core §8.1."""
    told = registration(sector_identifier_uri="https://s.motlan.test/list")
    monkeypatch.setattr("identity.outbound.get_json", lambda _uri: ["https://a.motlan.test/cb"])

    with pytest.raises(BadRegistrationError, match="sector_identifier_uri: does not list"):
        register([told])


def test_one_bad_service_of_many_leaves_none_imported(app, tmp_path):
    """Nothing half imported."""
    good, bad = registration(), registration(client_name="")

    done = run(app, tmp_path, [good, bad])

    assert done.exit_code == 1
    assert "service 2: client_name" in done.stderr
    assert registered.find(good["client_id"]) is None


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"client_nane": "x"}, "client_nane: Unknown field"),
        ({"organisation": {"name": "A", "code": "1", "level": "town", "block": "front"}}, "level"),
        ({"organisation": None}, "organisation: Missing data"),
        ({"subject_type": "public"}, "subject_type"),
        ({"response_types": ["token"]}, "response_types[0]"),
        ({"grant_types": ["implicit"]}, "grant_types[0]"),
        ({"grant_types": ["refresh_token"]}, "grant_types: refresh_token needs"),
        ({"redirect_uris": []}, "redirect_uris: is needed"),
        ({"redirect_uris": ["https://a.test/", "https://b.test/"]}, "sector_identifier_uri"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks: is needed"),
        ({"token_endpoint_auth_method": "none", "require_pkce": False}, "require_pkce"),
        ({"token_endpoint_auth_method": "none", "client_secret": "x" * 20}, "client_secret"),
        ({"client_secret": "short"}, "client_secret: must be 16"),
        ({"client_id": "spaces are none"}, "client_id"),
        ({"client_name": "Tax\u202eoffice"}, "client_name: has an invisible character"),
        ({"scope": "openid everything"}, "scope: only these"),
        ({"procedures": ["1.004222", "1.004222"]}, "procedures: has a value twice"),
        ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
        ({"profile": "fapi1"}, "profile: Must be one of"),
        ({"profile": "fapi2"}, "token_endpoint_auth_method: must be one of private_key_jwt"),
        ({"tls_client_certificate_bound_access_tokens": True}, "tls_client_certificate_bound"),
        ({"decision_events_uri": "http://tax.motlan.test/"}, "decision_events_uri: must be https"),
        ({"redirect_uris": [f"https://a.test/{n}" for n in range(51)]}, "redirect_uris"),
    ],
)
def test_what_a_registration_may_not_say_is_named(members, complaint):
    """The member is named; what it said is not repeated."""
    with pytest.raises(BadRegistrationError) as refused:
        register([registration(**members)])

    assert complaint in str(refused.value)


def test_members_of_two_services_that_contradict_each_other_are_refused():
    """One organisation, told in two ways."""
    told = registration()
    other = registration(organisation=told["organisation"] | {"name": "Another"})

    with pytest.raises(BadRegistrationError, match="two ways"):
        register([told, other])


@pytest.mark.parametrize(
    "content", ["", "nonsense", "[]", "7", '{"client_id": "a", "client_id": "b"}', "[" * 5_000]
)
def test_a_file_that_is_no_registration_is_refused(app, tmp_path, content):
    """With one line and no traceback."""
    done = run(app, tmp_path, content)

    assert (done.exit_code, "nothing was imported" in done.stderr) == (1, True)


def test_a_document_that_is_no_object_is_refused():
    """An array of anything else."""
    with pytest.raises(BadRegistrationError):
        register(documents('["client"]'))


def test_a_service_is_ended_for_good(app, tmp_path):
    """Its secret proves nothing from then on, and no file brings it back; the log says so."""
    office = a_service()
    service = registered.find(office.client_id)

    done = app.test_cli_runner().invoke(args=["services", "end", office.client_id])

    again = app.test_cli_runner().invoke(args=["services", "end", office.client_id])
    back = run(app, tmp_path, registration(client_id=office.client_id))
    assert (done.exit_code, again.exit_code, back.exit_code) == (0, 1, 1)
    assert f"{office.client_id} has ended" in done.stdout
    assert "has ended" in back.stderr
    with pytest.raises(InvalidClient):
        authenticate(headers=office.basic())
    assert [row.type for row in entries_about(service)] == ["service:registered", "service:ended"]


class TestAttacker:
    """security-cases.md, case 5, and keys that prove nothing."""

    @pytest.mark.parametrize(
        "uri",
        [
            "https://a.motlan.test/cb#fragment",
            "https://a.motlan.test/cb#",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://*.motlan.test/cb",
            "https://a.motlan.test/*",
            "https://user@a.motlan.test/cb",
            "https://a.motlan.test@evil.test/cb",
            "https://:pw@a.motlan.test/cb",
            "https://mоtlan.test/cb",  # a Cyrillic о
            "https://xn--mtlan-jye.test/cb",
            "http://a.motlan.test/cb",
            "http://localhost.evil.test/cb",
            "http://127.0.0.1.evil.test/cb",
            "https://a.motlan.test/../cb",
            "https://a.motlan.test/%2e%2e/cb",
            "https://a.motlan.test/a%2fb",
            "https://a.motlan.test\\@evil.test/",
            "https://a.motlan.test/ cb",
            "https://a.motlan.test:99999/cb",
            "https://a.motlan.test\n/cb",
            "https:///cb",
            "https:a.motlan.test/cb",
            "//a.motlan.test/cb",
            "vn.gov.app:/cb",
            "https://A.motlan.test/cb",
            "https://a..motlan.test/cb",
            "https://1.2.3/cb",
            "",
            "https://a.motlan.test/" + "x" * 2_000,
        ],
    )
    def test_an_address_that_could_lead_elsewhere_is_refused(self, uri):
        """Case 5, and what parsers disagree about."""
        with pytest.raises(BadRegistrationError, match=r"redirect_uris\[0\]"):
            register([registration(redirect_uris=[uri])])

    @pytest.mark.parametrize(
        "uri",
        [
            "https://a.motlan.test/cb?dummy1=lorem&dummy2=ipsum",
            "https://a.motlan.test:8443/cb",
            "http://localhost:8001/callback",
            "http://127.0.0.1/cb",
            "http://[::1]:9/cb",
            "https://203.0.113.7/cb",
        ],
    )
    def test_an_honest_address_is_taken_as_it_is(self, uri):
        """The rules above refuse nobody who means one place."""
        told = registration(redirect_uris=[uri])

        register([told])

        assert registered.find(told["client_id"]).redirect_uris == (uri,)

    def test_a_private_key_is_refused(self):
        """It would be stored, shown and copied as if it were public."""
        key = public_jwk(ec.generate_private_key(ec.SECP256R1())) | {"d": "AAAA"}
        told = registration(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key]})

        with pytest.raises(BadRegistrationError, match="private members"):
            register([told])

    @pytest.mark.parametrize(
        "key",
        [
            {"kty": "oct", "k": "AAAA"},
            {"kty": "oct"},
            {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
            {"kty": "EC", "crv": "P-256", "alg": "none"},
            {},
            "text",
        ],
    )
    def test_a_key_that_proves_nothing_is_refused(self, key):
        """Symmetric, weak, of no curve, of no algorithm."""
        told = registration(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key]})

        with pytest.raises(BadRegistrationError, match="jwks"):
            register([told])

    def test_no_secret_is_kept_readable(self):
        """Only a keyed digest of it, good for that one service."""
        secret = "a-secret-that-is-not-kept"
        told = registration(client_secret=secret)
        register([told])

        service = registered.find(told["client_id"])

        assert secret.encode() not in service.secret_digest
        assert secret not in repr(service)
        assert secret not in repr(records.find(told["client_id"]))
