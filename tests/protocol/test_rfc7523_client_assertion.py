"""Client assertions, RFC 7523 and FAPI 2.0 §5.3.2: a public service proves itself with its key."""

import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey
from time_machine import travel

from identity import clock
from identity.errors import InvalidClient
from identity.public_services.client_assertion import read, verify
from tests.proving import SIGNER

ISSUER = "https://id.example"
TAX = "tax-office"
# All that our log may say of a refusal: none of it came from the sender.
NOTES = {
    "a header that we do not take",
    "alg",
    "alg is not the registered one",
    "aud",
    "exp",
    "iat",
    "iat or nbf",
    "iss and sub differ",
    "iss or sub",
    "it lives too long",
    "jti",
    "kid",
    "nbf",
    "no key, or more than one",
    "not a compact JWS, or too long",
    "signature",
    "sub",
    "typ",
}


@lru_cache
def private(alg: str, number: int = 0):
    """The tax office's keys; a number for another one of the kind."""
    del number
    if alg == "ES256":
        return generate_ec(SECP256R1())
    if alg in {"EdDSA", "Ed25519"}:
        return Ed25519PrivateKey.generate()
    return generate_rsa(public_exponent=65537, key_size=2048)


def public(alg: str, number: int = 0) -> dict:
    kind = {"ES256": ECKey, "EdDSA": OKPKey, "Ed25519": OKPKey}.get(alg, RSAKey)
    key = kind.import_key(private(alg, number).public_key()).as_dict(private=False)
    return dict(key) | {"kid": f"{alg}-{number}"}


def claims(**changed) -> dict:
    now = int(clock.now().timestamp())
    said = {"iss": TAX, "sub": TAX, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": "once"}
    return {name: value for name, value in (said | changed).items() if value is not ...}


def an_assertion(said=None, *, alg="ES256", number=0, **header) -> str:
    header = {"kid": f"{alg}-{number}"} | header
    kept = {name: value for name, value in header.items() if value is not ...}
    payload = json.dumps(claims() if said is None else said).encode()
    return SIGNER.encode(payload, private(alg, number), alg, headers=kept)


def proves(assertion, *keys, **more):
    return verify(
        read(assertion),
        client_id=TAX,
        keys=keys or [public("ES256")],
        **({"audiences": (ISSUER,)} | more),
    )


def refuses(assertion, *keys, **more):
    with pytest.raises(InvalidClient) as refused:
        proves(assertion, *keys, **more)
    assert refused.value.detail == "the client assertion is not valid"
    assert refused.value.note.removeprefix("client assertion: ") in NOTES


def segment(text: str) -> str:
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA", "Ed25519"])
def test_a_service_proves_itself_with_its_key(alg):
    """RFC 7523 §3, FAPI 2.0 §5.4."""
    said = claims()

    proven = proves(an_assertion(said, alg=alg), public(alg))

    assert (proven.client_id, proven.jti) == (TAX, "once")
    assert proven.expires_at == datetime.fromtimestamp(said["exp"], UTC)


@pytest.mark.parametrize("named", ["EdDSA", "Ed25519"])
@pytest.mark.parametrize("signed", ["EdDSA", "Ed25519"])
def test_an_algorithm_with_two_names_is_one(signed, named):
    """RFC 9864 §2.2: a client may sign by the newer name, whatever its registration says."""
    key = public(signed) | {"alg": named}

    assert proves(an_assertion(alg=signed), key, algorithms=[named])
    refuses(an_assertion(alg=signed), key, algorithms=["ES256"])


def test_what_it_claims_can_be_read_before_it_is_proven():
    """Which key to take depends on who says it is, and with which key."""
    assertion = an_assertion()

    assert (read(assertion).client_id, read(assertion).kid) == (TAX, "ES256-0")


def test_the_key_with_the_named_kid_is_taken():
    """RFC 7515 §4.1.4: a service rotates its keys too."""
    keys = [public("ES256"), public("ES256", 1), public("PS256")]

    assert proves(an_assertion(number=1), *keys)
    assert proves(an_assertion(alg="PS256"), *keys)


def test_a_single_key_needs_no_kid():
    """RFC 7515 §4.1.4: kid is a hint; with one fitting key there is no doubt."""
    keyless = an_assertion(kid=...)

    assert read(keyless).kid is None
    assert proves(keyless, public("ES256"), public("PS256"))
    refuses(keyless, public("ES256"), public("ES256", 1))


@pytest.mark.parametrize(
    "typ", [..., "JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"]
)
def test_the_types_of_client_assertions_are_taken(typ):
    """RFC 7519 §5.1; draft rfc7523bis names its own."""
    header = {} if typ is ... else {"typ": typ}

    assert proves(an_assertion(**header))


@pytest.mark.parametrize("ahead", [8, 30])
@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_a_clock_that_is_a_little_ahead_is_forgiven(name, ahead):
    """FAPI 2.0 §5.3.2.1: 8 seconds ahead must be accepted."""
    now = int(clock.now().timestamp())

    with travel(now, tick=False):
        assert proves(an_assertion(claims(**{name: now + ahead})))


def test_only_exp_is_needed_of_the_times():
    """RFC 7523 §3: iat and nbf are optional."""
    assert proves(an_assertion(claims(iat=...)))


def test_seconds_may_have_fractions():
    """RFC 7519 §2, NumericDate; it is kept as spent until after its end."""
    end = int(clock.now().timestamp()) + 60

    proven = proves(an_assertion(claims(exp=end + 0.25)))

    assert proven.expires_at == datetime.fromtimestamp(end + 1, UTC)


def test_the_token_endpoint_is_an_audience_where_that_is_said():
    """OIDC Core §9: as one text, and no other address beside it."""
    both = (ISSUER, f"{ISSUER}/token")

    assert proves(an_assertion(claims(aud=f"{ISSUER}/token")), audiences=both)
    for aud in (
        f"{ISSUER}/par",
        [f"{ISSUER}/token"],
        list(both),
        {ISSUER: 1},
        None,
        "",
        ISSUER[:-1],
    ):
        refuses(an_assertion(claims(aud=aud)), audiences=both)


class TestAttacker:
    """Cases 23 to 30 and 34: an assertion is for us, from one service, in one form."""

    @pytest.mark.parametrize(
        "aud",
        [
            f"{ISSUER}/token",
            f"{ISSUER}/par",
            [ISSUER],
            [ISSUER, f"{ISSUER}/token"],
            f"{ISSUER}/",
            ISSUER[:-1],
            ISSUER.upper(),
            {ISSUER: 1},
            None,
            ...,
        ],
    )
    def test_only_the_issuer_string_is_the_audience(self, aud):
        """Case 34; FAPI 2.0 final: an endpoint's URL lets another server replay it."""
        refuses(an_assertion(claims(aud=aud)))

    @pytest.mark.parametrize("alg", ["none", "None", "", "HS256", "RS256", "ES384", 5, None])
    def test_other_algorithms_are_refused_whatever_the_signature(self, alg):
        """Cases 23 and 24; RS256 is not among those of FAPI 2.0 §5.4."""
        _, payload, signature = an_assertion().split(".")
        header = segment(json.dumps({"alg": alg, "kid": "ES256-0"}))

        refuses(f"{header}.{payload}.{signature}")
        refuses(f"{header}.{payload}.")

    def test_rs256_is_refused_though_the_key_would_fit(self):
        """FAPI 2.0 §5.4; for others where they say so, which `test_plan_dynamic.py` does."""
        token = jwt.encode(claims(), private("PS256"), "RS256", headers={"kid": "PS256-0"})

        refuses(token, public("PS256"))

    @pytest.mark.parametrize("form", ["PEM", "DER", "JWK"])
    def test_the_public_key_is_no_shared_secret(self, form):
        """Case 24."""
        key = private("ES256").public_key()
        secret = {
            "PEM": key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "DER": key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "JWK": json.dumps(public("ES256")).encode(),
        }[form]
        header = segment(json.dumps({"alg": "HS256", "kid": "ES256-0", "typ": "JWT"}))
        message = f"{header}.{segment(json.dumps(claims()))}"
        mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        signature = urlsafe_b64encode(mac.sign(message.encode(), secret)).rstrip(b"=").decode()

        refuses(f"{message}.{signature}")

    def test_a_symmetric_key_in_the_registration_is_never_used(self):
        """Case 24, from the other side."""
        shared = {"kty": "oct", "k": segment("s" * 32), "kid": "ES256-0", "alg": "ES256"}

        refuses(an_assertion(), shared)

    @pytest.mark.parametrize(
        "header",
        [
            {"jku": "http://127.0.0.1:9/keys"},
            {"x5u": "http://127.0.0.1:9/keys", "kid": "theirs"},
            {"jwk": public("ES256")},
            {"kid": "../../dev/null"},
            {"kid": "' UNION SELECT 1--"},
            {"kid": "k" * 5_000},
            {"kid": ""},
            {"crit": ["exp"], "exp": 1},
            {"crit": ["b64"]},
            {"typ": "at+jwt"},
            {"typ": "logout+jwt"},
            {"typ": "dpop+jwt"},
            {"typ": "motlan-promise+jwt"},
            {"typ": "oauth-authz-req+jwt"},
        ],
    )
    def test_a_header_that_leads_elsewhere_is_refused(self, header):
        """Cases 25, 26, 27 and 29: no address is ever followed, no other token's type passes."""
        refuses(an_assertion(**header))

    def test_a_key_of_somebody_else_proves_nothing(self):
        """The registration decides, not the kid that was borrowed."""
        forged = an_assertion(number=1, kid="ES256-0")

        refuses(forged)

    def test_a_key_in_the_header_proves_nothing(self):
        """RFC 8725 §2.1: jwk in the header is the attacker's."""
        refuses(an_assertion(number=1, kid="ES256-0", jwk=public("ES256", 1)))

    @pytest.mark.parametrize(
        "changed",
        [
            {"iss": "police"},
            {"sub": "police"},
            {"iss": "police", "sub": "police"},
            {"iss": ...},
            {"sub": [TAX]},
            {"jti": ...},
            {"jti": ""},
            {"jti": 7},
            {"jti": "j" * 257},
        ],
    )
    def test_who_and_which_must_be_said_exactly(self, changed):
        """RFC 7523 §3: iss = sub = client_id; jti makes it good once."""
        refuses(an_assertion(claims(**changed)))

    @pytest.mark.parametrize(
        "changed",
        [
            {"iat": 61},
            {"nbf": 61},
            {"exp": 0},
            {"exp": -1},
            {"exp": 3601},
            {"iat": -240, "exp": 3361},
            {"iat": ..., "exp": 3631},
        ],
    )
    def test_a_time_that_is_wrong_is_refused(self, changed):
        """FAPI 2.0 §5.3.2.1: more than 60 s ahead; and no life over an hour."""
        now = int(clock.now().timestamp())
        said = {name: ... if value is ... else now + value for name, value in changed.items()}

        with travel(now, tick=False):
            refuses(an_assertion(claims(**said)))

    @pytest.mark.parametrize("value", ["1", None, True, [], {}, float("nan"), float("inf")])
    @pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
    def test_a_time_that_is_no_number_is_refused(self, name, value):
        """RFC 7519 §2: NumericDate."""
        refuses(an_assertion(claims(**{name: value})))

    def test_a_missing_end_is_refused(self):
        """RFC 7523 §3: exp is required."""
        refuses(an_assertion(claims(exp=...)))

    def test_an_algorithm_the_service_did_not_register_is_refused(self):
        """RFC 7591 §2, token_endpoint_auth_signing_alg; a key may name its own as well."""
        refuses(an_assertion(), public("ES256"), algorithms=("PS256",))
        refuses(an_assertion(), public("ES256") | {"alg": "ES384"})
        refuses(an_assertion(), public("ES256") | {"use": "enc"})

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda good: good + "=",
            lambda good: good + ".",
            lambda good: good.rpartition(".")[0],
            lambda good: good.rpartition(".")[0] + ".",
            lambda good: " " + good,
            lambda good: good + "\n",
            lambda good: good.replace(".", "..", 1),
            lambda good: "é" + good,
            lambda good: "\ud800" + good,
            lambda good: good[:-4],
            lambda good: segment("[]") + good[good.index(".") :],
            lambda good: segment("[" * 5_000) + good[good.index(".") :],
            lambda good: segment('{"alg":"none","alg":"ES256"}') + good[good.index(".") :],
            lambda good: (
                good.partition(".")[0] + "." + segment("7") + "." + good.rpartition(".")[2]
            ),
            lambda _: "",
            lambda _: "A" * 1_000_000,
            lambda _: "a.b.c.d.e",
        ],
    )
    def test_something_malformed_is_refused_at_every_step(self, spoil):
        """Case 30: never a crash, whichever part is read first."""
        spoilt = spoil(an_assertion())

        refuses(spoilt)
        with suppress(InvalidClient):  # whatever else it raises fails the test
            assert isinstance(read(spoilt).kid, str)

    def test_a_member_said_twice_is_refused(self):
        """RFC 7519 §4: which of the two would count is anybody's guess."""
        twice = json.dumps(claims())[:-1] + f', "aud": "{ISSUER}"}}'
        token = jwt.PyJWS().encode(
            twice.encode(), private("ES256"), "ES256", headers={"kid": "ES256-0"}
        )

        refuses(token)
