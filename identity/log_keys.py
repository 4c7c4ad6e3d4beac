"""The key of the access log, Ed25519: it signs heads (C2SP) and promises (RFC 8037)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc.jwk import OKPKey

from identity import files, jws, settings

FOLDER = "log"
KEY_FILE = "ed25519.pem"
ED25519 = b"\x01"  # the signature type of C2SP signed-note
KEY_ID_BYTES = 4


def note_key_id(name: str, public: bytes) -> bytes:
    """The four bytes of C2SP signed-note that tell keys of one name apart."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True)
class LogKey:
    """The log's key, parsed, under the log's name."""

    name: str
    private: Ed25519PrivateKey

    @cached_property
    def public(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self.private.public_key().public_bytes_raw()

    @cached_property
    def key_id(self) -> bytes:
        """The key's id in signed notes."""
        return note_key_id(self.name, self.public)

    @cached_property
    def kid(self) -> str:
        """The key's id in JWS: its RFC 7638 thumbprint."""
        return str(OKPKey.import_key(self.private.public_key()).thumbprint())

    @cached_property
    def jwk(self) -> Mapping[str, object]:
        """The public key as it is published at `/log/keys`."""
        members = OKPKey.import_key(self.private.public_key()).as_dict(private=False)
        return {**members, "use": "sig", "alg": "EdDSA", "kid": self.kid}

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature over the message, 64 bytes."""
        return self.private.sign(message)

    def sign_jws(self, typ: str, claims: Mapping[str, object]) -> str:
        """The claims as a compact JWS of this type, RFC 7515 §3.1."""
        return jws.signed(_header(self.kid, typ), claims, by=self.sign)


def create(folder: Path) -> None:
    """The log has a key. One that is there stays: another would orphan every signed head.

    Raises:
        UnsafeFileError: the folder or the key is open to others.
    """
    files.make_private_folder(folder)
    with files.alone(folder / ".lock"):
        if (folder / KEY_FILE).exists():
            _private_key(folder)
            return
        fresh = Ed25519PrivateKey.generate()
        pem = fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        files.replace(folder / KEY_FILE, pem)


def read(folder: Path, *, name: str) -> LogKey:
    """The key in this folder, under the name of the log.

    Raises:
        UnsafeFileError: missing, open to others, or not an Ed25519 key.
    """
    files.require_private_folder(folder)
    return LogKey(name, _private_key(folder))


def log_key(number: int = 1) -> LogKey:
    """The key of our log under the name of the first one, or a later; parsed once per process."""
    chosen = settings.current()
    return _parsed(chosen.secrets, chosen.log_name(number))


def jwks() -> bytes:
    """The published set of `/log/keys`, never part of `/jwks`."""
    return jws.compact({"keys": [log_key().jwk]})


@lru_cache(maxsize=4)
def _parsed(secrets: Path, name: str) -> LogKey:
    return read(secrets / FOLDER, name=name)


@lru_cache(maxsize=16)
def _header(kid: str, typ: str) -> bytes:
    return jws.header(alg="EdDSA", kid=kid, typ=typ)


def _private_key(folder: Path) -> Ed25519PrivateKey:
    path = folder / KEY_FILE
    try:
        key = load_pem_private_key(files.read_private(path), password=None)
    except ValueError:
        raise files.UnsafeFileError(f"{path} is not a key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise files.UnsafeFileError(f"{path} is not an Ed25519 key")
    return key
