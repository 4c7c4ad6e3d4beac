"""Signed requests, RFC 9101; FAPI 2.0 Message Signing §5.3; OIDC Core §6."""

import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

from identity import settings
from identity.jws import base64url
from identity.public_services import service_keys
from identity.registration.register import BadRegistrationError, register
from tests.asking import answered, is_refused_here, signed_in, waiting
from tests.people import lan, sign_in
from tests.public_services import a_service, registration
from tests.pushing import bring
from tests.request_objects import TYPE, Signer, a_signer, error_of, new_key
from tests.strangers import listening, says

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def office(client):
    return a_signer(client)


def jwk_of(key, alg, kid="k1"):
    made = (RSAAlgorithm if alg[0] in "PR" else OKPAlgorithm).to_jwk(key.public_key(), as_dict=True)
    return made | {"kid": kid, "alg": alg, "use": "sig"}


def test_what_was_signed_is_answered(office, client):
    """RFC 9101 §5.1, §6.3."""
    signed_in(client, lan())

    told = answered(office.bring(office.sign()))

    assert told["state"] == office.state
    assert office.redeem(told["code"]).status_code == 200


def test_nothing_beside_the_object_is_read(office, client):
    """RFC 9101 §6.3; FAPI 2.0: a `state` outside the request object is not used."""
    signed_in(client, lan())
    beside = {"redirect_uri": "https://evil.test/", "scope": "openid email", "nonce": "theirs"}

    answer = office.bring(office.sign(state=None), state="theirs", **beside)

    assert answer.location.startswith(office.redirect_uri + "?")
    assert "state" not in answered(answer)
    bought = office.redeem(answered(answer)["code"]).json
    claims = jwt.decode(bought["id_token"], options={"verify_signature": False})
    assert claims["nonce"] == "n-1"


def test_numbers_and_objects_are_told_as_json(office, client):
    """RFC 9101 §4: parameters as claims; OIDC Core §5.5 inside an object."""
    signed_in(client, lan())
    claims = {"id_token": {"acr": {"essential": True, "values": ["vn:auth:2"]}}}

    assert "code" in answered(office.bring(office.sign(max_age=10000, claims=claims)))
    assert error_of(office.bring(office.sign(claims={"id_token": []}))) == "invalid_request"
    details = [{"type": "unknown"}]
    answer = office.bring(office.sign(authorization_details=details))
    assert error_of(answer) == "invalid_authorization_details"


def test_the_object_waits_with_the_person_who_signs_in(office, client):
    """What was signed once counts until it is answered, also where a signature is a must."""
    signer = a_signer(client, require_signed_request_object=True)

    for one in (office, signer):
        request_id = waiting(one.bring(one.sign()))
        sign_in(client, lan())
        assert "code" in answered(one.come_back(request_id))
        client.delete_cookie("motlan-citizen")


def test_a_form_of_another_site_may_carry_the_object(office, client):
    """OIDC Core §3.1.2.1: POST, stored and opened by GET."""
    signed_in(client, lan())
    told = {"client_id": office.played.client_id, "request": office.sign()}

    moved = client.post("/authorize", data=told)

    assert "code" in answered(client.get(moved.location))


def test_a_signed_request_is_pushed(client):
    """RFC 9126 §3; FAPI 2.0 Message Signing §5.3.1."""
    office = a_signer(client, require_signed_request_object=True)
    signed_in(client, lan())

    answer = office.push(office.sign(), state="theirs")

    assert answer.status_code == 201, answer.json
    told = answered(bring(office, answer.json["request_uri"]))
    assert told["state"] == office.state


@pytest.mark.parametrize("alg", ["PS256", "EdDSA", "RS256"])
def test_other_algorithms_sign_too(client, alg):
    """RFC 9101 §9.2; RS256 for a service that registered it (the Dynamic plan wants it)."""
    key = ed25519.Ed25519PrivateKey.generate() if alg == "EdDSA" else rsa.generate_private_key(
        public_exponent=65537, key_size=2048
    )  # fmt: skip
    members = {"jwks": {"keys": [jwk_of(key, alg)]}, "request_object_signing_alg": alg}
    office = Signer(client, a_service(**members), key=key, alg=alg)
    signed_in(client, lan())

    assert "code" in answered(office.bring(office.sign()))


def test_an_algorithm_may_be_said_by_its_newer_name(client):
    """RFC 9864 §2.2: `Ed25519`, as openid-client writes it, whatever was registered."""
    key = ed25519.Ed25519PrivateKey.generate()
    members = {"jwks": {"keys": [jwk_of(key, "EdDSA")]}, "request_object_signing_alg": "EdDSA"}
    office = Signer(client, a_service(**members), key=key, alg="EdDSA")
    signed_in(client, lan())
    message = compact({"alg": "Ed25519", "typ": TYPE}, office.claims())

    text = message + b"." + base64url(key.sign(message))

    assert "code" in answered(office.bring(text.decode()))


HONEST = (
    {"header": {"typ": "JWT"}},
    {"header": {"typ": f"application/{TYPE}"}},
    {"header": {"kid": None}},
    {"nbf": 8.0},
    {"nbf": -3500.0, "exp": 60.0},
    {"sub": "somebody"},
    {"iat": 0.0},
    {"jti": "1", "unheard_of": {"x": 1}},
)


def test_an_honest_object_may_look_like_this(office, client):
    """RFC 9101 §4, §10.8; reference/provider.md §6.7: 8 s ahead, several audiences."""
    signed_in(client, lan())
    several = {"aud": ["https://other.test", settings.current().issuer]}

    for changed in (*HONEST, several):
        assert "code" in answered(office.bring(office.sign(**timed(changed)))), changed


def hs256(claims, secret):
    """Signed with a secret that everybody knows; a library would refuse to."""
    message = compact({"alg": "HS256", "typ": TYPE}, claims)
    return (message + b"." + base64url(hmac.digest(secret, message, "sha256"))).decode()


def compact(*parts):
    return b".".join(base64url(json.dumps(part).encode()) for part in parts)


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"request_uris": ["https://public.motlan.test/r"]}, "request_uris"),
        ({"require_signed_request_object": True}, "require_signed_request_object"),
        ({"request_object_signing_alg": "ES256"}, "request_object_signing_alg"),
        ({"request_object_signing_alg": "none"}, "request_object_signing_alg"),
        ({"request_object_signing_alg": "HS256"}, "request_object_signing_alg"),
        ({"request_uris": ["http://10.0.0.1/r"]}, "request_uris"),
        ({"request_uris": ["https://public.motlan.test/r#part"]}, "request_uris"),
        ({"request_object_encryption_alg": "RSA-OAEP"}, "request_object_encryption_alg"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_not_registered(members, named):
    """RFC 9101 §10.5: keys, and algorithms that prove something."""
    with pytest.raises(BadRegistrationError, match=named):
        register([registration(**members)])


DISHONEST = (
    {"iss": "another"},
    {"iss": None},
    {"client_id": "another"},
    {"client_id": None},
    {"aud": "https://other.test"},
    {"aud": None},
    {"aud": []},
    {"aud": {"a": 1}},
    {"exp": None},
    {"nbf": None},
    {"exp": -1.0},
    {"exp": 3700.0},
    {"nbf": -3700.0, "exp": 60.0},
    {"nbf": 90.0},
    {"iat": 90.0},
    {"exp": "soon"},
    {"exp": True},
    {"nbf": 10**400},
    {"request": "e30.e30.x"},
    {"request_uri": "https://x.test/"},
    {"state": ["a", "b"]},
    {"scope": 1},
    {"nonce": "a\x00b"},
    {"nonce": "\ud800"},
    {"header": {"typ": "at+jwt"}},
    {"header": {"typ": "client-authentication+jwt"}},
    {"header": {"typ": 1}},
    {"header": {"crit": ["exp"]}},
    {"header": {"jku": "https://evil.test/"}},
    {"header": {"x5u": "https://evil.test/"}},
    {"header": {"kid": "../../dev/null"}},
    {"header": {"kid": "k" * 1_000}},
)


def timed(changed):
    """A float is a number of seconds from now."""
    now = time.time()
    return {n: int(now + v) if isinstance(v, float) else v for n, v in changed.items()}


class TestAttacker:
    """Everything here was made by somebody else, or by the service for something else."""

    def test_an_object_that_is_not_quite_right_is_refused(self, office, client):
        """RFC 9101 §6.2, §7; security cases 26 to 28."""
        signed_in(client, lan())

        for changed in DISHONEST:
            answer = office.beside(office.sign(**timed(changed)))
            assert error_of(answer) == "invalid_request_object", changed

    def test_an_object_for_a_client_assertion_is_refused(self, office):
        """RFC 9101 §10.8: with `sub` it could pass for one, and one for it."""
        text = office.sign(sub=office.played.client_id)

        assert error_of(office.beside(text)) == "invalid_request_object"

    def test_another_key_or_none_signs_nothing(self, office, client):
        """Security cases 23, 24: `none`, a stranger's key, our own key set as a secret."""
        other = a_signer(client)
        pem = office.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        head, body, signature = office.sign().split(".")
        texts = [
            office.sign(key=new_key()),
            other.sign(iss=office.played.client_id, client_id=office.played.client_id),
            hs256(office.claims(), pem),
            f"{head}.{body}.",
            f"{head}.{body}.{signature[:-4]}AAAA",
            f"{head}.{other.sign().split('.')[1]}.{signature}",
            "a.b.c.d.e",
        ]

        errors = {error_of(office.beside(text)) for text in texts}

        assert errors == {"invalid_request_object"}
        assert office.push("x" * 16_385).json["error"] == "invalid_request"

    def test_what_is_not_signed_is_refused_by_name(self, office, client):
        """OIDC Core §6.1; the Basic plan wants `request_not_supported`."""
        unsigned = jwt.encode(office.claims(), None, algorithm="none")
        signer = a_signer(client, require_signed_request_object=True)
        theirs = jwt.encode(signer.claims(), None, algorithm="none")

        assert error_of(office.beside(unsigned)) == "request_not_supported"
        assert error_of(signer.beside(theirs)) == "invalid_request_object"
        assert office.push(unsigned).json["error"] == "request_not_supported"
        assert signer.push(theirs).json["error"] == "invalid_request_object"

    def test_rs256_is_for_whoever_registered_it(self, client):
        """FAPI 2.0 §5.4: not by default, whatever the key is able to."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        jwk = jwk_of(key, "RS256")
        jwk.pop("alg")
        office = Signer(client, a_service(jwks={"keys": [jwk]}), key=key, alg="RS256")

        assert error_of(office.beside(office.sign())) == "invalid_request_object"

    def test_who_registered_to_sign_is_not_taken_unsigned(self, client):
        """RFC 9101 §10.5: a downgrade, in the browser and pushed."""
        signer = a_signer(client, require_signed_request_object=True)

        assert error_of(signer.ask()) == "invalid_request"
        form = signer.query() | {"request": ""}
        answer = client.post("/par", data=form, headers=signer.played.basic())
        assert answer.json["error"] == "invalid_request"

    def test_an_object_of_one_service_is_not_pushed_by_another(self, office, client):
        """RFC 9126 §3: `client_id` is who authenticated."""
        other = a_signer(client)

        answer = other.push(office.sign())

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request_object")

    def test_an_object_whose_address_is_not_registered_leads_nowhere(self, office, client):
        """FAPI 2.0: a page, never a redirect."""
        signed_in(client, lan())

        for text in (
            office.sign(redirect_uri="https://evil.test/"),
            office.sign(redirect_uri=None),
            office.sign(key=new_key()),
        ):
            assert is_refused_here(office.bring(text))

    def test_two_objects_are_none(self, office):
        """RFC 9101 §5; RFC 6749 §3.1."""
        text = office.sign()
        both = office.ask(request=text, request_uri="https://x.test/r")

        assert error_of(both) == "invalid_request"
        assert error_of(office.ask(request=[text, text])) == "invalid_request"
        assert is_refused_here(office.bring(text, client_id=["a", "b"]))

    def test_no_parameter_says_that_something_was_signed(self, client):
        """What we keep of an object is our own mark, and nobody can send it."""
        signer = a_signer(client, require_signed_request_object=True)

        assert error_of(signer.ask(request="given")) == "invalid_request_object"
        assert signer.push("given").json["error"] == "invalid_request_object"
        moved = client.post("/authorize", data=signer.query(request="given"))
        assert error_of(moved) == "invalid_request_object"

    def test_a_stranger_who_invents_keys_makes_us_ask_once(self, client, monkeypatch):
        """Security case 26: 50 unknown `kid`s, one look at the key set."""
        with listening(says(b'{"keys": []}')) as keys:
            office = a_signer(client, jwks=None, jwks_uri=f"http://127.0.0.1:{keys.port}/jwks")
            monkeypatch.setattr(service_keys, "_fetched", service_keys._Fetched())
            for n in range(50):
                text = office.sign(header={"kid": f"unknown-{n}"})
                assert error_of(office.beside(text)) == "invalid_request_object"

        assert keys.connections == 1
