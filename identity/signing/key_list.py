"""The list of signing keys on disk, `keys.json`: which there are, and what each does."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from identity import files
from identity.signing.algorithms import ALGORITHMS

LIST = "keys.json"
# Never change: what keys.json says about itself. Members may be added.
FORMAT = "motlan-signing/v1"
FILE, TOKEN = "file", "token"  # where a private half is: beside the list, or in a PKCS#11 token


class State(StrEnum):
    """What a key does: published only, signing, or published until its last token has ended."""

    NEXT = "next"
    CURRENT = "current"
    PREVIOUS = "previous"


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """One key of the list. Its private half is kept elsewhere until it signs no more."""

    kid: str
    alg: str
    state: State
    published_at: datetime
    until: datetime | None  # null: it has not been retired
    jwk: Mapping[str, str]
    kept: str = FILE


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


def keep(folder: Path, keys: list[SigningKey]) -> None:
    """These are the keys from now on, for every process that looks."""
    content = {"format": FORMAT, "keys": [_to_json(key) for key in keys]}
    files.replace(folder / LIST, json.dumps(content, indent=1).encode())


def lacking(keys: list[SigningKey]) -> tuple[str, ...]:
    """The algorithms that no key of the list signs with; a list of an earlier version has some."""
    signing = {key.alg for key in keys if key.state is State.CURRENT}
    return tuple(alg for alg in ALGORITHMS if alg not in signing)


def _to_json(key: SigningKey) -> dict[str, Any]:
    until = key.until and key.until.isoformat()
    return {**asdict(key), "published_at": key.published_at.isoformat(), "until": until}


def _keys_of(found: dict[str, Any]) -> list[SigningKey]:
    if found["format"] != FORMAT:
        raise ValueError("a list of another format")
    return [_from_json(entry) for entry in found["keys"]]


def _from_json(entry: dict[str, Any]) -> SigningKey:
    kept = entry.get("kept", FILE)  # lists of the first version know nothing else
    if entry["alg"] not in ALGORITHMS or kept not in {FILE, TOKEN}:
        raise ValueError("a key of an unknown kind")
    if entry["jwk"]["kid"] != entry["kid"]:
        raise ValueError("a key that does not name itself")
    return SigningKey(
        kid=entry["kid"],
        alg=entry["alg"],
        state=State(entry["state"]),
        published_at=datetime.fromisoformat(entry["published_at"]),
        until=entry["until"] and datetime.fromisoformat(entry["until"]),
        jwk=entry["jwk"],
        kept=kept,
    )
