"""FAPI 2.0 Message Signing, Final, by its clauses: what `profile: fapi2` may have besides."""

import time

import jwt
import pytest

from identity import settings
from tests.asking import answered, signed_in
from tests.encrypting import said
from tests.fapi import a_bank
from tests.people import lan

pytestmark = pytest.mark.usefixtures("app")
SIGNS = {"require_signed_request_object": True}
READS = {"response_modes": ["jwt"]}
JWT = "application/token-introspection+jwt"


def an_object(bank, *, typ="oauth-authz-req+jwt", alg=None, **changed):
    """What it asks for, signed (RFC 9101 §4); a claim that is null is left out."""
    now, about = int(time.time()), {"iss": bank.played.client_id}
    about |= {"aud": settings.current().issuer, "nbf": now, "exp": now + 300}
    told = bank.sender.query() | about | changed
    kept = {name: value for name, value in told.items() if value is not None}
    headers = {"typ": typ, "kid": "k1"}
    return jwt.encode(kept, bank.key, algorithm=alg or bank.alg, headers=headers)


def push(bank, **changed):
    return bank.post("/par", is_proved=False, request=an_object(bank, **changed))


def verified(client, bank, sent):
    """What a signed answer says, as the service reads it (JARM §2.4)."""
    assert sent.keys() == {"response"}
    return said(client, sent["response"], to=bank.played.client_id)


class TestRequests:
    """§5.3, NR1 and NR2."""

    @pytest.fixture
    def bank(self, client):
        return a_bank(client, **SIGNS)

    @pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
    def test_1_a_signed_request_is_taken(self, client, alg):
        """§5.3.1-1, -5."""
        bank = a_bank(client, alg, **SIGNS)
        signed_in(client, lan())

        pushed = push(bank, state="inside")

        assert pushed.status_code == 201, pushed.json
        sent = answered(bank.bring(pushed.json["request_uri"]))
        assert sent["state"] == "inside"
        assert bank.redeem(sent["code"]).status_code == 200

    def test_1_and_no_other(self, bank):
        """§5.3.1-1: its use is required."""
        answer = bank.push()

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")

    def test_1_nothing_beside_it_counts(self, bank):
        """RFC 9101 §6.3."""
        signed_in(bank.client, lan())
        beside = {"state": "beside", "scope": "openid profile"}

        pushed = bank.post("/par", is_proved=False, request=an_object(bank, state=None), **beside)

        assert "state" not in answered(bank.bring(pushed.json["request_uri"]))

    @pytest.mark.parametrize("is_list", [False, True])
    def test_2_it_is_for_us(self, bank, is_list):
        issuer = settings.current().issuer

        assert (
            push(bank, aud=[issuer, "https://other.test"] if is_list else issuer).status_code == 201
        )
        for aud in (None, f"{issuer}/par", ["https://other.test"]):
            assert push(bank, aud=aud).json["error"] == "invalid_request_object"

    @pytest.mark.parametrize(
        ("changed", "status"),
        [
            ({"nbf": 8}, 201),
            ({"nbf": -3500, "exp": 60}, 201),
            ({"nbf": 0, "exp": 3590}, 201),
            ({"nbf": None}, 400),
            ({"exp": None}, 400),
            ({"nbf": 70}, 400),
            ({"nbf": -3700, "exp": -10}, 400),
            ({"nbf": -3700, "exp": 10}, 400),
            ({"nbf": 0, "exp": 3700}, 400),
            ({"nbf": -10, "exp": -1}, 400),
        ],
    )
    def test_3_and_4_it_is_an_hour_old_at_most(self, bank, changed, status):
        """§5.3.1-3, -4; the clock may be ahead as in the security profile."""
        now = int(time.time())
        times = {name: value and now + value for name, value in changed.items()}
        times = {name: now if value == 0 else value for name, value in times.items()}

        assert push(bank, **times).status_code == status

    def test_5_its_type(self, bank):
        """§5.3.1-5; RFC 8725 §3.11: an object is no other kind of JWT."""
        assert push(bank, typ="oauth-authz-req+jwt").status_code == 201
        for typ in ("at+jwt", "client-authentication+jwt", "dpop+jwt"):
            assert push(bank, typ=typ).json["error"] == "invalid_request_object"

    def test_another_algorithm_is_refused(self, client):
        """Security Profile §5.4.1-1."""
        bank = a_bank(client, "PS256", **SIGNS)

        assert push(bank, alg="RS256").json["error"] == "invalid_request_object"


class TestResponses:
    """§5.4, NR3."""

    @pytest.fixture
    def bank(self, client):
        return a_bank(client, **READS)

    def test_1_the_answer_comes_signed(self, bank, client):
        """§5.4.1-1, and its note: `iss` inside alone."""
        sent = bank.authorize(lan(), response_mode="jwt")

        header, claims = verified(client, bank, sent)
        assert header["alg"] in {"ES256", "PS256", "EdDSA"}
        assert claims["iss"] == settings.current().issuer
        assert bank.redeem(claims["code"]).status_code == 200

    def test_1_an_error_too(self, bank, client):
        pushed = bank.push(response_mode="jwt", prompt="none").json["request_uri"]

        _, claims = verified(client, bank, answered(bank.bring(pushed)))

        assert claims["error"] == "login_required"

    @pytest.mark.parametrize("mode", [None, "query", "form_post", "fragment"])
    def test_1_and_no_other_is_given(self, bank, mode):
        """§5.3.3, `response_modes`: its use is required."""
        assert bank.push(response_mode=mode).json["error"] == "invalid_request"


class TestIntrospection:
    """§5.5, NR4; §6.2: only about one's own tokens."""

    def asked(self, bank, token):
        form = bank.assertion() | {"token": token}
        return bank.client.post("/introspect", data=form, headers={"Accept": JWT})

    @pytest.mark.parametrize("alg", [None, "PS256"])
    def test_1_the_answer_comes_signed(self, client, alg):
        """§5.5.1-1; never RS256, which RFC 9701 §6 would have by default."""
        bank = a_bank(client, introspection_signed_response_alg=alg)
        token = bank.sign_in(lan())["access_token"]

        answer = self.asked(bank, token)

        assert answer.headers["Content-Type"] == JWT
        header, claims = said(client, answer.text, to=bank.played.client_id)
        assert header["alg"] == (alg or "ES256")
        assert claims["token_introspection"]["active"] is True

    def test_of_anothers_token_nothing_is_said(self, client):
        bank, other = a_bank(client), a_bank(client)

        answer = self.asked(other, bank.sign_in(lan())["access_token"])

        _, claims = said(client, answer.text, to=other.played.client_id)
        assert claims["token_introspection"] == {"active": False}


def test_all_of_it_at_once(client):
    """Signed request, signed answer, signed ID token (§5.6), signed introspection."""
    bank = a_bank(client, **SIGNS, **READS)
    signed_in(client, lan())
    reference = push(bank, response_mode="jwt").json["request_uri"]

    _, claims = verified(client, bank, answered(bank.bring(reference)))

    bought = bank.redeem(claims["code"]).json
    header, about = said(client, bought["id_token"], to=bank.played.client_id)
    assert (header["alg"], bool(about["sub"])) == ("ES256", True)
    assert bank.userinfo(bought["access_token"]).json["sub"] == about["sub"]


class TestAttacker:
    """Stands between, or is another service."""

    def test_an_object_of_another_service_is_refused(self, client):
        """Under its own name and key, and under the other's name."""
        bank, other = a_bank(client, **SIGNS), a_bank(client, **SIGNS)

        for text in (an_object(other), an_object(other, iss=bank.played.client_id)):
            answer = bank.post("/par", is_proved=False, request=text)
            assert answer.json["error"] == "invalid_request_object"

    def test_an_object_without_a_signature_is_refused(self, client):
        bank = a_bank(client)
        bare = jwt.encode({"client_id": bank.played.client_id}, None, algorithm="none")

        answer = bank.post("/par", is_proved=False, request=bare)

        assert answer.json["error"] == "invalid_request_object"

    def test_an_object_that_was_not_pushed_is_refused(self, client):
        """Security Profile §5.3.2.2-3: not by the browser, be it signed."""
        bank = a_bank(client, **SIGNS)

        sent = answered(bank.sender.ask(request=an_object(bank)))

        assert sent["error"] == "invalid_request"

    def test_an_object_is_no_assertion_and_an_assertion_no_object(self, client):
        """RFC 8725 §3.11, §3.12: RFC 9101 §10.8."""
        bank = a_bank(client, **SIGNS)
        form = bank.assertion()

        swapped = form | {"client_assertion": an_object(bank)}
        as_object = bank.post("/par", is_proved=False, request=form["client_assertion"])

        assert client.post("/par", data=swapped | {"request": "x"}).status_code == 401
        assert as_object.json["error"] == "invalid_request_object"
