"""The signing keys on disk: next, current and previous. One small list says which is which."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc.jwk import ECKey, RSAKey

from identity import clock, files

LIST = "keys.json"
LOCK = ".lock"
# Never change: what keys.json says about itself. Members may be added.
FORMAT = "motlan-signing/v1"
RSA_BITS = 2048

# How long others may keep our JWKS; a key is published at least this long before it signs.
JWKS_CACHE = timedelta(minutes=5)
# How long a key stays published after it signed last: far beyond any token, because a browser
# session may still present an ID token of this morning as a hint.
KEPT_AFTER = timedelta(days=1)

PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey


class State(StrEnum):
    """What a key does: published only, signing, or published until its last token has ended."""

    NEXT = "next"
    CURRENT = "current"
    PREVIOUS = "previous"


class RotatedTooSoonError(Exception):
    """The next key is so young that others may not have seen it yet."""


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """One key of the list. Its private half lies beside the list until it signs no more."""

    kid: str
    alg: str
    state: State
    published_at: datetime
    until: datetime | None  # null: it has not been retired
    jwk: Mapping[str, str]


@dataclass(frozen=True)
class Rotation:
    """What one rotation did for one algorithm."""

    fresh: SigningKey
    retired: SigningKey


def create(folder: Path) -> None:
    """The folder holds a current and a next key of each algorithm; keys that are there stay.

    Raises:
        UnsafeFileError: the folder or the list is open to others, or the list is damaged.
    """
    files.make_private_folder(folder)
    with files.alone(folder / LOCK):
        if (folder / LIST).exists():
            listed(folder)
            return
        _keep(folder, [_made(folder, alg, state=state) for alg in _MAKERS for state in _FIRST])


def rotate(folder: Path, *, early: bool = False) -> tuple[Rotation, ...]:
    """The next keys sign from now on, the old ones stay published, and new next ones are.

    `early` is for a stolen key: whoever cached our JWKS meets a key they must fetch first.

    Raises:
        RotatedTooSoonError: others may not know the next key yet, and `early` was not said.
        UnsafeFileError: the keys cannot be read.
    """
    with files.alone(folder / LOCK):
        keys = listed(folder)
        if not early:
            _refuse_young([key for key in keys if key.state is State.NEXT])
        kept = [key for key in keys if key.until is None or key.until > clock.now()]
        rotated = [_rotated(folder, key) for key in kept]
        fresh = [_made(folder, alg, state=State.NEXT) for alg in _MAKERS]
        _keep(folder, rotated + fresh)
        # Only now: until the list was swapped, a starting process still needed them.
        _destroy_retired(folder, rotated)
    return tuple(_rotation(rotated, key) for key in rotated if key.state is State.CURRENT)


def listed(folder: Path) -> list[SigningKey]:
    """Every key of the list, as it stands now.

    Raises:
        UnsafeFileError: open to others, missing or damaged.
    """
    files.require_private_folder(folder)
    content = files.read_private(folder / LIST)
    try:
        return _keys_of(json.loads(content))
    except (ValueError, KeyError, TypeError):
        raise files.UnsafeFileError(f"{folder / LIST} is damaged: restore it") from None


def private_key(folder: Path, kid: str) -> PrivateKey:
    """The private half of a key that signs or will.

    Raises:
        UnsafeFileError: missing (as it is once the key was retired), open to others, damaged.
    """
    path = folder / f"{kid}.pem"
    try:
        key = load_pem_private_key(files.read_private(path), password=None)
    except ValueError:
        raise files.UnsafeFileError(f"{path} is not a key: restore it") from None
    if not isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
        raise files.UnsafeFileError(f"{path} is not a signing key: restore it")
    return key


def _refuse_young(waiting: list[SigningKey]) -> None:
    youngest = max(key.published_at for key in waiting)
    ready_at = youngest + JWKS_CACHE
    if clock.now() < ready_at:
        raise RotatedTooSoonError(
            f"the next key may sign from {ready_at:%Y-%m-%d %H:%M:%S} UTC, when everybody has it"
        )


def _rotated(folder: Path, key: SigningKey) -> SigningKey:
    if key.state is State.NEXT:
        private_key(folder, key.kid)  # refuse before the list names a key that cannot sign
        return replace(key, state=State.CURRENT)
    if key.state is State.CURRENT:
        return replace(key, state=State.PREVIOUS, until=clock.now() + KEPT_AFTER)
    return key


def _rotation(rotated: list[SigningKey], fresh: SigningKey) -> Rotation:
    before = [key for key in rotated if key.alg == fresh.alg and key.until is not None]
    return Rotation(fresh, max(before, key=lambda key: key.until or key.published_at))


def _destroy_retired(folder: Path, keys: list[SigningKey]) -> None:
    for key in keys:
        if key.state is State.PREVIOUS:
            files.remove(folder / f"{key.kid}.pem")


def _made(folder: Path, alg: str, *, state: State) -> SigningKey:
    private, jwk = _MAKERS[alg]()
    kid = jwk["kid"]
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files.replace(folder / f"{kid}.pem", pem)
    return SigningKey(kid=kid, alg=alg, state=state, published_at=clock.now(), until=None, jwk=jwk)


def _new_es256() -> tuple[PrivateKey, dict[str, str]]:
    private = generate_private_key(SECP256R1())
    return private, _published(ECKey.import_key(private.public_key()), "ES256")


def _new_rs256() -> tuple[PrivateKey, dict[str, str]]:
    private = generate_rsa(public_exponent=65537, key_size=RSA_BITS)
    return private, _published(RSAKey.import_key(private.public_key()), "RS256")


_MAKERS = {"ES256": _new_es256, "RS256": _new_rs256}
_FIRST = (State.CURRENT, State.NEXT)


def _published(key: ECKey | RSAKey, alg: str) -> dict[str, str]:
    members = {name: str(value) for name, value in key.as_dict(private=False).items()}
    return {**members, "use": "sig", "alg": alg, "kid": key.thumbprint()}  # RFC 7638


def _keep(folder: Path, keys: list[SigningKey]) -> None:
    content = {"format": FORMAT, "keys": [_to_json(key) for key in keys]}
    files.replace(folder / LIST, json.dumps(content, indent=1).encode())


def _to_json(key: SigningKey) -> dict[str, Any]:
    until = key.until and key.until.isoformat()
    return {**asdict(key), "published_at": key.published_at.isoformat(), "until": until}


def _keys_of(found: dict[str, Any]) -> list[SigningKey]:
    if found["format"] != FORMAT:
        raise ValueError("a list of another format")
    return [_from_json(entry) for entry in found["keys"]]


def _from_json(entry: dict[str, Any]) -> SigningKey:
    if entry["alg"] not in _MAKERS or entry["jwk"]["kid"] != entry["kid"]:
        raise ValueError("a key that does not name itself")
    return SigningKey(
        kid=entry["kid"],
        alg=entry["alg"],
        state=State(entry["state"]),
        published_at=datetime.fromisoformat(entry["published_at"]),
        until=entry["until"] and datetime.fromisoformat(entry["until"]),
        jwk=entry["jwk"],
    )
