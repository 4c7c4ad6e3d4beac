"""What an attacker makes of a genuine token, or of the keys that we publish."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity import jws, settings
from identity.signing import key_list, keys
from identity.signing.keepers import FileKeeper
from identity.signing.key_list import State
from tests.public_services import public_jwk

UNSIGNED = ("none", "None", "NONE", "nOnE", "")
KIDS = ("../../dev/null", "' UNION SELECT 1--", "k" * 10_000, "unknown", "", None, 7, {}, ["k"])
SHAPES = ("PEM", "DER", "JWK", "x")


def segment(said: Any) -> str:
    """The JSON, spelt as we spell it, or the bytes, in base64url."""
    raw = said if isinstance(said, bytes) else jws.compact(said)
    return jws.base64url(raw).decode()


@dataclass(frozen=True)
class Genuine:
    """A token that is good, whose header and claims lie open."""

    text: str

    @property
    def header(self) -> dict[str, Any]:
        """As it was signed."""
        return dict(jwt.get_unverified_header(self.text))

    @property
    def claims(self) -> dict[str, Any]:
        """As they were signed."""
        return dict(jwt.decode(self.text, options={"verify_signature": False}))

    def message(self, **header: Any) -> str:
        """Header and claims, with some of the header changed."""
        return f"{segment(self.header | header)}.{segment(self.claims)}"

    def unsigned(self, alg: str, *, keeps_signature: bool) -> str:
        """It says that it needs no signature."""
        signature = self.text.rpartition(".")[2] if keeps_signature else ""
        return f"{self.message(alg=alg)}.{signature}"

    def stripped(self) -> str:
        """The header still names an algorithm; the signature is empty."""
        return self.text.rpartition(".")[0] + "."

    def with_secret(self, secret: bytes, **header: Any) -> str:
        """Signed by HMAC under what everybody may read."""
        message = self.message(alg="HS256", **header)
        mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        return f"{message}.{segment(mac.sign(message.encode(), secret))}"

    def by(self, key: ec.EllipticCurvePrivateKey, **header: Any) -> str:
        """Signed by that key; a member of the header that is null stays null."""
        message = self.message(**header)
        algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
        return f"{message}.{segment(algorithm.sign(message.encode(), key))}"

    def saying(self, **claims: Any) -> str:
        """Other claims, under our own key: only what is said is wrong."""
        return keys.sign(self.claims | claims, typ=self.header["typ"])


def our_key() -> ec.EllipticCurvePrivateKey:
    """Our own current key: so that nothing but the header can be the reason for a refusal."""
    folder = settings.current().secrets / keys.FOLDER
    current = next(
        key for key in key_list.listed(folder) if key.state is State.CURRENT and key.alg == "ES256"
    )
    made = FileKeeper(folder).private_key(current.kid)
    assert isinstance(made, ec.EllipticCurvePrivateKey)
    return made


def as_secret(key: dict[str, Any], shape: str) -> bytes:
    """A published key in one of the spellings that a library may take for a shared secret."""
    if shape == "JWK":
        return json.dumps(key).encode()
    if shape == "x":
        return str(key["x"]).encode()
    public = jwt.PyJWK(key, "ES256").key
    encoding = {"PEM": Encoding.PEM, "DER": Encoding.DER}[shape]
    return bytes(public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo))


@dataclass(frozen=True)
class Attackers:
    """A key of the attacker's, and the address where it can be fetched."""

    key: ec.EllipticCurvePrivateKey
    address: str

    @staticmethod
    def published(key: ec.EllipticCurvePrivateKey) -> bytes:
        """What that address answers."""
        return json.dumps({"keys": [public_jwk(key, "theirs")]}).encode()

    def headers(self) -> tuple[dict[str, Any], ...]:
        """Ways to say: verify me with this key."""
        own = public_jwk(self.key, "theirs")
        return (
            {"jku": self.address, "kid": "theirs"},
            {"jku": self.address},
            {"x5u": self.address, "kid": "theirs"},
            {"x5u": self.address},
            {"jwk": own, "kid": "theirs"},
            {"jwk": own},
            {"kid": self.address},
        )


def encrypted() -> tuple[str, ...]:
    """Encrypted tokens: one that costs 10^9 rounds to open, one that swells, one to our key."""
    rest = [segment(secrets.token_bytes(n)) for n in (40, 12, 600, 16)]
    salt = segment(secrets.token_bytes(16))
    slow = {"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2c": 10**9, "p2s": salt}
    bomb = {"alg": "dir", "enc": "A256GCM", "zip": "DEF"}
    ours = {"alg": "ECDH-ES", "enc": "A256GCM", "epk": {"kty": "EC", "crv": "P-256"}}
    return tuple(".".join([segment(head), *rest]) for head in (slow, bomb, ours))


def large(token: str) -> tuple[str, ...]:
    """A megabyte in each of the three parts."""
    parts, more = token.split("."), "A" * 1_000_000
    return tuple(".".join([*parts[:n], parts[n] + more, *parts[n + 1 :]]) for n in range(3))
