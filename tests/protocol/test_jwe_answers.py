"""Encrypted ID tokens and userinfo: OIDC Core §5.3.2, §16.14; RFC 7516; RFC 7518 §4, §5."""

import json
import re

import pytest
from joserfc.errors import DecodeError

from identity.public_services import registered, service_keys
from identity.registration.register import BadRegistrationError
from tests.asking import a_sender, signed_in
from tests.encrypting import ALGORITHMS, CONTENTS, KINDS, a_key, key_for, opened, said, shown
from tests.offices import a_decision, about_scopes, an_office
from tests.people import lan
from tests.public_services import a_service, a_service_with_a_key, authenticate, public_jwk

pytestmark = pytest.mark.usefixtures("app")


@pytest.mark.parametrize("enc", CONTENTS)
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_an_id_token_is_signed_and_then_encrypted(client, alg, enc):
    """OIDC Core §2, RFC 7519 §5.2: a nested JWT, which its service alone opens."""
    key = key_for(alg)
    office = an_office(
        client,
        jwks=shown(key),
        id_token_encrypted_response_alg=alg,
        id_token_encrypted_response_enc=enc,
        id_token_signed_response_alg="PS256",
    )

    bought = office.sign_in(lan())

    header, inside = opened(bought["id_token"], key)
    assert (header["alg"], header["enc"], header["cty"]) == (alg, enc, "JWT")
    assert (header["kid"], "zip" in header) == (key.kid, False)
    signed, claims = said(client, inside, to=office.played.client_id)
    assert (signed["alg"], claims["nonce"]) == ("PS256", "n-1")
    again = office.refresh(bought["refresh_token"]).json
    assert said(client, opened(again["id_token"], key)[1], to=office.played.client_id)


def test_the_content_is_encrypted_as_the_specification_says_when_nothing_is_said(client):
    """OIDC Registration §2: A128CBC-HS256 without an `enc`; X25519 is a curve for ECDH-ES."""
    key = a_key("X25519")
    office = an_office(client, jwks=shown(key), id_token_encrypted_response_alg="ECDH-ES")

    header, inside = opened(office.sign_in(lan())["id_token"], key)

    assert header["enc"] == "A128CBC-HS256"
    assert said(client, inside, to=office.played.client_id)


@pytest.mark.parametrize("alg", [None, "EdDSA"])
def test_userinfo_is_encrypted_signed_before_or_not(client, alg):
    """OIDC Core §5.3.2: application/jwt in either case; inside a JWT, or the claims."""
    key, person = a_key("P-256"), lan()
    office = an_office(
        client,
        jwks=shown(key),
        userinfo_encrypted_response_alg="ECDH-ES+A256KW",
        userinfo_encrypted_response_enc="A256GCM",
        userinfo_signed_response_alg=alg,
    )
    decided = {"scope": "openid profile", "decisions": (about_scopes("name"),)}

    answer = office.userinfo(office.sign_in(person, **decided)["access_token"])

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/jwt")
    header, inside = opened(answer.text, key)
    assert header.get("cty") == (alg and "JWT")
    told = (
        json.loads(inside) if alg is None else said(client, inside, to=office.played.client_id)[1]
    )
    assert told["name"] == person.full_name


@pytest.mark.parametrize("mode", ["jwt", "form_post.jwt"])
def test_an_answer_of_authorize_is_encrypted_after_it_was_signed(client, mode):
    """JARM §2.2; an error goes the same way."""
    key = a_key("P-256")
    office = a_sender(
        client,
        jwks=shown(key),
        authorization_signed_response_alg="PS256",
        authorization_encrypted_response_alg="ECDH-ES",
        authorization_encrypted_response_enc="A256GCM",
    )
    signed_in(client, lan())

    answers = [office.ask(response_mode=mode, **more) for more in ({}, {"prompt": "none login"})]

    told = []
    for answer in answers:
        text = re.search(
            r"(?:response=|name=\"response\" value=\")([\w.-]+)", f"{answer.location}{answer.text}"
        )
        header, inside = opened(text[1], key)
        assert (header["alg"], header["cty"]) == ("ECDH-ES", "JWT")
        told.append(said(client, inside, to=office.played.client_id)[1])
    assert office.redeem(told[0]["code"]).status_code == 200
    assert (told[0]["state"], told[1]["error"]) == (office.state, "invalid_request")


def test_an_answer_that_cannot_be_encrypted_is_not_sent(client, httpserver):
    """Nobody is led away with what was to be for one reader; the person sees the error."""
    httpserver.expect_request("/jwks").respond_with_json({"keys": []})
    office = a_sender(
        client, jwks_uri=httpserver.url_for("/jwks"), authorization_encrypted_response_alg="ECDH-ES"
    )
    signed_in(client, lan())

    answer = office.ask(response_mode="jwt")

    assert (answer.status_code, answer.location) == (400, None)
    assert 'id="error"' in answer.text


def test_a_key_comes_from_the_address_that_was_registered(client, httpserver):
    """OIDC Core §10.2: keys to sign and to encrypt stand in one set, and are kept apart."""
    key, old = a_key("P-256", 1), a_key("P-256", 2)
    told = shown(key, old)
    httpserver.expect_request("/jwks").respond_with_json(told)
    office = an_office(
        client,
        jwks_uri=httpserver.url_for("/jwks"),
        id_token_encrypted_response_alg="ECDH-ES",
    )

    tokens = [office.sign_in(lan())["id_token"] for _ in range(2)]

    assert [opened(text, key)[0]["kid"] for text in tokens] == [key.kid] * 2
    assert len(httpserver.log) == 1


def test_keys_for_others_in_the_same_set_are_passed_over(client, httpserver):
    """RFC 7517 §5: what we cannot use may be of use to somebody else; what is private never is."""
    key = a_key("P-256")
    others = [
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "use": "enc", "kid": "p384"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "pq"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "use": "sig", "kid": "weak"},
        "no key at all",
    ]
    httpserver.expect_request("/jwks").respond_with_json({"keys": [*others, *shown(key)["keys"]]})
    office = an_office(
        client, jwks_uri=httpserver.url_for("/jwks"), id_token_encrypted_response_alg="ECDH-ES"
    )

    assert opened(office.sign_in(lan())["id_token"], key)
    assert service_keys.keys(registered.find(office.played.client_id), None) == ()


def test_without_a_key_nothing_is_spent(client, httpserver):
    """An address that does not answer costs no code: the service may try again."""
    httpserver.expect_request("/jwks").respond_with_json({"keys": []})
    office = an_office(
        client,
        jwks_uri=httpserver.url_for("/jwks"),
        id_token_encrypted_response_alg="ECDH-ES",
    )
    code = office.authorize(lan())

    refused = [office.redeem(code) for _ in range(3)]
    itself = office.post("/token", grant_type="client_credentials")
    httpserver.clear()
    httpserver.expect_request("/jwks").respond_with_json(shown(a_key("P-256")))
    service_keys.forget()
    bought = office.redeem(code)

    assert [(a.status_code, a.json["error"]) for a in refused] == [(400, "invalid_request")] * 3
    assert (itself.status_code, bought.status_code) == (200, 200)
    assert opened(bought.json["id_token"], a_key("P-256"))


def test_userinfo_without_a_key_is_not_read(client, httpserver):
    """The person's log says nothing of a look that nobody had."""
    httpserver.expect_request("/jwks").respond_with_json({"keys": []})
    office = an_office(
        client, jwks_uri=httpserver.url_for("/jwks"), userinfo_encrypted_response_alg="ECDH-ES"
    )
    bought = office.sign_in(lan(), decisions=(a_decision(),))

    answer = office.userinfo(bought["access_token"])

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"id_token_encrypted_response_alg": "RSA1_5"}, "id_token_encrypted_response_alg"),
        ({"id_token_encrypted_response_alg": "RSA-OAEP"}, "id_token_encrypted_response_alg"),
        ({"id_token_encrypted_response_alg": "PBES2-HS256+A128KW"}, "id_token_encrypted"),
        ({"id_token_encrypted_response_alg": "dir"}, "id_token_encrypted_response_alg"),
        ({"id_token_encrypted_response_enc": "A256GCM"}, "id_token_encrypted_response_alg"),
        ({"userinfo_encrypted_response_enc": "A256GCM"}, "userinfo_encrypted_response_alg"),
        (
            {
                "userinfo_encrypted_response_alg": "ECDH-ES",
                "userinfo_encrypted_response_enc": "A128GCM",
            },
            "userinfo_encrypted_response_enc",
        ),
        ({"introspection_encrypted_response_alg": "RSA-OAEP-256"}, "use enc"),  # no key for it
        ({"userinfo_encrypted_response_alg": "ECDH-ES", "jwks": None}, "use enc"),
    ],
)
def test_what_could_not_be_kept_is_not_registered(members, member):
    """OIDC Registration §2; nothing weak, nothing shared, nothing without a key."""
    told = {"jwks": shown(a_key("P-256"))} | members

    with pytest.raises(BadRegistrationError, match=member):
        a_service(**told)


class TestAttacker:
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_key_to_encrypt_to_proves_nobody(self, kind):
        """Keys are for one use: the key that we encrypt to is none that signs."""
        mine = a_service_with_a_key()
        both = [
            public_jwk(mine.key) | {"use": "enc", "alg": "ECDH-ES"},
            *shown(a_key(kind))["keys"],
        ]
        other = a_service_with_a_key(jwks={"keys": both})
        other.key = mine.key
        assert authenticate(mine.assertion())

        with pytest.raises(Exception, match="authenticat"):
            authenticate(other.assertion())

    def test_a_key_that_signs_is_never_encrypted_to(self, client):
        """Nor one that does not say what it is for."""
        _ = client
        for use in ("sig", None):
            with pytest.raises(BadRegistrationError, match="use enc"):
                a_service(
                    jwks=shown(a_key("P-256"), use=use), id_token_encrypted_response_alg="ECDH-ES"
                )

    def test_asking_for_keys_that_are_not_there_costs_one_fetch(self, client, httpserver):
        """Case 26, for keys to encrypt to: together with those that sign."""
        httpserver.expect_request("/jwks").respond_with_json({"keys": []})
        office = an_office(
            client,
            jwks_uri=httpserver.url_for("/jwks"),
            id_token_encrypted_response_alg="ECDH-ES",
        )
        service = registered.find(office.played.client_id)

        found = [service_keys.recipient_key(service, alg) for alg in ALGORITHMS * 10]
        signed = [service_keys.keys(service, f"unknown-{n}") for n in range(30)]

        assert (found, signed, len(httpserver.log)) == ([None] * 30, [()] * 30, 1)

    def test_another_service_cannot_read_it(self, client):
        """What is told to one is opened by no other."""
        key = a_key("P-256")
        office = an_office(client, jwks=shown(key), id_token_encrypted_response_alg="ECDH-ES")

        text = office.sign_in(lan())["id_token"]

        with pytest.raises(DecodeError):
            opened(text, a_key("P-256", 9))
