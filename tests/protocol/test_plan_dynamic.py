"""The certification plan of dynamic registration, one test a module or kin of modules, in words.

What concerns registration alone is in `test_rfc7591_registration.py`, our own keys' rotation in
`test_key_rotation.py`, request objects in `test_rfc9101_reference.py`.
"""

import json
import re
from html import unescape

import jwt
import pytest
from authlib.oauth2.rfc7591 import ClientMetadataClaims as OAuthClientMetadata
from authlib.oidc.registration import ClientMetadataClaims as ClientMetadata
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import RSAAlgorithm

from identity import settings
from identity.public_services import service_keys
from identity.requested import references
from tests.asking import Sender, answered, is_refused_here
from tests.deciding import Citizen, detail, signed_in
from tests.exchange import PROCEDURE, publish_catalogues
from tests.people import lan
from tests.public_services import authenticate, public_jwk
from tests.registering import Registrar, an_invitation, metadata, played
from tests.request_objects import Signer
from tests.strangers import listening, says

pytestmark = pytest.mark.usefixtures("app")


class Plan(Registrar):
    """The plan's tool: registers a service for each module, and sends its browser."""

    def sender(self, **members) -> Sender:
        return Sender(self.client, played(self.registered(**members)))

    def bought(self, sender, **asked):
        """The tokens of one whole sign-in, without PKCE as the plan goes."""
        without = {"code_challenge": None, "code_challenge_method": None}
        code = answered(sender.ask(**(without | asked)))["code"]
        answer = sender.redeem(code, code_verifier=None)
        assert answer.status_code == 200, answer.json
        return answer.json


@pytest.fixture
def plan(client):
    signed_in(client, lan())
    return Plan(client, an_invitation(may_omit_pkce=True, procedures=(PROCEDURE,))[0])


def rs256_jwk(key):
    """As the plan makes it: without a `kid`, its algorithm on the key and nowhere else."""
    public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    del public["key_ops"]
    return public | {"use": "sig", "alg": "RS256"}


class TestRs256Assertions:
    """Every module with `private_key_jwt`: the plan's keys are RS256, its audience `/token`."""

    @pytest.fixture
    def key(self):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @pytest.fixture
    def told(self, key):
        return {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [rs256_jwk(key)]},
        }

    def office(self, plan, key, **told):
        sender = plan.sender(**told)
        sender.played.key, sender.played.alg, sender.played.kid = key, "RS256", None
        return sender

    def redeems(self, plan, sender, **claims):
        plain = {"code_challenge": None, "code_challenge_method": None}
        code = answered(sender.ask(**plain))["code"]
        form = {"grant_type": "authorization_code", "redirect_uri": sender.redirect_uri}
        claims = {"aud": settings.current().issuer + "/token"} | claims
        proof = sender.played.assertion(**claims)
        return plan.client.post("/token", data=form | {"code": code} | proof)

    def test_a_key_that_says_so_proves_the_service(self, plan, key, told):
        """And an assertion for the issuer does too: `client-assertion-with-iss-aud`."""
        sender = self.office(plan, key, **told)

        for claims in ({}, {"aud": settings.current().issuer}):
            answer = self.redeems(plan, sender, **claims)
            assert answer.status_code == 200, answer.json

    def test_a_registration_may_say_so_in_its_place(self, plan, key, told):
        """OIDC Registration §2, `token_endpoint_auth_signing_alg`: and then no other is taken."""
        del told["jwks"]["keys"][0]["alg"]
        sender = self.office(plan, key, **told, token_endpoint_auth_signing_alg="RS256")

        assert self.redeems(plan, sender).status_code == 200
        sender.played.alg = "PS256"
        assert self.redeems(plan, sender).status_code == 401

    def test_a_key_that_does_not_say_so_is_not_used_so(self, plan, key, told):
        """A key has one algorithm (RFC 8725 §3.1), and RS256 is nobody's unless it is named."""
        del told["jwks"]["keys"][0]["alg"]
        sender = self.office(plan, key, **told)

        assert self.redeems(plan, sender).status_code == 401
        sender.played.alg = "PS256"
        assert self.redeems(plan, sender).status_code == 200

    def test_the_audience_of_everybody_else_is_the_issuer(self, plan, key, told):
        """Case 34: whoever is held to PKCE is held to this, too, under the same invitation."""
        sender = self.office(plan, key, **told, require_pkce=True)
        form = {"grant_type": "client_credentials"}

        for aud, error in (("/token", "invalid_client"), ("", "unauthorized_client")):
            proof = sender.played.assertion(aud=settings.current().issuer + aud)
            assert plan.client.post("/token", data=form | proof).json["error"] == error

    @pytest.mark.parametrize("path", ["/introspect", "/revoke", "/par"])
    def test_the_token_endpoint_is_an_audience_there_alone(self, plan, key, told, path):
        """Else what is caught elsewhere would be good for tokens (RFC 9126 §2 apart)."""
        sender = self.office(plan, key, **told)
        issuer = settings.current().issuer

        def status(aud):
            form = sender.played.assertion(aud=aud) | {"token": "x"}
            return plan.client.post(path, data=form).status_code

        assert status(issuer + "/token") == status(issuer + path) == 401
        assert status(issuer) != 401


@pytest.fixture
def board():
    """A web server of the service's, and what hangs there."""
    hung = {"text": b""}

    def reply(handler):
        says(hung["text"])(handler)

    with listening(reply) as stranger:
        stranger.hung = hung
        stranger.address = f"http://127.0.0.1:{stranger.port}/shown"
        yield stranger


def read(client, token, audience):
    """What an independent reader of our key set makes of a token."""
    header = jwt.get_unverified_header(token)
    (key,) = [k for k in client.get("/jwks").json["keys"] if k["kid"] == header["kid"]]
    reader = jwt.PyJWK(key)
    issuer = settings.current().issuer
    told = jwt.decode(
        token, reader, algorithms=[reader.algorithm_name], audience=audience, issuer=issuer
    )
    return header["alg"], told


def test_the_provider_says_where_to_register(client):
    """Module: discovery endpoint verification."""
    told = client.get("/.well-known/openid-configuration").json

    assert told["registration_endpoint"] == settings.current().issuer + "/register"
    assert "RS256" in told["id_token_signing_alg_values_supported"]
    assert told["subject_types_supported"] == ["pairwise"]


def test_a_service_that_says_little_signs_people_in(plan):
    """Modules: server, and registration with nothing but an address: the ID token is RS256."""
    sender = plan.sender(client_name=None)

    alg, told = read(plan.client, plan.bought(sender)["id_token"], sender.played.client_id)

    assert (alg, told["nonce"]) == ("RS256", "n-1")


def test_an_unsigned_id_token_is_not_registered(plan):
    """Module: ID token unsigned; ours are always signed."""
    assert plan.error(id_token_signed_response_alg="none")[0] == "invalid_client_metadata"


def test_userinfo_comes_signed_as_it_was_registered(plan):
    """Module: userinfo RS256."""
    sender = plan.sender(userinfo_signed_response_alg="RS256")
    bought = plan.bought(sender)

    answer = plan.client.get(
        "/userinfo", headers={"Authorization": f"Bearer {bought['access_token']}"}
    )

    assert read(plan.client, answer.text, sender.played.client_id)[0] == "RS256"


def test_an_address_keeps_its_query_and_no_other(plan):
    """Modules: redirect URI with a query, another one, one more."""
    (uri,) = metadata()["redirect_uris"]
    sender = plan.sender(redirect_uris=[f"{uri}?foo=bar"])

    assert sender.ask(redirect_uri=f"{uri}?foo=bar").location.startswith(f"{uri}?foo=bar&code=")
    for bent in (uri, f"{uri}?bar=foo", f"{uri}?foo=bar&x=1"):
        assert is_refused_here(sender.ask(redirect_uri=bent))


def test_a_second_address_is_used_as_well_as_the_first(plan):
    """Of two that differ by their query, as static clients of the plans have."""
    (uri,) = metadata()["redirect_uris"]
    both = [uri, f"{uri}?dummy1=lorem&dummy2=ipsum"]
    sender = plan.sender(redirect_uris=both)

    assert sender.ask(redirect_uri=both[1]).location.startswith(both[1] + "&code=")


def test_an_address_with_a_fragment_is_not_registered(plan):
    """Module: redirect URI registration with a fragment."""
    assert plan.error(redirect_uris=["https://a.motlan.test/cb#x"])[0] == "invalid_redirect_uri"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_service_proves_itself_as_it_registered(plan, method):
    """Module: server with `client_secret_post`."""
    office = played(plan.registered(token_endpoint_auth_method=method))
    is_basic = method == "client_secret_basic"

    shown = authenticate(headers=office.basic()) if is_basic else authenticate(office.post())

    assert shown.auth_method == method


def test_a_sector_is_known_by_its_document(plan, monkeypatch):
    """Module: registration with a sector: two services of one sector see one `sub`."""
    uris = [f"https://{host}.motlan.test/cb" for host in ("one", "two")]
    monkeypatch.setattr("identity.outbound.get_json", lambda _uri: uris)
    shared = {"sector_identifier_uri": "https://sector-of-the-plan.motlan.test/list"}

    subjects = {
        read(plan.client, plan.bought(sender)["id_token"], sender.played.client_id)[1]["sub"]
        for sender in (plan.sender(redirect_uris=[uri], **shared) for uri in uris)
    }

    assert len(subjects) == 1


@pytest.mark.parametrize("listed", [[], ["https://other.motlan.test/cb"], {"uris": []}, "text"])
def test_a_sector_whose_document_does_not_name_the_service_is_none(plan, monkeypatch, listed):
    """Module: registration with a bad sector."""
    monkeypatch.setattr("identity.outbound.get_json", lambda _uri: listed)

    word, sentence = plan.error(sector_identifier_uri="https://s.motlan.test/list")

    assert word == "invalid_client_metadata"
    assert sentence.startswith("sector_identifier_uri: does not list")


def test_keys_at_an_address_may_be_changed_there(plan, board):
    """Modules: registration with `jwks_uri`, key rotation of the service."""
    old, new = (ec.generate_private_key(ec.SECP256R1()) for _ in "ab")
    board.hung["text"] = json.dumps({"keys": [public_jwk(old)]}).encode()
    told = {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": board.address}
    office = played(plan.registered(**told))
    office.key = old
    assert authenticate(office.assertion()).client_id == office.client_id

    board.hung["text"] = json.dumps({"keys": [public_jwk(new, kid="k2")]}).encode()
    service_keys.forget()  # at most one fetch a minute: test_client_authentication
    office.key, office.kid = new, "k2"

    assert authenticate(office.assertion()).client_id == office.client_id
    assert len(board.requests) == 2


def test_a_refresh_is_proved_by_a_new_key(plan, board):
    """Module: refresh token with a rotated key of the service."""
    old, new = (ec.generate_private_key(ec.SECP256R1()) for _ in "ab")
    board.hung["text"] = json.dumps({"keys": [public_jwk(old)]}).encode()
    sender = plan.sender(
        token_endpoint_auth_method="private_key_jwt",
        jwks_uri=board.address,
        grant_types=["authorization_code", "refresh_token"],
    )
    sender.played.key = old
    code = answered(sender.ask(code_challenge=None, code_challenge_method=None))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": sender.redirect_uri}
    bought = plan.client.post("/token", data=form | sender.played.assertion()).json

    board.hung["text"] = json.dumps({"keys": [public_jwk(new, kid="k2")]}).encode()
    service_keys.forget()
    sender.played.key, sender.played.kid = new, "k2"
    form = {"grant_type": "refresh_token", "refresh_token": bought["refresh_token"]}

    assert plan.client.post("/token", data=form | sender.played.assertion()).status_code == 200


def test_the_page_shows_where_the_service_tells_of_itself(plan):
    """Modules: logo, policy and terms URI; each is a link, so nobody learns of a visit before."""
    publish_catalogues()
    names = ("client_uri", "policy_uri", "tos_uri", "logo_uri")
    links = {name: f"https://a.motlan.test/{name}?a=1&b=2" for name in names}
    office = played(plan.registered(procedures=[PROCEDURE], **links))
    her = Citizen(plan.client, lan())

    page = her.is_asked(office, detail("full_name")).get().text

    shown = dict(re.findall(r'<a id="(\w+_uri)" href="([^"]+)" rel="noreferrer">', page))
    assert {name: unescape(uri) for name, uri in shown.items()} == links
    assert "<img" not in page


def test_the_page_of_signing_in_shows_them_too(plan, app):
    """The same modules: without a cookie, and where nothing has to be decided, it is the page."""
    links = {
        name: f"https://a.motlan.test/{name}" for name in ("policy_uri", "tos_uri", "logo_uri")
    }
    sender = plan.sender(**links)
    stranger = app.test_client()

    page = stranger.get(stranger.get("/authorize", query_string=sender.query()).location).text

    for name, uri in links.items():
        assert f'<a id="{name}" href="{uri}" rel="noreferrer">' in page
    bare = plan.sender()
    page = stranger.get(stranger.get("/authorize", query_string=bare.query()).location).text
    assert 'id="links"' not in page


def test_a_page_of_a_service_without_links_has_none(plan):
    """And no empty list."""
    publish_catalogues()
    office = played(plan.registered(procedures=[PROCEDURE]))

    page = Citizen(plan.client, lan()).is_asked(office, detail("full_name")).get().text

    assert 'id="links"' not in page


def test_a_signed_request_is_fetched_and_an_unsigned_one_is_not_taken(plan, board):
    """Modules: request URI signed by RS256, and unsigned."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = rs256_jwk(key) | {"kid": "k1"}
    told = plan.registered(
        request_uris=[board.address],
        request_object_signing_alg="RS256",
        jwks={"keys": [public]},
    )
    signer = Signer(plan.client, played(told), key=key, alg="RS256")
    board.hung["text"] = signer.sign().encode()
    references.forget()

    assert "code" in answered(signer.bring(None, request_uri=board.address))

    board.hung["text"] = jwt.encode(signer.claims(), None, algorithm="none").encode()
    references.forget()
    refused = signer.bring(None, request_uri=board.address, **signer.query())
    assert answered(refused)["error"] == "invalid_request_object"


def test_what_is_answered_is_right_to_an_independent_validator(plan):
    """Authlib's claims of RFC 7591 and of OIDC Registration, against our own metadata."""
    told = plan.registered(
        client_uri="https://a.motlan.test/", contacts=["ops@motlan.test"], default_max_age=60
    )
    offered = plan.client.get("/.well-known/openid-configuration").json

    for kind in (OAuthClientMetadata, ClientMetadata):
        kind(told, {}, kind.get_claims_options(offered), offered).validate()


def test_both_profiles_may_be_registered_where_the_token_allows_both(client):
    """FAPI 2.0 §5.3.2: what it requires is so without being said, and RS256 is no default."""
    token, _ = an_invitation(profiles=("oidc", "fapi2"))
    told = {
        "profile": "fapi2",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [public_jwk(ec.generate_private_key(ec.SECP256R1()))]},
    }

    fapi = Registrar(client, token).registered(**told)

    assert fapi["id_token_signed_response_alg"] == "ES256"
    for name in ("require_pkce", "require_pushed_authorization_requests"):
        assert fapi[name] is True
    assert fapi["dpop_bound_access_tokens"] is True
    assert Registrar(client, token).registered()["profile"] == "oidc"
    word, sentence = Registrar(client, token).error(profile="fapi2")
    assert (word, sentence[:26]) == ("invalid_client_metadata", "token_endpoint_auth_method")


def test_a_request_without_a_response_type_is_told_so(plan):
    """Module: response type missing."""
    assert plan.sender().error(response_type=None) == "invalid_request"
