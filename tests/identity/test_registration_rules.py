"""What members of one registration say against each other, one at a time: RFC 7591 §2."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from marshmallow import ValidationError

from identity.registration import sectors
from identity.registration.register import BadRegistrationError, complaints, documents
from identity.registration.wire import ServiceSchema
from identity.signing import keys
from tests.public_services import public_jwk, registration

pytestmark = pytest.mark.usefixtures("app")

CIBA = "urn:openid:params:grant-type:ciba"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
KEYS = {"jwks": {"keys": [public_jwk(ec.generate_private_key(ec.SECP256R1()))]}}
PUBLIC = {"token_endpoint_auth_method": "none"}
HERE = "https://motlan.test"
MODE, ENDPOINT = "backchannel_token_delivery_mode", "backchannel_client_notification_endpoint"
SIGNING = "backchannel_authentication_request_signing_alg"
USER_CODE = "backchannel_user_code_parameter"
ASKS = {"grant_types": [CIBA], "redirect_uris": None, MODE: "poll"}
ALONE = {"grant_types": ["client_credentials"], "redirect_uris": None}
BANK = {"profile": "fapi2", "token_endpoint_auth_method": "private_key_jwt", **KEYS}
BOUND, PUSHED = "dpop_bound_access_tokens", "require_pushed_authorization_requests"
SEVERAL = {"redirect_uris": ["https://a.motlan.test/cb", "https://b.motlan.test/cb"]}


def found(members):
    """Every complaint about a registration that says this."""
    try:
        ServiceSchema().load(registration(**members))
    except ValidationError as fault:
        return list(complaints(fault))
    return []


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        (KEYS | {"jwks_uri": f"{HERE}/keys"}, "jwks: must not stand beside jwks_uri"),
        (PUBLIC | {"client_secret": "x" * 20}, "client_secret: has no use with none"),
        (KEYS | PUBLIC | {"require_pkce": False}, "require_pkce: must be true"),
        (
            PUBLIC | {"grant_types": ["authorization_code", "client_credentials"]},
            "grant_types: client_credentials needs a client that authenticates",
        ),
        (
            PUBLIC | {"grant_types": ["authorization_code", EXCHANGE]},
            "grant_types: token-exchange needs a client that authenticates",
        ),
        (
            ALONE | {"grant_types": ["client_credentials", "refresh_token"]},
            "grant_types: refresh_token needs a grant type of persons",
        ),
        (
            ALONE | {"grant_types": ["client_credentials", EXCHANGE]},
            "grant_types: token-exchange needs a grant type of persons",
        ),
        (ALONE | {"response_types": ["code"]}, "response_types: must be [code] exactly"),
        ({"response_types": []}, "response_types: must be [code] exactly"),
        ({"redirect_uris": []}, "redirect_uris: is needed for authorization_code"),
        (SEVERAL, "sector_identifier_uri: is needed when"),
        ({"require_signed_request_object": True}, "require_signed_request_object: needs jwks"),
        ({"request_object_signing_alg": "ES256"}, "request_object_signing_alg: needs jwks"),
        ({"request_uris": [f"{HERE}/r"]}, "request_uris: needs jwks"),
        (ASKS | PUBLIC, f"grant_types: {CIBA} needs a client that authenticates"),
        (ASKS | {MODE: None}, f"{MODE}: is needed for {CIBA}"),
        (ASKS | {MODE: "ping"}, f"{ENDPOINT}: stands with the delivery mode ping"),
        (ASKS | {ENDPOINT: f"{HERE}/p"}, f"{ENDPOINT}: stands with the delivery mode ping"),
        (ASKS | {USER_CODE: True}, f"{USER_CODE}: is not offered"),
        (ASKS | {SIGNING: "ES256"}, f"{SIGNING}: needs jwks"),
        (ASKS | BANK, f"{SIGNING}: is needed with fapi2"),
        ({MODE: "poll"}, f"{MODE}: has no use without the grant type {CIBA}"),
        ({ENDPOINT: f"{HERE}/p"}, f"{ENDPOINT}: has no use without the grant type {CIBA}"),
        (KEYS | {SIGNING: "ES256"}, f"{SIGNING}: has no use without the grant type {CIBA}"),
        (BANK | {"grant_types": ["authorization_code", DEVICE]}, f"grant_types: {DEVICE} has no"),
        (BANK | {BOUND: False}, f"{BOUND}: must be true with fapi2"),
        (BANK | {PUSHED: False}, f"{PUSHED}: must be true with fapi2"),
        (BANK | {"require_pkce": False}, "require_pkce: must be true with fapi2"),
        (BANK | {"redirect_uris": ["http://127.0.0.1/cb"]}, "redirect_uris: must be https"),
        (
            {"userinfo_encrypted_response_enc": "A256GCM"},
            "userinfo_encrypted_response_alg: is needed beside the enc",
        ),
        (
            KEYS | {"userinfo_encrypted_response_alg": "ECDH-ES"},
            "userinfo_encrypted_response_alg: needs a key with use enc",
        ),
    ],
)
def test_a_contradiction_is_the_one_complaint(members, complaint):
    """By the member that would have to change, and by nothing else that happens to be wrong."""
    (told,) = found(members)

    assert told.startswith(complaint)


@pytest.mark.parametrize(
    "members",
    [
        ALONE,
        ALONE | {"response_types": []},
        {"response_types": ["code"]},
        {"grant_types": ["authorization_code", "refresh_token", EXCHANGE]},
        {"grant_types": [DEVICE, "refresh_token"], "redirect_uris": None},
        {"grant_types": [DEVICE, EXCHANGE], "redirect_uris": None},
        ASKS | {"grant_types": [CIBA, "refresh_token", EXCHANGE]},
        ASKS | {MODE: "ping", ENDPOINT: f"{HERE}/p"},
        ASKS | {USER_CODE: False},
        ASKS | KEYS | {SIGNING: "ES256"},
        ASKS | BANK | {SIGNING: "ES256"},
        PUBLIC,
        PUBLIC | {"grant_types": ["authorization_code", DEVICE, "refresh_token"]},
        {"require_pkce": False},
        {"require_signed_request_object": False},
        {"jwks_uri": f"{HERE}/keys", "request_uris": [f"{HERE}/r#{'A' * 43}"]},
        {"jwks_uri": f"{HERE}/keys", "require_signed_request_object": True},
        {"jwks_uri": f"{HERE}/keys", "id_token_encrypted_response_alg": "ECDH-ES"},
        SEVERAL | {"sector_identifier_uri": f"{HERE}/list"},
        BANK,
        BANK | {"application_type": "native", "redirect_uris": ["http://127.0.0.1/cb"]},
        BANK | {"application_type": "native", "redirect_uris": ["http://[::1]/cb"]},
        BANK | {"jwks": None, "jwks_uri": f"{HERE}/keys"},
        ASKS | {"jwks_uri": f"{HERE}/keys", SIGNING: "ES256"},
    ],
)
def test_what_fits_together_is_taken(members):
    """The rules above refuse nobody who keeps them."""
    assert found(members) == []


def test_what_nobody_said_is_so_by_the_profile_alone():
    """FAPI 2.0 §5.3.2.1, RFC 9701 §6: what the one requires is not put on the other."""
    alg = "introspection_signed_response_alg"
    plain, bank = (ServiceSchema().load(registration(**said)) for said in ({}, BANK))

    assert [told[BOUND] for told in (plain, bank)] == [False, True]
    assert [told[PUSHED] for told in (plain, bank)] == [False, True]
    assert [told.get(alg) for told in (plain, bank)] == [None, "ES256"]


@pytest.mark.parametrize("answer", ["id_token", "userinfo", "introspection", "authorization"])
def test_each_answer_is_promised_as_it_can_be_kept(monkeypatch, answer):
    """OIDC Registration §2, RFC 9701 §6, JARM §3: with a key of ours, and one of the service."""
    signed, encrypted = f"{answer}_signed_response_alg", f"{answer}_encrypted_response"
    wish = {f"{encrypted}_alg": "ECDH-ES", "jwks_uri": f"{HERE}/keys"}
    plain, sealed = (ServiceSchema().load(registration(**said)) for said in ({}, wish))

    assert [told.get(f"{encrypted}_enc") for told in (plain, sealed)] == [None, "A128CBC-HS256"]
    (unreadable,) = found(KEYS | {f"{encrypted}_alg": "ECDH-ES"})
    assert unreadable.startswith(f"{encrypted}_alg: needs a key with use enc")
    monkeypatch.setattr(keys, "algorithms", lambda: ("ES256",))  # as a list of before may be
    (unsigned,) = found({signed: "PS256"})
    assert unsigned.startswith(f"{signed}: has no key here yet")


@pytest.mark.parametrize("listed", [{f"{HERE}/cb": 1}, f"{HERE}/cb", None, []])
def test_a_sectors_document_is_a_list(monkeypatch, listed):
    """OIDC Registration §5: a JSON array, and not what could be walked through like one."""
    monkeypatch.setattr("identity.outbound.get_json", lambda _uri: listed)

    with pytest.raises(ValidationError, match="does not list"):
        sectors.check_document(
            {"sector_identifier_uri": f"{HERE}/list", "redirect_uris": [f"{HERE}/cb"]}
        )


def test_a_member_that_stands_twice_in_a_file_is_told():
    """Whoever reviewed it may have read the other one."""
    with pytest.raises(BadRegistrationError, match="twice"):
        documents('{"client_id": "reviewed", "scope": "openid", "client_id": "another"}')


@pytest.mark.parametrize(
    ("kept", "may_share", "sector"),
    [
        (None, True, "motlan.test"),
        (None, False, "motlan.test T1"),
        ("motlan.test T1", True, "motlan.test T1"),
        ("a.motlan.test T1", True, "motlan.test"),
        ("a.motlan.test T1", False, "motlan.test T1"),
    ],
)
def test_a_document_joins_several_organisations_by_an_operators_word(kept, may_share, sector):
    """OIDC Core §8.1; importing again what registered itself does not take its people's `sub`."""
    told = {"sector_identifier_uri": f"{HERE}/list", "organisation": {"code": "T1"}}

    assert sectors.sector(told, kept, may_share=may_share) == sector


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"require_pkce": "true"}, "require_pkce"),
        ({BOUND: 1}, BOUND),
        ({"default_max_age": "60"}, "default_max_age"),
        ({"default_max_age": -1}, "default_max_age"),
        ({"default_max_age": 10**9 + 1}, "default_max_age"),
        ({"grant_types": "authorization_code"}, "grant_types"),
        ({"grant_types": {"authorization_code": 1}}, "grant_types"),
        ({"grant_types": ["authorization_code"] * 2}, "grant_types"),
        ({"redirect_uris": [f"{HERE}/cb"] * 2}, "redirect_uris"),
        ({"contacts": ["a"] * 2}, "contacts"),
        ({"contacts": [f"{n}" for n in range(201)]}, "contacts"),
        ({"contacts": [""]}, "contacts[0]"),
        ({"client_name": "x" * 201}, "client_name"),
        ({"client_name": " Tax office"}, "client_name"),
        ({"client_name": "Tax\u2028office"}, "client_name"),
        ({"client_id": "x" * 129}, "client_id"),
        ({"client_id": "service\n"}, "client_id"),
        ({"client_secret": "x" * 257}, "client_secret"),
        ({"client_secret": "x" * 20 + "\n"}, "client_secret"),
        ({"procedures": ["1.004222\n"]}, "procedures[0]"),
        ({"procedures": ["1" * 33]}, "procedures[0]"),
        ({"sector_identifier_uri": "http://localhost/list"}, "sector_identifier_uri"),
        (KEYS | {"request_uris": [f"{HERE}/r#{'A' * 42}"]}, "request_uris[0]"),
        (KEYS | {"request_uris": [f"{HERE}/{'r' * 512}"]}, "request_uris[0]"),
        ({"scope": "openid grants"}, "scope"),
    ],
)
def test_a_member_is_what_it_has_to_be(members, member):
    """Nothing is read as something that it might mean."""
    (told,) = found(members)

    assert told.startswith(f"{member}: ")
