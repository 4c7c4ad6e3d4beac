"""RFC 7591: public services that register themselves, OpenID Connect Dynamic Registration §3."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from identity import clock, database, rate
from identity.public_services import registered
from identity.registration.register import register
from identity.self_registration import client_registration, invitations
from identity.self_registration.records import ServiceInvitation
from identity.trail import AccessEntry
from tests.asking import a_sender
from tests.encrypting import key_for, shown
from tests.exchange import find_entries
from tests.public_services import authenticate, public_jwk, registration
from tests.registering import a_registrar, an_invitation, bearer, metadata, played

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def registrar(client):
    """Holds a token that allows what tokens allow by themselves."""
    return a_registrar(client)


def test_a_registration_is_answered_with_all_that_is_on_record(registrar):
    """§3.2.1: what was sent, what was put in its place, and how it proves itself."""
    answer = registrar.register(client_name="Probate", contacts=["ops@motlan.test"])

    told = answer.json
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert told["contacts"] == ["ops@motlan.test"]
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    assert told["client_secret_expires_at"] == 0
    assert abs(told["client_id_issued_at"] - clock.now().timestamp()) < 60
    assert told["registration_client_uri"].endswith("/register/" + told["client_id"])
    assert authenticate(headers=played(told).basic()).name("") == "Probate"


def test_the_defaults_are_those_of_the_specifications(registrar):
    """§2, and OIDC Registration §2, JARM §3: an absent algorithm means RS256 here."""
    told = registrar.registered()

    assert told["grant_types"] == ["authorization_code"]
    assert told["response_types"] == ["code"]
    assert told["application_type"] == "web"
    assert told["id_token_signed_response_alg"] == "RS256"
    assert (told["subject_type"], told["require_pkce"]) == ("pairwise", True)
    assert told["authorization_signed_response_alg"] == "RS256"
    service = registered.find(told["client_id"])
    assert (service.id_token_alg, service.authorization_alg) == ("RS256", "RS256")


def test_how_an_answer_is_encrypted_is_told_whole(registrar):
    """§3.2.1, OIDC Registration §2: A128CBC-HS256 where only the `alg` was said."""
    key = key_for("ECDH-ES")
    told = registrar.registered(jwks=shown(key), userinfo_encrypted_response_alg="ECDH-ES")

    assert told["userinfo_encrypted_response_enc"] == "A128CBC-HS256"
    assert "id_token_encrypted_response_enc" not in told


def test_whose_it_is_and_what_it_may_run_come_from_the_operator(client):
    """The organisation is that of the token, whatever is sent."""
    registrar = a_registrar(client, procedures=("1.004222",))
    other = {"name": "Văn phòng", "code": "X1", "level": "central", "block": "court"}

    told = registrar.registered(organisation=other, client_name=None, procedures=["1.004222"])

    service = registered.find(told["client_id"])
    assert service.organisation.name == told["organisation"]["name"] == "Sở Tư pháp"
    assert told["client_name"] == "Sở Tư pháp"
    assert service.procedures == {"1.004222"}


def test_a_member_that_nobody_knows_is_ignored(registrar):
    """§2: but an import names it."""
    told = registrar.registered(no_such_member={"a": [1]}, tos_uri=None)

    assert "no_such_member" not in told


def test_neither_id_nor_secret_is_chosen_by_the_service(registrar):
    """§3.2.1: both are issued."""
    told = registrar.registered(client_id="tax", client_secret="a-secret-of-their-own")

    assert told["client_id"] != "tax"
    assert told["client_secret"] != "a-secret-of-their-own"


def test_names_and_links_may_be_in_several_languages(registrar):
    """§2.2."""
    tagged = {"client_name#vi": "Hộ tịch", "policy_uri#en": "https://a.motlan.test/en"}

    told = registrar.registered(**tagged, policy_uri="https://a.motlan.test/vi")

    service = registered.find(told["client_id"])
    assert told | tagged == told
    assert (service.name("vi"), service.name("en")) == ("Hộ tịch", "Probate office")
    assert service.link("policy_uri", "en") == "https://a.motlan.test/en"
    assert service.link("policy_uri", "vi") == "https://a.motlan.test/vi"


def test_keys_are_registered_and_prove_the_service(registrar):
    """OIDC Core §9: no secret is made for who needs none."""
    key = ec.generate_private_key(ec.SECP256R1())
    keys = {"keys": [public_jwk(key)]}

    told = registrar.registered(token_endpoint_auth_method="private_key_jwt", jwks=keys)

    assert "client_secret" not in told
    assert told["jwks"] == keys
    office = played(told)
    office.key = key
    assert authenticate(office.assertion()).client_id == told["client_id"]


def test_an_app_has_no_secret_and_always_pkce(client):
    """RFC 9700 §2.1.1, also with a token for the certification plans."""
    told = a_registrar(client, may_omit_pkce=True).registered(
        token_endpoint_auth_method="none", application_type="native"
    )

    assert ("client_secret" in told, told["require_pkce"]) == (False, True)


def test_a_token_for_the_plans_lets_services_send_no_pkce(client):
    """Provider plans send none and say nothing of it."""
    told = a_registrar(client, may_omit_pkce=True).registered()
    sender = a_sender(client)
    sender.played = played(told)

    asked = sender.ask(code_challenge=None, code_challenge_method=None)

    assert told["require_pkce"] is False
    assert "/sign-in" in asked.location


def test_scopes_are_those_of_the_token(client):
    """§2: what was not asked for is filled in."""
    registrar = a_registrar(client, scopes=("openid", "profile"))

    assert registrar.registered()["scope"] == "openid profile"
    assert registrar.registered(scope="openid")["scope"] == "openid"


def test_default_max_age_counts_where_a_request_says_none(client):
    """OIDC Registration §2."""
    told = a_registrar(client).registered(default_max_age=0, require_auth_time=True)
    sender = a_sender(client)
    sender.played = played(told)

    assert sender.error(prompt="none") == "login_required"
    assert registered.find(told["client_id"]).default_max_age == 0


@pytest.mark.parametrize(
    ("members", "error", "says"),
    [
        ({"redirect_uris": None}, "redirect_uri", "redirect_uris: is needed"),
        ({"redirect_uris": "https://a.test/"}, "redirect_uri", "redirect_uris: Not a valid list"),
        ({"redirect_uris": {"https://a.test/": 1}}, "redirect_uri", "redirect_uris"),
        ({"redirect_uris": ["https://a.test/", "https://b.test/"]}, "client_", "sector_identifier"),
        ({"subject_type": "public"}, "client_", "subject_type"),
        ({"response_types": ["code", "token"]}, "client_", "response_types[1]"),
        ({"response_types": ["code id_token"]}, "client_", "response_types[0]"),
        ({"grant_types": ["implicit"]}, "client_", "grant_types[0]"),
        ({"grant_types": ["client_credentials"]}, "client_", "grant_types: asks for more"),
        ({"scope": "openid everything"}, "client_", "scope: only these"),
        ({"procedures": ["1.004222"]}, "client_", "procedures: asks for more"),
        ({"profile": "fapi2"}, "client_", "token_endpoint_auth_method: must be one of"),
        (
            {
                "profile": "fapi2",
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks_uri": "https://a.test/",
            },
            "client_",
            "profile: asks for more",
        ),
        ({"require_pkce": False}, "client_", "require_pkce"),
        ({"require_pkce": "yes"}, "client_", "require_pkce: Not a valid boolean"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "client_", "jwks: is needed"),
        ({"jwks": {"keys": []}}, "client_", "jwks: must be {'keys': [...]}"),
        ({"jwks": {"keys": []}, "jwks_uri": "https://a.test/"}, "client_", "jwks: must"),
        ({"id_token_signed_response_alg": "none"}, "client_", "id_token_signed_response_alg"),
        ({"logo_uri": "javascript:alert(1)"}, "client_", "logo_uri: must be https"),
        ({"client_name": "Tax\u202eoffice"}, "client_", "client_name: has an invisible character"),
        ({"client_name": "x" * 201}, "client_", "client_name"),
        ({"default_max_age": "soon"}, "client_", "default_max_age"),
    ],
)
def test_what_may_not_be_registered_is_named(registrar, members, error, says):
    """§3.2.2: the member, and never what it said."""
    word, sentence = registrar.error(**members)

    assert word.startswith(f"invalid_{error}")
    assert says in sentence


def test_a_software_statement_is_not_believed(registrar):
    """§3.2.2: its claims would take precedence over what was sent, so it is not ignored either."""
    assert registrar.error(software_statement="e30.e30.x")[0] == "unapproved_software_statement"


def test_a_registration_is_in_the_log(registrar):
    """Design §7: without an operator."""
    told = registrar.registered()

    mine = AccessEntry.public_service_id == registered.find(told["client_id"]).id
    (entry,) = find_entries(mine)
    assert (entry.type, entry.acting["actor"]) == ("service:registered", "registration")


def test_a_body_that_is_no_object_is_refused(client, registrar):
    """§3.1."""
    for body, status in (("[]", 400), ('{"a": 1, "a": 2}', 400), ("{", 400)):
        answer = client.post(
            "/register",
            data=body,
            content_type="application/json",
            headers=bearer(registrar.token),
        )
        assert (answer.status_code, answer.json["error"]) == (status, "invalid_request")


def test_a_registration_costs_no_more_than_it_has_to(registrar):
    """Who is invited; then one transaction: the use, what was there, service, entry, token."""
    registrar.registered()

    with database.counted() as tally:
        registrar.registered()

    assert tally.commits == 1
    assert tally.round_trips == (8 if database.is_postgresql() else 9)


class TestAttacker:
    """Case 5, 38, 61 and 63 of the list, and who has no token or wants more from one."""

    @pytest.mark.parametrize(
        "uri",
        [
            "https://a.motlan.test/cb#fragment",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://*.motlan.test/cb",
            "https://user@a.motlan.test/cb",
            "https://xn--mtlan-jye.test/cb",
            "http://a.motlan.test/cb",
            "vn.gov.app:/cb",
            "https://a.motlan.test/../cb",
            "",
            7,
        ],
    )
    def test_an_address_that_could_lead_elsewhere_is_refused(self, registrar, uri):
        """Case 5."""
        word, sentence = registrar.error(redirect_uris=[uri])

        assert word == "invalid_redirect_uri"
        assert sentence.startswith("redirect_uris[0]: ")

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "Basic dGF4Og=="},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer no-such-token"},
            {"Authorization": "Bearer \u00e9"},
        ],
    )
    def test_without_a_good_token_nothing_is_even_read(self, client, headers):
        """§3: RFC 6750 §3; who sent none hears of no error."""
        answer = client.post("/register", data="{", headers=headers)

        challenge = answer.headers["WWW-Authenticate"]
        sent = headers.get("Authorization", "")
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")
        assert ("error=" in challenge) is sent.startswith("Bearer ")
        assert challenge.startswith("Bearer realm=")

    def test_a_token_in_the_address_or_body_is_none(self, client):
        """RFC 6750 §2.3: addresses are logged."""
        token, _ = an_invitation()

        answers = (
            client.post(f"/register?access_token={token}", json=metadata()),
            client.post("/register", json=metadata(access_token=token)),
        )

        assert {answer.status_code for answer in answers} == {401}

    def test_a_token_is_good_as_often_as_was_said(self, client):
        """One use: of eight at once, one service."""
        token, _ = an_invitation(uses=1)

        def register(_n):
            headers = bearer(token)
            return client.application.test_client().post(
                "/register", json=metadata(), headers=headers
            )

        with ThreadPoolExecutor(8) as at_once:
            answers = list(at_once.map(register, range(8)))

        assert sorted(answer.status_code for answer in answers) == [201] + [401] * 7

    def test_a_bad_registration_spends_no_use(self, client):
        """Or a typing error would cost a letter to the operator."""
        registrar = a_registrar(client, uses=1)

        registrar.error(subject_type="public")

        assert registrar.registered()

    def test_no_registration_is_too_large(self, client, registrar):
        """Case 63: 5,000 addresses, 100 kB of contacts, depth."""
        many = [f"https://a.motlan.test/{n}" for n in range(1_400)]
        assert registrar.error(redirect_uris=many)[0] == "invalid_redirect_uri"
        assert "contacts" in registrar.error(contacts=[str(n) for n in range(201)])[1]
        assert registrar.register(contacts=["x" * 200_000]).status_code == 413
        deep = client.post(
            "/register",
            data="[" * 30_000,
            content_type="application/json",
            headers=bearer(registrar.token),
        )
        assert deep.status_code == 400

    def test_nobody_tries_tokens_for_ever(self, client, monkeypatch):
        """One address is looked up so often, and no more."""
        slow = rate.Limit(per_second=0.001, burst=3)
        monkeypatch.setattr(client_registration, "strangers", slow)

        answers = [client.post("/register", headers=bearer(f"guess-{n}")) for n in range(4)]

        assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
        assert int(answers[-1].headers["Retry-After"]) > 0

    def test_one_organisation_registers_nothing_for_another(self, client):
        """Nor does it share the people of another's portal (case 53)."""
        host = metadata()["redirect_uris"]
        one, other = (a_registrar(client).registered(redirect_uris=host) for _ in "ab")

        sectors = {registered.find(told["client_id"]).sector for told in (one, other)}

        assert len(sectors) == 2

    def test_a_document_at_a_common_portal_joins_no_organisations(self, client, monkeypatch):
        """Case 53: each could write one there; that two are one sector, an operator says."""
        monkeypatch.setattr("identity.outbound.get_json", lambda _uri: said["redirect_uris"])
        said = metadata(sector_identifier_uri="https://portal.motlan.test/list")
        found = [a_registrar(client).registered(**said)["client_id"] for _ in "ab"]
        by_hand = registration(**said)
        register([by_hand])

        sectors = {registered.find(one).sector for one in (*found, by_hand["client_id"])}

        assert len(sectors) == 3

    def test_no_token_is_kept_readable(self, registrar):
        """Only digests."""
        told = registrar.registered()
        kept = f"{database.rows(select(ServiceInvitation.__table__))}"

        assert registrar.token not in kept
        assert told["registration_access_token"] not in kept
        assert registrar.token not in repr(invitations.find(registrar.token))
