"""Introspection answered by a JWT, RFC 9701: signed for one service, encrypted if it wants."""

import jwt
import pytest

from identity import clock, settings
from identity.registration.register import BadRegistrationError
from identity.signing import keys
from tests.encrypting import a_key, opened, said, shown
from tests.offices import a_decision, an_office
from tests.people import lan
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app")
JWT = "application/token-introspection+jwt"


def ask(office, token, accept=JWT):
    headers = office.played.basic() | {"Accept": accept}
    return office.client.post("/introspect", data={"token": token}, headers=headers)


@pytest.mark.parametrize("alg", [None, "ES256", "PS256", "EdDSA"])
def test_the_answer_comes_signed_for_who_asked(client, alg):
    """RFC 9701 §5, §6: the answer of RFC 7662 as one claim of a JWT; RS256 unless told."""
    office = an_office(client, introspection_signed_response_alg=alg)
    bought = office.sign_in(lan(), decisions=(a_decision(),))

    answer = ask(office, bought["access_token"])

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, JWT)
    assert answer.headers["Cache-Control"] == "no-store"
    header, told = said(client, answer.text, to=office.played.client_id)
    assert (header["typ"], header["alg"]) == ("token-introspection+jwt", alg or "RS256")
    assert told.keys() == {"iss", "aud", "iat", "token_introspection"}
    assert abs(told["iat"] - clock.now().timestamp()) < 60
    plain = office.post("/introspect", token=bought["access_token"]).json
    assert told["token_introspection"] == plain
    assert plain["active"] is True


def test_it_is_encrypted_for_who_registered_that(client):
    """RFC 9701 §6: signed, then encrypted."""
    key = a_key("P-256")
    office = an_office(
        client,
        jwks=shown(key),
        introspection_signed_response_alg="ES256",
        introspection_encrypted_response_alg="ECDH-ES+A256KW",
        introspection_encrypted_response_enc="A256GCM",
    )
    token = office.post("/token", grant_type="client_credentials").json["access_token"]

    answer = ask(office, token)

    header, inside = opened(answer.text, key)
    assert (answer.headers["Content-Type"], header["cty"]) == (JWT, "JWT")
    told = said(client, inside, to=office.played.client_id)[1]
    assert told["token_introspection"]["client_id"] == office.played.client_id


@pytest.mark.parametrize(
    ("accept", "is_jwt"),
    [
        (JWT, True),
        (JWT.upper(), True),
        (f"{JWT}, application/json", True),
        (f"application/json;q=0.5, {JWT};q=0.9", True),
        (f"application/json, {JWT};q=0.9", False),
        (f"{JWT};q=0", False),
        (f"{JWT};q=nonsense", False),
        ("application/json", False),
        ("application/jwt", False),
        ("*/*", False),
        ("", False),
        (",;=q,;;", False),
    ],
)
def test_who_does_not_ask_for_a_jwt_gets_json(client, accept, is_jwt):
    """RFC 9701 §4, RFC 9110 §12.5.1."""
    office = an_office(client)

    answer = ask(office, "nonsense", accept)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(JWT if is_jwt else "application/json")


class TestAttacker:
    def test_a_dead_or_foreign_token_is_only_inactive(self, client):
        """RFC 9701 §5: `active` false and nothing else, signed all the same."""
        office, other = an_office(client), an_office(client)
        bought = other.sign_in(lan())
        ended = office.sign_in(lan())["access_token"]
        office.post("/revoke", token=ended)

        for token in (bought["access_token"], bought["refresh_token"], ended, "nonsense"):
            told = said(client, ask(office, token).text, to=office.played.client_id)[1]
            assert told["token_introspection"] == {"active": False}

    def test_it_is_no_token_of_another_kind(self, client):
        """RFC 9701 §8.1: neither an access token, nor a hint, nor an assertion, nor userinfo."""
        office = an_office(client, introspection_signed_response_alg="ES256")
        bought = office.sign_in(lan())
        text = ask(office, bought["access_token"]).text

        assert jwt.get_unverified_header(text)["typ"] == keys.INTROSPECTION
        assert not {"sub", "exp"} & jwt.decode(text, options={"verify_signature": False}).keys()
        assert office.userinfo(text).status_code == 401
        assert not office.is_active(text)
        for path in ("/end-session", "/authorize"):
            assert client.get(path, query_string={"id_token_hint": text}).status_code == 400

    def test_the_answer_to_one_is_not_an_answer_to_another(self, client):
        """Its audience is who asked, and nobody else can ask in its name."""
        office, other = an_office(client), an_office(client)

        text = ask(office, "nonsense").text

        with pytest.raises(jwt.InvalidAudienceError):
            said(client, text, to=other.played.client_id)
        assert (
            client.post("/introspect", data={"token": "t"}, headers={"Accept": JWT}).status_code
            == 401
        )

    def test_a_refusal_stays_readable(self, client):
        """RFC 7662 §2.3: an error is JSON, whatever was asked for."""
        office = an_office(client)

        answer = client.post(
            "/introspect", headers=office.played.basic() | {"Accept": JWT}, data={"x": "1"}
        )

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")

    @pytest.mark.parametrize("alg", ["none", "HS256", "RS512"])
    def test_nothing_weaker_can_be_registered(self, alg):
        """RFC 9701 §8.1: never unsigned."""
        with pytest.raises(BadRegistrationError, match="introspection_signed_response_alg"):
            a_service(introspection_signed_response_alg=alg)


def test_discovery_says_what_can_be_asked_for(client):
    """RFC 9701 §7."""
    told = client.get("/.well-known/oauth-authorization-server").json

    assert told["issuer"] == settings.current().issuer
    for answer in ("id_token", "userinfo", "introspection", "authorization"):
        assert told[f"{answer}_signing_alg_values_supported"] == [
            *("ES256", "PS256", "EdDSA", "RS256")
        ]
        assert told[f"{answer}_encryption_alg_values_supported"] == [
            *("ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256")
        ]
        assert told[f"{answer}_encryption_enc_values_supported"] == ["A128CBC-HS256", "A256GCM"]
