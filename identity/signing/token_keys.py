"""Signing keys that a PKCS#11 token makes, keeps and signs with: no private half leaves it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from pkcs11 import MGF, Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.types import PrivateKey, Session
from pkcs11.types import PublicKey as TokenPublicKey
from pkcs11.util.ec import encode_named_curve_parameters

from identity import files
from identity.signing.algorithms import ALGORITHMS, RSA_BITS, PublicKey, published
from identity.signing.key_list import TOKEN
from identity.signing.pkcs11_token import Token
from identity.signing.signers import Signer

PIN = "hsm-pin"  # the file in MOTLAN_SECRETS
_POINT = {"ES256": 65, "EdDSA": 32}  # bytes; a token may wrap them as an OCTET STRING
_ED25519 = bytes.fromhex("06032b6570")  # the object identifier 1.3.101.112, RFC 8410 §3
_SECRET = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}


@dataclass(frozen=True)
class Way:
    """How a token signs with one algorithm, and makes a key for it."""

    make: Mechanism
    sign: Mechanism
    param: Any = None
    curve: bytes | None = None  # null: RSA


_PSS = (Mechanism.SHA256, MGF.SHA256, hashlib.sha256().digest_size)  # RFC 7518 §3.5
_RSA = Mechanism.RSA_PKCS_KEY_PAIR_GEN
WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "ES256": Way(
            Mechanism.EC_KEY_PAIR_GEN,
            Mechanism.ECDSA,
            curve=encode_named_curve_parameters("secp256r1"),
        ),
        "PS256": Way(_RSA, Mechanism.SHA256_RSA_PKCS_PSS, _PSS),
        "EdDSA": Way(Mechanism.EC_EDWARDS_KEY_PAIR_GEN, Mechanism.EDDSA, curve=_ED25519),
        "RS256": Way(_RSA, Mechanism.SHA256_RSA_PKCS),
    }
)


@dataclass(frozen=True)
class TokenSigner:
    """Signs in the token, with the key of that name."""

    token: Token
    kid: str
    alg: str

    def sign(self, message: bytes) -> bytes:
        """The raw JWS signature: what a token returns for ECDSA is r ‖ s already.

        Raises:
            TokenFault: the token is away or refuses.
        """
        # CKM_ECDSA signs what was hashed before; the others hash in the token.
        said = hashlib.sha256(message).digest() if self.alg == "ES256" else message
        way = WAYS[self.alg]

        def act(session: Session) -> bytes:
            key: Any = self.token.private_key(session, self.kid)
            return bytes(key.sign(said, mechanism=way.sign, mechanism_param=way.param))

        return self.token.ask(act)


@dataclass(frozen=True)
class TokenKeeper:
    """Keeps private halves in a token; each is found by its `kid`."""

    token: Token
    kind: str = TOKEN

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What this token can make keys for."""
        able = self.token.ask(lambda session: frozenset(session.token.slot.get_mechanisms()))
        return tuple(alg for alg in ALGORITHMS if {WAYS[alg].make, WAYS[alg].sign} <= able)

    def make(self, alg: str) -> Mapping[str, str]:
        """A new key is in the token, and cannot be taken out.

        Raises:
            TokenFault: the token refuses.
        """
        return self.token.ask(lambda session: _make(session, alg), again=False)

    def signer(self, kid: str, alg: str) -> Signer:
        """Who signs with that key.

        Raises:
            TokenFault: it is not in the token, or the token is away.
        """
        self.token.ask(lambda session: self.token.private_key(session, kid))
        return TokenSigner(self.token, kid, alg)

    def destroy(self, kid: str) -> None:
        """Both halves are out of the token. Gone already is fine."""

        def act(session: Session) -> None:
            self.token.forget(kid)
            for half in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
                told = {Attribute.CLASS: half, Attribute.ID: kid.encode()}
                for found in list(session.get_objects(told)):
                    found.destroy()

        self.token.ask(act)


@lru_cache(maxsize=4)
def keeper(module: Path, label: str, *, secrets: Path) -> TokenKeeper:
    """The token of this installation; its PIN is in a file that only we can read.

    Raises:
        UnsafeFileError: there is no such file, or others may read it.
    """
    pin = files.read_private(secrets / PIN).decode().strip()
    return TokenKeeper(Token(module, label=label, pin=pin))


def _make(session: Session, alg: str) -> Mapping[str, str]:
    public, private = _generated(session, WAYS[alg])
    jwk = published(_READERS[alg](public), alg)
    for half in (public, private):
        half[Attribute.ID] = jwk["kid"].encode()
        half[Attribute.LABEL] = f"motlan {alg}"
    return jwk


def _generated(session: Session, way: Way) -> tuple[TokenPublicKey, PrivateKey]:
    use = MechanismFlag.SIGN | MechanismFlag.VERIFY
    told: dict[str, Any] = {"store": True, "capabilities": use, "private_template": _SECRET}
    if way.curve is None:
        return session.generate_keypair(KeyType.RSA, RSA_BITS, mechanism=way.make, **told)
    kind = KeyType.EC_EDWARDS if way.sign == Mechanism.EDDSA else KeyType.EC
    curve = {Attribute.EC_PARAMS: way.curve}
    domain = session.create_domain_parameters(kind, curve, local=True)
    return domain.generate_keypair(mechanism=way.make, **told)


def _p256(public: TokenPublicKey) -> PublicKey:
    point = bytes(public[Attribute.EC_POINT])[-_POINT["ES256"] :]
    return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)


def _ed25519(public: TokenPublicKey) -> PublicKey:
    return Ed25519PublicKey.from_public_bytes(bytes(public[Attribute.EC_POINT])[-_POINT["EdDSA"] :])


def _rsa(public: TokenPublicKey) -> PublicKey:
    told = (public[Attribute.PUBLIC_EXPONENT], public[Attribute.MODULUS])
    return RSAPublicNumbers(*(int.from_bytes(number, "big") for number in told)).public_key()


_READERS: Mapping[str, Callable[[TokenPublicKey], PublicKey]] = {
    "ES256": _p256,
    "EdDSA": _ed25519,
    "PS256": _rsa,
    "RS256": _rsa,
}
