"""The access log's own key: heads and promises, never a token."""

import json
import stat

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import OKPKey

from identity import files, log_keys
from identity.files import UnsafeFileError
from identity.log_keys import LogKey
from identity.signing import keys
from tests.installations import installed, make_keys

NAME = "id.example/log/1"


@pytest.fixture
def folder(tmp_path):
    log_keys.create(tmp_path / "log")
    return tmp_path / "log"


def test_the_key_is_made_once_and_is_ours_alone(folder):
    """Another key would orphan every head that was signed."""
    before = log_keys.read(folder, name=NAME).public

    log_keys.create(folder)

    assert log_keys.read(folder, name=NAME).public == before
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_anybody_can_check_what_it_signs(folder):
    """RFC 8032, by the raw public key."""
    key = log_keys.read(folder, name=NAME)

    Ed25519PublicKey.from_public_bytes(key.public).verify(key.sign(b"head"), b"head")

    assert len(key.sign(b"head")) == 64


def test_a_known_key_has_its_known_names():
    """RFC 8037 appendix A.3 has the thumbprint of this key of RFC 8032 §7.1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = LogKey(NAME, Ed25519PrivateKey.from_private_bytes(seed))

    assert key.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert key.jwk == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "use": "sig",
        "alg": "EdDSA",
        "kid": key.kid,
    }


def test_a_promise_is_a_jws_that_any_library_reads(tmp_path):
    """Design §7: EdDSA, its own type, the key at /log/keys."""
    with installed(tmp_path) as settings:
        make_keys(settings)
        promise = log_keys.log_key().sign_jws("motlan-promise+jwt", {"entry": "e-1"})
        published = json.loads(log_keys.jwks())["keys"]

    header = jwt.get_unverified_header(promise)
    assert header == {"alg": "EdDSA", "kid": published[0]["kid"], "typ": "motlan-promise+jwt"}
    assert jwt.decode(promise, jwt.PyJWK(published[0]), ["EdDSA"]) == {"entry": "e-1"}
    assert "d" not in published[0]


def test_the_log_is_named_after_the_issuer_and_its_key_parsed_once(tmp_path):
    """Design §7: origin is the issuer's host, port included, and /log/1."""
    with installed(tmp_path) as settings:
        make_keys(settings)

        assert log_keys.log_key().name == "localhost:8000/log/1"
        assert log_keys.log_key() is log_keys.log_key()


class TestAttacker:
    def test_the_log_key_is_never_a_token_key(self, tmp_path):
        """A stolen token key cannot sign a head, nor the other way about: not in /jwks."""
        with installed(tmp_path) as settings:
            make_keys(settings)
            of_the_log = {key["kid"] for key in json.loads(log_keys.jwks())["keys"]}
            of_tokens = {key["kid"] for key in json.loads(keys.jwks())["keys"]}

        assert not of_the_log & of_tokens

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda folder: folder.chmod(0o755),
            lambda folder: (folder / "ed25519.pem").chmod(0o644),
            lambda folder: (folder / "ed25519.pem").write_text("no key"),
            lambda folder: (folder / "ed25519.pem").unlink(),
            lambda folder: files.replace(folder / "ed25519.pem", _another_kind()),
            lambda folder: files.replace(folder / "ed25519.pem", _public_only()),
        ],
    )
    def test_a_loose_or_damaged_key_is_refused(self, folder, spoil):
        """Fail closed; and never replaced by a new one, which would hide the loss."""
        spoil(folder)

        with pytest.raises(UnsafeFileError):
            log_keys.read(folder, name=NAME)


def _another_kind() -> bytes:
    private = generate_private_key(SECP256R1())
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_only() -> bytes:
    return bytes(OKPKey.generate_key("Ed25519").as_pem(private=False))
