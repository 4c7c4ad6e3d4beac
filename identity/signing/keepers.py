"""Who keeps private halves: a folder of files here, a PKCS#11 token in `token_keys`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from identity import files
from identity.signing.algorithms import ALGORITHMS, PrivateKey, new_key, published
from identity.signing.key_list import FILE
from identity.signing.signers import Signer, signer


class Keeper(Protocol):
    """Makes keys, signs with them, and destroys what signs no more."""

    @property
    def kind(self) -> str:
        """What the list says of a key that is kept here."""

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What it can make keys for; a token may not know all."""

    def make(self, alg: str) -> Mapping[str, str]:
        """A new key is kept; its public half, named."""

    def signer(self, kid: str, alg: str) -> Signer:
        """Who signs with that key.

        Raises:
            UnsafeFileError: it is not there, or cannot be used.
        """

    def destroy(self, kid: str) -> None:
        """The private half is no more. Gone already is fine."""


@dataclass(frozen=True)
class FileKeeper:
    """Keeps each private half in a file beside the list."""

    folder: Path
    kind: str = FILE
    algorithms: tuple[str, ...] = ALGORITHMS

    def make(self, alg: str) -> Mapping[str, str]:
        """A new key stands in a file of its own."""
        private = new_key(alg)
        jwk = published(private.public_key(), alg)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        files.replace(self._path(jwk["kid"]), pem)
        return jwk

    def signer(self, kid: str, alg: str) -> Signer:
        """Who signs with that key.

        Raises:
            UnsafeFileError: missing (as it is once the key was retired), open to others, damaged.
        """
        return signer(self.private_key(kid), alg)

    def destroy(self, kid: str) -> None:
        """The file is gone."""
        files.remove(self._path(kid))

    def private_key(self, kid: str) -> PrivateKey:
        """The private half of a key that signs or will.

        Raises:
            UnsafeFileError: as `signer`.
        """
        path = self._path(kid)
        try:
            key = load_pem_private_key(files.read_private(path), password=None)
        except ValueError:
            raise files.UnsafeFileError(f"{path} is not a key: restore it") from None
        if not isinstance(key, EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey):
            raise files.UnsafeFileError(f"{path} is not a signing key: restore it")
        return key

    def _path(self, kid: str) -> Path:
        return self.folder / f"{kid}.pem"
