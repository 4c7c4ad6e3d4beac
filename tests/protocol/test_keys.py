"""Signing keys: published before they sign, rotated without restart, and never confused."""

import json
import stat
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from itertools import product
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey
from time_machine import travel

from identity import clock, jws
from identity.errors import InvalidToken
from identity.files import UnsafeFileError
from identity.signing import algorithms, key_files, keys
from identity.signing.keepers import FileKeeper
from identity.signing.key_list import State, listed
from identity.signing.keys import SigningKeys
from identity.signing.signers import raw, signer
from tests.installations import a_key_folder

ISSUER = "https://id.example"
AUDIENCE = "https://id.example/api"
ALGORITHMS = algorithms.ALGORITHMS


@pytest.fixture
def folder(tmp_path) -> Path:
    return a_key_folder(tmp_path / "signing")


@pytest.fixture(scope="module")
def signing(tmp_path_factory) -> SigningKeys:
    """The same keys as in `folder`; reading RSA keys takes longer than any test here."""
    return SigningKeys(a_key_folder(tmp_path_factory.mktemp("keys") / "signing"))


def claims(**changed) -> dict:
    now = int(clock.now().timestamp())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "lan",
        "iat": now,
        "exp": now + 300,
        "jti": "1",
    } | changed


def read(signing, token, *, typ="at+jwt", audience=(AUDIENCE,), algorithms=("ES256",)):
    wanted = {"typ": typ, "audience": audience, "algorithms": algorithms}
    return signing.verified(token, issuer=ISSUER, **wanted).claims


def segment(members) -> str:
    return urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()


def by_state(folder, alg="ES256") -> dict:
    return {key.state: key.kid for key in listed(folder) if key.alg == alg}


@pytest.mark.parametrize(("alg", "typ"), list(product(ALGORITHMS, ("at+jwt", "JWT"))))
def test_what_was_signed_is_read_back(signing, alg, typ):
    """RFC 7515 §5."""
    said = claims()

    token = signing.sign(said, typ=typ, alg=alg)

    assert read(signing, token, typ=typ, algorithms=(alg,)) == said


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_somebody_else_can_verify_with_the_published_keys(signing, alg):
    """RFC 7517 §5: PyJWT stands for every public service."""
    token = signing.sign(claims(), typ="JWT", alg=alg)
    published = jwt.PyJWKSet.from_dict(json.loads(signing.jwks()))

    key = published[jwt.get_unverified_header(token)["kid"]]

    assert jwt.decode(token, key, algorithms=[alg], audience=AUDIENCE)["sub"] == "lan"


def test_the_key_set_has_the_next_and_current_keys_and_nothing_private(signing):
    """Published before they sign; RFC 7518 §6 names the private members."""
    published = json.loads(signing.jwks())["keys"]

    assert [(key["alg"], key["use"]) for key in published] == [
        (alg, "sig") for alg in ALGORITHMS for _ in ("current", "next")
    ]
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & {name for key in published for name in key}


def test_a_kid_is_the_thumbprint_of_its_key(signing):
    """RFC 7638 §3, by another library."""
    for key in json.loads(signing.jwks())["keys"]:
        kind = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}[key["kty"]]
        members = {name: key[name] for name in key if name not in {"kid", "use", "alg"}}

        assert kind.import_key(members).thumbprint() == key["kid"]


def test_the_known_thumbprint_is_found():
    """RFC 7638 §3.1, the example."""
    example = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSo"
        "c_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_F"
        "DW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4"
        "vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
    }

    assert algorithms.published(RSAKey.import_key(example).public_key, "RS256")["kid"] == (
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    )


def test_keys_are_made_once(folder):
    """`secrets init` may run again: what is there stays."""
    before = (folder / "keys.json").read_bytes()

    key_files.create(folder)

    assert (folder / "keys.json").read_bytes() == before


def test_what_is_made_is_ours_alone(folder):
    """Design §10: folder 0700, files 0600."""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: folder.chmod(0o750),
        lambda folder: (folder / "keys.json").chmod(0o640),
        lambda folder: [path.chmod(0o604) for path in folder.glob("*.pem")],
        lambda folder: (folder / "keys.json").write_text("{}"),
        lambda folder: (folder / "keys.json").write_text('{"format": "x", "keys": []}'),
        lambda folder: [path.write_text("no key") for path in folder.glob("*.pem")],
        lambda folder: [path.unlink() for path in folder.glob("*.pem")],
    ],
)
def test_keys_that_others_could_read_or_that_are_damaged_are_refused(folder, spoil):
    """Fail closed: half a configuration does not start."""
    spoil(folder)

    with pytest.raises(UnsafeFileError):
        SigningKeys(folder)


class TestAttacker:
    """Cases 23 to 30 of the security cases, at the one place that verifies."""

    @pytest.mark.parametrize("alg", ["none", "None", "NONE", ""])
    @pytest.mark.parametrize("keep", [True, False])
    def test_an_unsigned_token_is_refused(self, signing, alg, keep):
        """Case 23."""
        good = signing.sign(claims(), typ="at+jwt")
        kid = jwt.get_unverified_header(good)["kid"]
        header = segment({"alg": alg, "kid": kid, "typ": "at+jwt"})
        signature = good.rpartition(".")[2] if keep else ""

        refuses(signing, f"{header}.{segment(claims())}.{signature}")

    def test_an_empty_signature_is_refused(self, signing):
        """Case 23."""
        good = signing.sign(claims(), typ="at+jwt")

        refuses(signing, good.rpartition(".")[0] + ".")
        refuses(signing, good.rpartition(".")[0])

    @pytest.mark.parametrize("form", ["PEM", "DER", "JWK"])
    @pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "RS256"])
    def test_our_public_key_is_no_shared_secret(self, signing, form, alg):
        """Case 24."""
        published = next(key for key in json.loads(signing.jwks())["keys"] if key["alg"] == alg)
        public = jwt.PyJWK(published, alg).key
        secret = {
            "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "JWK": json.dumps(published).encode(),
        }[form]
        header = segment({"alg": "HS256", "kid": published["kid"], "typ": "at+jwt"})
        message = f"{header}.{segment(claims())}"
        mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        signature = urlsafe_b64encode(mac.sign(message.encode(), secret)).rstrip(b"=").decode()

        refuses(signing, f"{message}.{signature}")

    @pytest.mark.parametrize(
        "added",
        [
            {"jku": "http://127.0.0.1:9/keys"},
            {"x5u": "http://127.0.0.1:9/keys"},
            {"jwk": {"kty": "oct", "k": "AA"}},
            {"crit": ["exp"]},
            {"crit": ["b64"], "b64": False},
            {"crit": []},
        ],
    )
    def test_a_header_that_wants_more_is_refused(self, folder, signing, added):
        """Cases 25 and 27, even under our own key: we never write such a header."""
        kid = by_state(folder)[State.CURRENT]
        private = FileKeeper(folder).private_key(kid)
        token = jwt.encode(
            claims(), private, "ES256", headers={"kid": kid, "typ": "at+jwt", **added}
        )

        refuses(signing, token)

    @pytest.mark.parametrize(
        "kid", ["../../dev/null", "' UNION SELECT 1--", "k" * 10_000, "unknown", "", None, 7, {}]
    )
    def test_a_strange_kid_leads_nowhere(self, folder, signing, kid):
        """Case 26: a kid is looked up, never opened, queried or fetched."""
        private = FileKeeper(folder).private_key(by_state(folder)[State.CURRENT])
        header = segment({"alg": "ES256", "kid": kid, "typ": "at+jwt"}).encode()
        message = header + b"." + segment(claims()).encode()
        signature = signer(private, "ES256").sign(message)

        refuses(signing, (message + b"." + jws.base64url(signature)).decode())

    @pytest.mark.parametrize(
        "changed",
        [
            {"iss": "https://id.exampl"},
            {"iss": "https://id.example/"},
            {"iss": "https://id.example.evil"},
            {"iss": ["https://id.example"]},
            {"iss": None},
            {"aud": "https://id.example"},
            {"aud": "https://id.example/api/"},
            {"aud": [AUDIENCE]},
            {"aud": [AUDIENCE, "https://tax.example"]},
            {"aud": None},
            {"exp": 1},
            {"exp": None},
            {"exp": "9999999999"},
            {"exp": 1e30},
            {"exp": True},
            {"iat": None},
            {"iat": 2**40},
        ],
    )
    def test_claims_that_are_not_exactly_right_are_refused(self, signing, changed):
        """Case 28; aud is one text, and a list is refused even with ours in it."""
        refuses(signing, signing.sign(claims(**changed), typ="at+jwt"))

    @pytest.mark.parametrize("aud", ["api", "https://id.exampl", [AUDIENCE], {AUDIENCE: 1}, ""])
    @pytest.mark.parametrize("audience", [AUDIENCE, {AUDIENCE}, (AUDIENCE,)])
    def test_a_part_of_an_audience_is_none(self, signing, aud, audience):
        """Case 28: a substring never passes, however the audience was named."""
        token = signing.sign(claims(aud=aud), typ="at+jwt")

        assert read(signing, signing.sign(claims(), typ="at+jwt"), audience=audience)
        with pytest.raises(InvalidToken):
            read(signing, token, audience=audience)

    def test_a_token_is_over_at_its_second(self, signing):
        """RFC 7519 §4.1.4: on or after which it must not be accepted."""
        token = signing.sign(claims(), typ="at+jwt")
        end = claims()["exp"]

        with travel(end - 1, tick=False):
            assert read(signing, token)
        with travel(end, tick=False):
            refuses(signing, token)

    def test_one_kind_of_token_is_not_another(self, signing):
        """Case 29."""
        for made, asked in product(keys.TYPES, repeat=2):
            token = signing.sign(claims(), typ=made)
            if made == asked:
                assert read(signing, token, typ=asked)
            else:
                refuses(signing, token, typ=asked)

    def test_an_algorithm_that_was_not_asked_for_is_refused(self, signing):
        """RFC 8725 §3.1."""
        refuses(signing, signing.sign(claims(), typ="at+jwt", alg="RS256"))

    def test_a_large_token_costs_nothing(self, signing):
        """Case 30: refused in under 100 ms, before anything is decoded."""
        good = signing.sign(claims(), typ="at+jwt")
        header, payload, signature = good.split(".")

        taken = []
        for _ in range(3):  # the machine has neighbours
            started = time.perf_counter()
            with pytest.raises(InvalidToken) as refused:
                read(signing, f"{header}.{payload + 'A' * 1_000_000}.{signature}")
            taken.append(time.perf_counter() - started)

        assert min(taken) < 0.1
        assert refused.value.note == "token: too long"

    def test_every_changed_character_is_noticed(self, signing):
        """RFC 7515 §2: one token has one spelling, so nothing can be appended or respelled."""
        good = signing.sign(claims(), typ="at+jwt")
        spots = range(0, len(good), 7)
        other = {spot: "B" if good[spot] != "B" else "C" for spot in spots}
        changed = [good[:spot] + other[spot] + good[spot + 1 :] for spot in spots]

        header, _, rest = good.partition(".")
        respelt = [
            f"{header}.\ud800{rest}",
            f"{header}.é{rest}",
            good + "\ud800",
            good + "=",
            good + "==",
            good + "A",
            " " + good,
            good + "\n",
            good + ".",
            "é",
        ]
        for token in [*changed, *respelt, *_stray_bits(good), "", ".", "..", "a.b.c", "\ud800"]:
            refuses(signing, token)

    @pytest.mark.slow  # makes RSA keys
    def test_a_key_of_another_installation_is_not_ours(self, signing, tmp_path):
        """A test system's token does not open the real one."""
        key_files.create(tmp_path / "other")

        refuses(signing, SigningKeys(tmp_path / "other").sign(claims(), typ="at+jwt"))

    def test_the_refusal_does_not_say_why(self, signing):
        """Whoever guesses learns nothing; the reason stands in our log, without the token."""
        token = signing.sign(claims(aud="elsewhere"), typ="at+jwt")

        with pytest.raises(InvalidToken) as refused:
            read(signing, token)

        assert refused.value.detail == "the token is not valid"
        assert token not in refused.value.note
        assert "elsewhere" not in refused.value.note


def refuses(signing, token, *, typ="at+jwt"):
    with pytest.raises(InvalidToken):
        read(signing, token, typ=typ)


def _stray_bits(token: str) -> list[str]:
    """The same bytes, spelt with the unused last bits of base64 set."""
    message, _, signature = token.rpartition(".")
    raw = urlsafe_b64decode(signature + "==")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spelt = [signature[:-1] + last for last in alphabet if last != signature[-1]]
    return [f"{message}.{text}" for text in spelt if urlsafe_b64decode(text + "==") == raw]


# Of every length that an integer has in DER, and on both sides of its high bit.
SCALARS = st.integers(0, 255).flatmap(lambda bits: st.integers(2**bits, 2 ** (bits + 1) - 1))


@settings(max_examples=300)
@given(r=SCALARS, s=SCALARS)
def test_a_signature_is_as_long_as_it_must_be_whatever_its_numbers(r: int, s: int):
    """RFC 7518 §3.4: r and s have 32 bytes each, where DER leaves zeros out or puts one before."""
    assert raw(encode_dss_signature(r, s)) == r.to_bytes(32) + s.to_bytes(32)
