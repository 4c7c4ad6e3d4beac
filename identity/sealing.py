"""Sealing at rest: two layers of keys, blind indexes, and handles that carry their owner.

A data key is made once for a person or a log entry and seals what belongs to it (AES-256-GCM).
It is kept wrapped (AES key wrap, RFC 3394) by a key of the ring, so a rotation re-wraps small
keys and never rewrites a value, and erasing a person is deleting one wrapped key.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import uuid
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

from identity import jws, settings

# Never change: the authenticated data of everything sealed so far (table, column, row, format).
FORMAT = "1"
RING_FILE = "key-ring.json"
FAMILIES = ("kek", "index", "token", "mac")
_NONCE = 12
_KEY = 32


class Unreadable(Exception):
    """What was given cannot be opened: forged, cut, of another purpose, or its key is gone."""


class RingFault(Exception):
    """The key ring is absent, loose or half: nothing may start with it."""


def new_data_key() -> bytes:
    """A fresh key for one person's or one entry's values."""
    return secrets.token_bytes(_KEY)


Fresh = tuple[bytes, bytes]  # a data key, and the nonce of the one thing that it will ever seal


def two_data_keys() -> tuple[Fresh, Fresh]:
    """Two keys for one seal each, whose chance is asked of the system at once."""
    drawn = os.urandom(2 * (_KEY + _NONCE))
    nonces = 2 * _KEY
    one = drawn[:_KEY], drawn[nonces : nonces + _NONCE]
    return one, (drawn[_KEY:nonces], drawn[nonces + _NONCE :])


def seal(key: bytes, plaintext: bytes, *, table: str, column: str, row: str) -> bytes:
    """Nonce and ciphertext, readable only for that column of that row."""
    bound_to = place(table, column=column, row=row)
    return seal_once((key, os.urandom(_NONCE)), plaintext, place=bound_to)


def seal_once(fresh: Fresh, plaintext: bytes, *, place: bytes) -> bytes:
    """The same with a nonce that is there already; never twice with one."""
    key, nonce = fresh
    return nonce + AESGCM(key).encrypt(nonce, plaintext, place)


Opener = AESGCM  # a key made ready, for whoever opens more than one thing with it


def open_sealed(key: bytes | Opener, sealed: bytes, *, table: str, column: str, row: str) -> bytes:
    """What was sealed for that column of that row.

    Raises:
        Unreadable: another key, row or column, or bytes that were changed.
    """
    try:
        ready = key if isinstance(key, Opener) else Opener(key)
        return ready.decrypt(sealed[:_NONCE], sealed[_NONCE:], place(table, column=column, row=row))
    except (InvalidTag, ValueError) as error:
        raise Unreadable(f"{table}.{column} cannot be opened") from error


def place(table: str, *, column: str, row: str) -> bytes:
    """What a seal is bound to."""
    return f"{table}\x1f{column}\x1f{row}\x1f{FORMAT}".encode()


def digest(text: str) -> bytes:
    """How a high-entropy token is stored: it cannot be guessed, so no key is needed."""
    return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True, eq=False)
class KeyRing:
    """The keys of this installation, each family newest first. Each is only itself."""

    families: dict[str, dict[str, bytes]] = field(repr=False)

    def newest(self, family: str) -> tuple[str, bytes]:
        """The key that seals now."""
        return next(iter(self.families[family].items()))

    def wrap(self, data_key: bytes) -> tuple[bytes, str]:
        """The data key under the newest key-encryption key, and that key's id."""
        kek_id, kek = self._wrapping
        return aes_key_wrap(kek, data_key), kek_id

    def unwrap(self, wrapped: bytes, kek_id: str) -> bytes:
        """The data key again.

        Raises:
            Unreadable: the wrapping key is not in the ring, or the bytes were changed.
        """
        kek = self.families["kek"].get(kek_id)
        if kek is None:
            raise Unreadable(f"no wrapping key {kek_id} in the ring")
        try:
            return aes_key_unwrap(kek, bytes(wrapped))
        except (InvalidUnwrap, ValueError) as error:
            raise Unreadable("a wrapped key was changed") from error

    def blind_indexes(self, value: str, purpose: str) -> tuple[tuple[str, bytes], ...]:
        """Under which digests a value may be found, newest key first; never the value."""
        return tuple(
            (key_id, _keyed(key, purpose, data=value.encode()))
            for key_id, key in self.families["index"].items()
        )

    def mac(self, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA-256 under the newest key, one namespace per purpose."""
        return _keyed(self.newest("mac")[1], purpose, data=data)

    def is_mac(self, purpose: str, data: bytes, *, claimed: bytes) -> bool:
        """Whether any key of the ring made it; compared in constant time."""
        for key in self.families["mac"].values():
            if hmac.compare_digest(_keyed(key, purpose, data=data), claimed):
                return True
        return False

    def seal_token(self, purpose: str, payload: bytes) -> str:
        """An opaque text that only this installation opens; fresh each time."""
        return self._sealed_token(purpose, payload, nonce=os.urandom(_NONCE))

    def same_token(self, purpose: str, payload: bytes) -> str:
        """The same, but one payload has one text, as long as the newest keys stay."""
        # Of the payload by a key of its own: two payloads share a nonce no sooner than by chance.
        nonce = self.mac(f"nonce:{purpose}", payload)[:_NONCE]
        return self._sealed_token(purpose, payload, nonce=nonce)

    def _sealed_token(self, purpose: str, payload: bytes, *, nonce: bytes) -> str:
        sealed = self._token_keys[0].encrypt(nonce, payload, purpose.encode())
        return jws.base64url(nonce + sealed).decode()

    def open_token(self, purpose: str, text: str) -> bytes:
        """What `seal_token` hid under the same purpose.

        Raises:
            Unreadable: not ours, or made for another purpose.
        """
        try:
            raw = jws.from_base64url(text)
        except ValueError as error:
            raise Unreadable("not a sealed text") from error
        for key in self._token_keys:
            try:
                return key.decrypt(raw[:_NONCE], raw[_NONCE:], purpose.encode())
            except (InvalidTag, ValueError):
                continue
        raise Unreadable("a sealed text of somebody else")

    @cached_property
    def _wrapping(self) -> tuple[str, bytes]:
        return self.newest("kek")

    @cached_property
    def _token_keys(self) -> tuple[AESGCM, ...]:
        return tuple(AESGCM(key) for key in self.families["token"].values())


def _keyed(key: bytes, purpose: str, *, data: bytes) -> bytes:
    made = _begun(key, purpose).copy()
    made.update(data)
    return made.digest()


@lru_cache(maxsize=128)
def _begun(key: bytes, purpose: str) -> hmac.HMAC:
    """Under a key of the ring, as far as it is the same for all data."""
    return hmac.new(key, f"motlan/{purpose}/v1\x1f".encode(), "sha256")


def new_handle(owner: uuid.UUID, purpose: str) -> tuple[str, bytes]:
    """A token that yields its owner without a look-up, and the digest it is stored under.

    So that the digest is searched within one person (design §10).
    """
    text = ring().seal_token(purpose, owner.bytes + secrets.token_bytes(_KEY))
    return text, digest(text)


def handle_of(owner: uuid.UUID, purpose: str, *, told: bytes) -> tuple[str, bytes]:
    """The same, but whoever tells the same secret again gets the same token again."""
    secret = ring().mac(f"handle:{purpose}", owner.bytes + told)
    text = ring().same_token(purpose, owner.bytes + secret)
    return text, digest(text)


def open_handle(text: str, purpose: str) -> tuple[uuid.UUID, bytes]:
    """Whose token it is, and its digest.

    Raises:
        Unreadable: not a token of ours, or made for another purpose.
    """
    payload = ring().open_token(purpose, text)
    return uuid.UUID(bytes=payload[:16]), digest(text)


def create(folder: Path) -> bool:
    """Make the ring if there is none; whether it was made now."""
    path = folder / RING_FILE
    if path.exists():
        return False
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    families = {family: [_fresh_key(family)] for family in FAMILIES}
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"format": 1, "families": families}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    return True


def _fresh_key(family: str) -> dict[str, str]:
    key = base64.b64encode(secrets.token_bytes(_KEY)).decode()
    return {"id": f"{family}-{secrets.token_hex(4)}", "key": key}


def ring() -> KeyRing:
    """The ring of the installed settings, read once per process."""
    global _last  # noqa: PLW0603 - one process, one ring
    folder, last = settings.current().secrets, _last
    if last is None or last[0] is not folder:
        last = _last = (folder, _read(folder))
    return last[1]


_last: tuple[Path, KeyRing] | None = None


def forget() -> None:
    """Read the ring again at the next use; after a rotation, and between tests."""
    global _last  # noqa: PLW0603 - as above
    _last = None
    _read.cache_clear()
    _begun.cache_clear()


@lru_cache(maxsize=4)
def _read(folder: Path) -> KeyRing:
    path = folder / RING_FILE
    if not path.exists():
        raise RingFault(f"no key ring in {folder.name}/: run `motlan secrets init`")
    if (folder.stat().st_mode | path.stat().st_mode) & 0o077:
        raise RingFault(f"{folder.name}/ must be 0700 and {RING_FILE} 0600: chmod them")
    try:
        found = json.loads(path.read_text())["families"]
        families = {family: _keys(found[family]) for family in FAMILIES}
    except (ValueError, KeyError, TypeError) as error:
        raise RingFault(f"{RING_FILE} is damaged: restore it from the backup") from error
    return KeyRing(families)


def _keys(listed: list[dict[str, str]]) -> dict[str, bytes]:
    keys = {entry["id"]: base64.b64decode(entry["key"], validate=True) for entry in listed}
    if not keys or len(keys) != len(listed) or any(len(key) != _KEY for key in keys.values()):
        raise ValueError("a family without a key, with one twice, or with a cut one")
    return keys
