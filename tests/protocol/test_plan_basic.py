"""The Basic and Form Post plans of OpenID certification, module by module, in their own words.

Both plans have the same 38 modules. Their clients send no PKCE, have a secret in the header, and
register two addresses, one of them with a query. Each module names the test that walks it.
"""

import json
import re
import uuid
from datetime import timedelta
from html import unescape

import jwt
import pytest
import time_machine

from identity import clock, settings
from identity.tokens import pkce
from tests.asking import VERIFIER, Sender, answered, is_refused_here, waiting
from tests.databases import ROOT
from tests.deciding import Page, signed_in
from tests.exchange import fill_register, publish_catalogues, told
from tests.people import lan, sign_in
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app")

MODULES = {
    "oidcc-server": "test_a_code_buys_what_the_plan_looks_at",
    "oidcc-response-type-missing": "test_what_is_wrong_goes_back_with_state_and_issuer",
    "oidcc-userinfo-get": "test_a_code_buys_what_the_plan_looks_at",
    "oidcc-userinfo-post-header": "test_post_with_the_token_in_the_header_or_in_the_form",
    "oidcc-userinfo-post-body": "test_post_with_the_token_in_the_header_or_in_the_form",
    "oidcc-idtoken-signature": "test_a_code_buys_what_the_plan_looks_at",
    "oidcc-idtoken-unsigned": "test_nothing_is_advertised_that_is_refused",
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow": "test_no_nonce_is_no_error",
    "oidcc-scope-profile": "test_each_scope_is_answered_in_userinfo",
    "oidcc-scope-email": "test_each_scope_is_answered_in_userinfo",
    "oidcc-scope-address": "test_each_scope_is_answered_in_userinfo",
    "oidcc-scope-phone": "test_each_scope_is_answered_in_userinfo",
    "oidcc-scope-all": "test_each_scope_is_answered_in_userinfo",
    "oidcc-alternate-happy-flow": "test_each_scope_is_answered_in_userinfo",
    "oidcc-display-page": "test_what_a_service_may_wish_changes_nothing",
    "oidcc-display-popup": "test_what_a_service_may_wish_changes_nothing",
    "oidcc-prompt-login": "test_who_is_to_sign_in_again_gets_a_later_auth_time",
    "oidcc-prompt-none-not-logged-in": "test_silence_is_kept_and_needs_a_session",
    "oidcc-prompt-none-logged-in": "test_silence_tells_the_same_person_and_sign_in",
    "oidcc-max-age-1": "test_who_is_to_sign_in_again_gets_a_later_auth_time",
    "oidcc-max-age-10000": "test_silence_tells_the_same_person_and_sign_in",
    "oidcc-ensure-request-with-unknown-parameter-succeeds": (
        "test_what_a_service_may_wish_changes_nothing"
    ),
    "oidcc-id-token-hint": "test_silence_tells_the_same_person_and_sign_in",
    "oidcc-login-hint": "test_what_a_service_may_wish_changes_nothing",
    "oidcc-ui-locales": "test_what_a_service_may_wish_changes_nothing",
    "oidcc-claims-locales": "test_what_a_service_may_wish_changes_nothing",
    "oidcc-ensure-request-with-acr-values-succeeds": "test_what_a_service_may_wish_changes_nothing",
    "oidcc-codereuse": "test_a_code_used_again_is_refused_and_its_token_dies",
    "oidcc-codereuse-30seconds": "test_a_code_used_again_is_refused_and_its_token_dies",
    "oidcc-ensure-registered-redirect-uri": "test_an_address_that_is_not_registered_shows_a_page",
    "oidcc-ensure-post-request-succeeds": "test_the_request_may_be_posted",
    "oidcc-server-client-secret-post": "test_a_secret_in_the_body_is_as_good",
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported": (
        "test_what_is_not_taken_is_said_by_name"
    ),
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": (
        "test_what_is_not_taken_is_said_by_name"
    ),
    "oidcc-claims-essential": "test_a_name_that_is_essential_is_told",
    "oidcc-ensure-request-object-with-redirect-uri": "test_what_is_not_taken_is_said_by_name",
    "oidcc-refresh-token": "test_a_refresh_token_goes_on_about_the_same_sign_in",
    "oidcc-ensure-request-with-valid-pkce-succeeds": "test_a_challenge_may_be_sent_although",
}
MODES = ("query", "form_post")
CALLBACK, QUERY = "https://suite.motlan.test/test/a/plan/callback", "?dummy1=lorem&dummy2=ipsum"
PLAIN = {"code_challenge": None, "code_challenge_method": None}


def test_every_module_has_its_test():
    """38 modules in each of the two plans."""
    written = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))

    assert len(MODULES) == 38
    assert [name for name in set(MODULES.values()) if f"def {name}(" not in written] == []


class Suite(Sender):
    """The client of the plan."""

    mode = "query"

    def query(self, **changed):
        return super().query(**(PLAIN | {"response_mode": self.mode} | changed))

    def told(self, answer):
        """What came back, by either way."""
        if self.mode == "query":
            return answered(answer)
        assert answer.status_code == 200, answer.text
        pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', answer.text)
        return {name: unescape(value) for name, value in pairs}

    def bought(self, code, **changed):
        answer = self.redeem(code, **({"code_verifier": None} | changed))
        assert answer.status_code == 200, answer.json
        return answer.json

    def tokens(self, **changed):
        """What an honest request ends in, for somebody who is signed in."""
        return self.bought(self.told(self.ask(**changed))["code"])

    def userinfo(self, bought):
        bearer = {"Authorization": f"bearer {bought['access_token']}"}
        return self.client.get("/userinfo", headers=bearer)


def claims_of(bought):
    return jwt.decode(bought["id_token"], options={"verify_signature": False})


@pytest.fixture(params=MODES)
def suite(client, request):
    made = Suite(client, a_service(**_registration()))
    made.mode = request.param
    return made


@pytest.fixture
def plain(client):
    """By the query alone, where the way of the answer changes nothing."""
    return Suite(client, a_service(**_registration()))


def _registration(**members):
    return {
        "redirect_uris": [CALLBACK, CALLBACK + QUERY],
        "require_pkce": False,
        "grant_types": ["authorization_code", "refresh_token"],
        "id_token_signed_response_alg": "RS256",
        **members,
    }


@pytest.mark.parametrize("query", ["", QUERY])
def test_a_code_buys_what_the_plan_looks_at(suite, client, query):
    """oidcc-server, oidcc-idtoken-signature, oidcc-userinfo-get; both addresses."""
    sign_in(client, lan())
    uri, nonce = CALLBACK + query, "n-" + "x" * 62

    sent = suite.told(suite.ask(redirect_uri=uri, nonce=nonce))
    answer = suite.redeem(sent["code"], redirect_uri=uri, code_verifier=None)

    assert (sent["state"], sent["iss"]) == (suite.state, settings.current().issuer)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["token_type"] == "Bearer"
    head = jwt.get_unverified_header(answer.json["id_token"])
    (jwk,) = [key for key in client.get("/jwks").json["keys"] if key["kid"] == head["kid"]]
    claims = jwt.decode(
        answer.json["id_token"], jwt.PyJWK(jwk), algorithms=["RS256"],
        audience=suite.played.client_id, issuer=settings.current().issuer,
    )  # fmt: skip
    assert claims["nonce"] == nonce
    assert claims["exp"] > claims["iat"]
    assert suite.userinfo(answer.json).json["sub"] == claims["sub"]


def test_no_nonce_is_no_error(suite, client):
    """oidcc-ensure-request-without-nonce-succeeds-for-code-flow."""
    sign_in(client, lan())

    assert "nonce" not in claims_of(suite.tokens(nonce=None))


SCOPES = {
    "profile": {"name", "birthdate", "gender"},
    "email": {"email"},
    "phone": {"phone_number"},
    "address": {"address"},
}


@pytest.mark.parametrize(
    "scope",
    ["openid profile", "openid email", "openid address", "openid phone",
     "openid address email phone profile", "email openid"],
)  # fmt: skip
def test_each_scope_is_answered_in_userinfo(plain, client, scope):
    """oidcc-scope-*, oidcc-alternate-happy-flow: once the person has said yes."""
    publish_catalogues()
    person = lan()
    place = {"text": "12 phố Huế", "code": None, "valid_from": None}
    fill_register("residence", told(person, "permanent_address", place))
    her = signed_in(client, person)
    request_id = waiting(plain.ask(scope=scope), "/consent")
    page = Page(her, uuid.UUID(hex=request_id), b"")
    typed = {"contact_email": "lan@motlan.example", "contact_phone": "0999000001"}
    page.allow(**{n: v for n, v in typed.items() if f'name="{n}"' in page.get().text})

    bought = plain.bought(answered(plain.come_back(request_id))["code"])
    said = plain.userinfo(bought).json

    wanted = set().union(*(SCOPES.get(one, set()) for one in scope.split()))
    assert said.keys() == {"sub"} | wanted
    assert set(bought["scope"].split()) == set(scope.split())


def test_a_name_that_is_essential_is_told(plain, client):
    """oidcc-claims-essential."""
    publish_catalogues()
    person = lan()
    her = signed_in(client, person)
    wanted = json.dumps({"userinfo": {"name": {"essential": True}}})

    request_id = waiting(plain.ask(claims=wanted), "/consent")
    Page(her, uuid.UUID(hex=request_id), b"").allow()

    bought = plain.bought(answered(plain.come_back(request_id))["code"])
    assert plain.userinfo(bought).json["name"] == person.full_name


def test_what_a_service_may_wish_changes_nothing(plain, client):
    """oidcc-display-*, -ui-locales, -claims-locales, -acr-values, -login-hint, unknown ones."""
    sign_in(client, lan())
    first = claims_of(plain.tokens())

    for wish in (
        {"display": "page"},
        {"display": "popup"},
        {"ui_locales": "se"},
        {"claims_locales": "se"},
        {"acr_values": "1 2"},
        {"login_hint": "buffy@example.com"},
        {"extra": "foobar"},
    ):
        assert claims_of(plain.tokens(**wish))["sub"] == first["sub"], wish


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "1"}])
def test_who_is_to_sign_in_again_gets_a_later_auth_time(suite, client, asked):
    """oidcc-prompt-login, oidcc-max-age-1: a page, then another `auth_time`."""
    person = lan()
    sign_in(client, person)
    first = claims_of(suite.tokens())

    with time_machine.travel(clock.now() + timedelta(seconds=40), tick=True):
        request_id = waiting(suite.ask(**asked))
        done = sign_in(client, person, query=f"?request={request_id}")
        again = claims_of(suite.bought(suite.told(client.get(done.location))["code"]))

    assert again["sub"] == first["sub"]
    assert again["auth_time"] > first["auth_time"]


def test_silence_tells_the_same_person_and_sign_in(suite, client):
    """oidcc-prompt-none-logged-in, oidcc-id-token-hint, oidcc-max-age-10000."""
    sign_in(client, lan())
    first = suite.tokens()

    for asked in (
        {"prompt": "none"},
        {"prompt": "none", "id_token_hint": first["id_token"]},
        {"max_age": "10000"},
    ):
        again = claims_of(suite.tokens(**asked))
        for name in ("sub", "auth_time"):
            assert again[name] == claims_of(first)[name], (asked, name)


def test_an_error_comes_by_the_way_that_was_asked(suite):
    """oidcc-prompt-none-not-logged-in, oidcc-response-type-missing, unsigned objects."""
    unsigned = jwt.encode({"client_id": suite.played.client_id}, None, algorithm="none")

    for asked, errors in (
        ({"prompt": "none"}, {"login_required"}),
        ({"response_type": None}, {"invalid_request", "unsupported_response_type"}),
        ({"request": unsigned}, {"request_not_supported"}),
        ({"request_uri": "https://suite.motlan.test/r"}, {"request_uri_not_supported"}),
    ):
        back = suite.told(suite.ask(**asked))
        assert back["error"] in errors
        assert (back["state"], back["iss"]) == (suite.state, settings.current().issuer)


@pytest.mark.parametrize("seconds", [1, 30])
def test_a_code_used_again_is_refused_and_its_token_dies(plain, client, seconds):
    """oidcc-codereuse, oidcc-codereuse-30seconds."""
    sign_in(client, lan())
    code = plain.told(plain.ask())["code"]
    bought = plain.bought(code)

    with time_machine.travel(clock.now() + timedelta(seconds=seconds), tick=True):
        again = plain.redeem(code, code_verifier=None)

        assert (again.status_code, again.json["error"]) == (400, "invalid_grant")
        assert plain.userinfo(bought).status_code == 401


def test_an_address_that_is_not_registered_shows_a_page(suite):
    """oidcc-ensure-registered-redirect-uri, and the three of the Dynamic plan."""
    for uri in (
        "https://suite.motlan.test/elsewhere",
        CALLBACK + "?dummy1=lorem",
        CALLBACK + "?dummy2=ipsum&dummy1=lorem",
        CALLBACK + QUERY + "&a=b",
        None,
    ):
        assert is_refused_here(suite.ask(redirect_uri=uri)), uri


def test_the_request_may_be_posted(suite, client):
    """oidcc-ensure-post-request-succeeds."""
    sign_in(client, lan())

    moved = client.post("/authorize", data=suite.query())

    assert "id_token" in suite.bought(suite.told(client.get(moved.location))["code"])


def test_a_secret_in_the_body_is_as_good(client):
    """oidcc-server-client-secret-post."""
    method = {"token_endpoint_auth_method": "client_secret_post"}
    suite = Suite(client, a_service(**_registration(**method)))
    sign_in(client, lan())
    form = {
        "grant_type": "authorization_code",
        "code": answered(suite.ask())["code"],
        "redirect_uri": CALLBACK,
    }

    answer = client.post("/token", data=form | suite.played.post())

    assert suite.userinfo(answer.json).status_code == 200


def test_a_refresh_token_goes_on_about_the_same_sign_in(plain, client):
    """oidcc-refresh-token: same iss, sub, aud and auth_time; the second service cannot use it."""
    sign_in(client, lan())
    first = plain.tokens(scope="openid offline_access", prompt="consent")
    other = Suite(client, a_service(**_registration()))
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}

    stolen = client.post("/token", data=form, headers=other.played.basic())
    again = client.post("/token", data=form, headers=plain.played.basic()).json

    assert stolen.json["error"] == "invalid_grant"
    for name in ("iss", "sub", "aud", "auth_time"):
        assert claims_of(again)[name] == claims_of(first)[name]
    assert plain.userinfo(again).status_code == 200


def test_a_challenge_may_be_sent_although(suite, client):
    """oidcc-ensure-request-with-valid-pkce-succeeds: not required here, and then checked."""
    sign_in(client, lan())
    sent = {"code_challenge": pkce.challenge_of(VERIFIER), "code_challenge_method": "S256"}

    code = suite.told(suite.ask(**sent))["code"]

    assert "id_token" in suite.bought(code, code_verifier=VERIFIER)


class TestClaimsParameter:
    """OIDC Core §5.5.1: `value` and `values` where they have a meaning here."""

    def test_the_person_named_by_sub_is_answered(self, plain, client):
        """§5.5.1, `sub`: her own, by value or among values; with a hint, the same."""
        sign_in(client, lan())
        first = plain.tokens()
        sub = claims_of(first)["sub"]

        for told_sub in ({"value": sub}, {"values": [sub]}):
            claims = json.dumps({"id_token": {"sub": told_sub}})
            for more in ({}, {"id_token_hint": first["id_token"]}):
                again = plain.tokens(claims=claims, prompt="none", **more)
                assert claims_of(again)["sub"] == sub

    def test_another_sub_is_never_answered(self, plain, client):
        """§3.1.2.2, §5.5.1: by value, and beside a hint that says otherwise."""
        sign_in(client, lan())
        hint = plain.tokens()["id_token"]
        claims = json.dumps({"id_token": {"sub": {"value": "somebody-else"}}})

        assert plain.error(prompt="none", claims=claims) == "login_required"
        assert plain.error(claims=claims, id_token_hint=hint) == "invalid_request"

    @pytest.mark.parametrize("how", [{"value": "vn:auth:2"}, {"values": ["x", "vn:auth:2"]}])
    @pytest.mark.parametrize("essential", [True, False])
    def test_an_acr_by_value_or_values_is_told(self, plain, client, how, essential):
        """§5.5.1.1."""
        sign_in(client, lan())
        claims = json.dumps({"id_token": {"acr": how | {"essential": essential}}})

        assert claims_of(plain.tokens(claims=claims))["acr"] == "vn:auth:2"

    def test_a_fragment_stays_refused(self, plain):
        """Multiple Response Types §2.1; RFC 9700 §2.1.2."""
        assert plain.error(response_mode="fragment") == "invalid_request"
