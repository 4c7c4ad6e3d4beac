"""The signing keys as one process holds them: parsed once, for one state of their list."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jwt

from identity import clock, files, jws
from identity.errors import InvalidToken
from identity.signing.algorithms import ALGORITHMS
from identity.signing.key_files import Keepers
from identity.signing.key_list import LIST, SigningKey, State, listed
from identity.signing.signers import Signer

# RFC 9068 §2.1; OpenID Connect Core §2; Back-Channel Logout §2.4; RFC 8417 §2.3
ACCESS_TOKEN, ID_TOKEN, LOGOUT_TOKEN, EVENT = "at+jwt", "JWT", "logout+jwt", "secevent+jwt"
INTROSPECTION = "token-introspection+jwt"  # RFC 9701 §5
# OIDC Core §5.3.2 and JARM §2.1 name no type. Clients refuse one that is made up, and JWT would
# make an ID token to hint with of both (RFC 8725 §3.11): so they have none.
USERINFO = ANSWER = ""
TYPES = (ACCESS_TOKEN, ID_TOKEN, LOGOUT_TOKEN, EVENT, USERINFO, INTROSPECTION)

REMEMBERED = 2048  # tokens whose signature was checked; at most a few megabytes


@dataclass(frozen=True)
class Known:
    """What a header that we wrote ourselves says: the type, and the one key for it."""

    typ: str
    alg: str
    key: jwt.PyJWK


@dataclass(frozen=True, eq=False)
class Signed:
    """What a token says, now that its signature is known to be ours: a fact that cannot change.

    Each is only itself, so that what is worked out of one can be remembered beside it.
    """

    typ: str
    alg: str
    claims: Mapping[str, Any]


@dataclass(frozen=True)
class Ring:
    """The keys as they stood when the list was last read."""

    seen: tuple[int, ...]
    algorithms: tuple[str, ...]  # those that a key signs with; lists of before may lack some
    signers: Mapping[tuple[str, str], tuple[bytes, Signer]]
    jwks: bytes
    read_signed: Callable[[str], Signed]  # remembers; a new ring starts with nothing remembered


def read(folder: Path, keepers: Keepers) -> Ring:
    """The keys as they stand now.

    Raises:
        UnsafeFileError: the list or a private half cannot be used.
    """
    try:
        return _parsed(folder, _signers(keepers))
    except files.UnsafeFileError:
        # A rotation between the list and the key file; if it is no rotation, this raises again.
        return _parsed(folder, _signers(keepers))


def without(folder: Path, before: Ring) -> Ring:
    """The keys that are believed now, while private halves cannot be had.

    Of those that sign, only such as signed before. The list is read again at the next look.

    Raises:
        UnsafeFileError: the list itself cannot be used.
    """

    def known(key: SigningKey) -> Signer | None:
        header, by = before.signers.get((ID_TOKEN, key.alg), (b"", None))
        return by if header == _header(key, ID_TOKEN) else None

    return replace(_parsed(folder, known), seen=())


def stamp(folder: Path) -> tuple[int, ...]:
    """What changes whenever the list does; empty: it cannot be looked at."""
    try:
        found = (folder / LIST).stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def refused(note: str) -> InvalidToken:
    """One sentence for the caller, whatever was wrong; the reason is for our log."""
    return InvalidToken("the token is not valid", note=f"token: {note}")


def _signers(keepers: Keepers) -> Callable[[SigningKey], Signer]:
    return lambda key: keepers.of_key(key).signer(key.kid, key.alg)


def _parsed(folder: Path, signer: Callable[[SigningKey], Signer | None]) -> Ring:
    seen = stamp(folder)
    keys = [key for key in listed(folder) if not _is_over(key)]
    found = [(key, signer(key)) for key in keys if key.state is State.CURRENT]
    current = [(key, by) for key, by in found if by is not None]
    headers = {
        _header(key, typ).decode(): Known(typ, key.alg, jwt.PyJWK(dict(key.jwk), key.alg))
        for key in keys
        for typ in TYPES
    }
    signing = {key.alg for key, _ in current}
    return Ring(
        seen=seen,
        algorithms=tuple(alg for alg in ALGORITHMS if alg in signing),
        signers={(typ, key.alg): (_header(key, typ), by) for key, by in current for typ in TYPES},
        jwks=jws.compact({"keys": [key.jwk for key in keys]}),
        read_signed=lru_cache(maxsize=REMEMBERED)(partial(_read_signed, headers)),
    )


def _read_signed(headers: Mapping[str, Known], token: str) -> Signed:
    message, _, signature = token.rpartition(".")
    header, _, payload = message.partition(".")
    known = headers.get(header)
    if known is None:
        raise refused("no header of ours")
    try:
        raw, claims = jws.from_base64url(signature), jws.from_base64url(payload)
    except ValueError:
        raise refused("encoding") from None
    if not known.key.Algorithm.verify(message.encode(), known.key.key, raw):
        raise refused("signature")
    return Signed(known.typ, known.alg, MappingProxyType(json.loads(claims)))


def _is_over(key: SigningKey) -> bool:
    return key.until is not None and key.until <= clock.now()


def _header(key: SigningKey, typ: str) -> bytes:
    return jws.header(alg=key.alg, kid=key.kid, typ=typ)
