"""Signed answers: JWT Secured Authorization Response Mode (JARM)."""

import re
import time

import jwt
import pytest

from identity import settings
from identity.registration.register import BadRegistrationError, register
from identity.signing.algorithms import ALGORITHMS
from tests.asking import a_sender, answered, is_refused_here, signed_in, waiting
from tests.people import lan, sign_in
from tests.public_services import registration
from tests.pushing import bring, pushed
from tests.request_objects import a_signer

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def office(client):
    return a_sender(client)


def verified(client, text, **expected):
    """What the service reads, after it has looked at our keys."""
    kid = jwt.get_unverified_header(text)["kid"]
    (key,) = [jwk for jwk in client.get("/jwks").json["keys"] if jwk["kid"] == kid]
    issuer = settings.current().issuer
    return jwt.decode(text, jwt.PyJWK(key), algorithms=[key["alg"]], issuer=issuer, **expected)


def told_by(office, answer):
    """The members of the one parameter that came back."""
    sent = answered(answer)
    assert sent.keys() == {"response"}
    return verified(office.client, sent["response"], audience=office.played.client_id)


def posted(answer):
    """The one field of the form."""
    pairs = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', answer.text))
    assert pairs.keys() == {"response"}
    return pairs["response"]


def test_an_answer_has_a_type_that_every_client_takes(office):
    """JARM §2.1 names none, and libraries refuse one that is made up."""
    text = answered(office.ask(response_mode="jwt", prompt="none"))["response"]

    assert "typ" not in jwt.get_unverified_header(text)


@pytest.mark.parametrize("mode", ["jwt", "query.jwt"])
def test_a_code_comes_signed(office, client, mode):
    """JARM §2.1, §2.3.1, §2.3.4: iss, aud, exp, and what would have stood in the query."""
    signed_in(client, lan())

    told = told_by(office, office.ask(response_mode=mode))

    assert told.keys() == {"iss", "aud", "exp", "iat", "code", "state"}
    assert told["state"] == office.state
    assert 0 < told["exp"] - time.time() <= 600
    assert office.redeem(told["code"]).status_code == 200


def test_an_error_comes_signed(office):
    """JARM §2.1."""
    told = told_by(office, office.ask(response_mode="jwt", prompt="none"))

    assert (told["error"], told["state"]) == ("login_required", office.state)


def test_a_form_carries_it_too(office, client):
    """JARM §2.3.3."""
    signed_in(client, lan())

    text = posted(office.ask(response_mode="form_post.jwt"))

    told = verified(client, text, audience=office.played.client_id)
    assert office.redeem(told["code"]).status_code == 200


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_it_is_signed_as_was_registered(client, alg):
    """JARM §3: authorization_signed_response_alg."""
    office = a_sender(client, authorization_signed_response_alg=alg)

    answer = answered(office.ask(response_mode="jwt", prompt="none"))

    assert jwt.get_unverified_header(answer["response"])["alg"] == alg
    verified(client, answer["response"], audience=office.played.client_id)


def test_the_mode_waits_with_the_person(office, client):
    """Stored, pushed or signed, and answered after the sign-in."""
    signer = a_signer(client)
    stored = waiting(office.ask(response_mode="jwt"))
    of_push = waiting(bring(office, pushed(office, response_mode="jwt")))
    of_object = waiting(signer.bring(signer.sign(response_mode="jwt")))

    sign_in(client, lan())

    for one, request_id in ((office, stored), (office, of_push), (signer, of_object)):
        assert "code" in told_by(one, one.come_back(request_id))


def test_a_service_may_be_held_to_signed_answers(client):
    """FAPI 2.0 Message Signing §5.4: `response_modes`; and a request beside them is refused."""
    office = a_sender(client, response_modes=["jwt", "form_post.jwt"])

    for mode in ("jwt", "query.jwt"):
        asked = office.ask(response_mode=mode, prompt="none")
        assert told_by(office, asked)["error"] == "login_required"
    for mode in (None, "query", "form_post"):
        # Nor does the error travel beside them, where anybody could have written it.
        assert told_by(office, office.ask(response_mode=mode))["error"] == "invalid_request"


@pytest.mark.parametrize(
    "members",
    [
        {"response_modes": ["fragment.jwt"]},
        {"response_modes": ["jwt", "jwt"]},
        {"authorization_signed_response_alg": "none"},
        {"authorization_signed_response_alg": "HS256"},
    ],
)
def test_what_is_not_offered_is_not_registered(members):
    """JARM §3."""
    with pytest.raises(BadRegistrationError, match=next(iter(members))):
        register([registration(**members)])


class TestAttacker:
    def test_nothing_travels_in_a_fragment(self, office):
        """JARM §2.3.2 is left out: RFC 9700 §2.1.2."""
        answer = answered(office.ask(response_mode="fragment.jwt"))

        assert answer["error"] == "invalid_request"

    def test_an_answer_is_no_token_and_no_hint(self, office, client):
        """Security case 29; RFC 8725 §3.11: it is no JWT by its type, as an ID token is."""
        signed_in(client, lan())
        text = answered(office.ask(response_mode="jwt"))["response"]
        bearer = {"Authorization": f"Bearer {text}"}

        assert client.get("/userinfo", headers=bearer).status_code == 401
        assert office.error(id_token_hint=text) == "invalid_request"
        assert client.get("/end-session", query_string={"id_token_hint": text}).status_code == 400

    def test_nobody_elses_address_gets_an_answer(self, office, client):
        """RFC 6749 §4.1.2.1."""
        signed_in(client, lan())

        answer = office.ask(response_mode="jwt", redirect_uri="https://evil.test/")

        assert is_refused_here(answer)

    def test_a_state_does_not_replace_what_we_say(self, office):
        """Members of ours come last, and a state is a text in its own member."""
        told = told_by(office, office.ask(response_mode="jwt", prompt="none", state='{"aud":"x"}'))

        assert told["state"] == '{"aud":"x"}'
        assert told["aud"] == office.played.client_id
