"""The one place that signs and verifies our JWTs, RFC 7515 and RFC 8725."""

import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jwt
import structlog

from identity import clock, files, jws, settings
from identity.errors import InvalidToken
from identity.signing import key_files
from identity.signing.key_files import Rotation, SigningKey, State, create
from identity.signing.signers import Signer, signer

__all__ = [
    "ACCESS_TOKEN",
    "EVENT",
    "FOLDER",
    "ID_TOKEN",
    "LOGOUT_TOKEN",
    "USERINFO",
    "SigningKeys",
    "create",
    "jwks",
    "read_signed",
    "rotate",
    "sign",
    "signing_keys",
    "verify",
]

FOLDER = "signing"
# RFC 9068 §2.1; OpenID Connect Core §2; Back-Channel Logout §2.4; RFC 8417 §2.3
ACCESS_TOKEN, ID_TOKEN, LOGOUT_TOKEN, EVENT = "at+jwt", "JWT", "logout+jwt", "secevent+jwt"
USERINFO = "userinfo+jwt"  # a name of ours, RFC 8725 §3.11: no ID token that somebody hints with
TYPES = (ACCESS_TOKEN, ID_TOKEN, LOGOUT_TOKEN, EVENT, USERINFO)

LONGEST = 16_384  # characters; more is not read, let alone decoded
AHEAD_SECONDS = 60  # how far another process's clock may be ahead of ours
LOOK_AGAIN_SECONDS = 1.0  # how old our idea of the key list may be
REMEMBERED = 2048  # tokens whose signature was checked; at most a few megabytes

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Known:
    """What a header that we wrote ourselves says: the type, and the one key for it."""

    typ: str
    alg: str
    key: jwt.PyJWK


@dataclass(frozen=True)
class Signed:
    """What a token says, now that its signature is known to be ours: a fact that cannot change."""

    typ: str
    alg: str
    claims: Mapping[str, Any]


@dataclass(frozen=True)
class Ring:
    """The keys as they stood when the list was last read."""

    seen: tuple[int, ...]
    signers: Mapping[tuple[str, str], tuple[bytes, Signer]]
    jwks: bytes
    read_signed: Callable[[str], Signed]  # remembers; a new ring starts with nothing remembered


class SigningKeys:
    """The signing keys of this process: parsed once, and again when the list has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ring = _read(folder)
        self._looked_at = time.monotonic()
        self._looking = threading.Lock()

    def sign(self, claims: Mapping[str, Any], *, typ: str, alg: str = "ES256") -> str:
        """The claims as a compact JWT of this type under the current key."""
        header, by = self._fresh().signers[typ, alg]
        return jws.signed(header, claims, by=by.sign)

    def read_signed(
        self, token: str, *, typ: str, algorithms: Collection[str]
    ) -> Mapping[str, Any]:
        """The claims of a token of this type that we signed, whoever it is for and however old.

        Its header must be, to the letter, one that we write: so no `alg`, `kid`, `jku`, `x5u`
        or `crit` of anybody else is ever interpreted (RFC 8725 §3.1, §3.9 to §3.11).

        Raises:
            InvalidToken: not ours, of another type or algorithm, changed, or too long.
        """
        if len(token) > LONGEST:
            raise _refused("too long")
        signed = self._fresh().read_signed(token)
        if signed.typ != typ or signed.alg not in algorithms:
            raise _refused("another type or algorithm")
        return signed.claims

    def verify(
        self,
        token: str,
        *,
        typ: str,
        audience: Collection[str],
        issuer: str,
        algorithms: Collection[str] = ("ES256",),
    ) -> Mapping[str, Any]:
        """The claims of a token of ours that is in time and meant for one of these audiences.

        Raises:
            InvalidToken: as for `read_signed`, or of another issuer or audience, or over.
        """
        claims = self.read_signed(token, typ=typ, algorithms=algorithms)
        if claims.get("iss") != issuer:
            raise _refused("iss")
        # Ours have one audience; a list would let one token open two doors.
        aud = claims.get("aud")
        wanted = {audience} if isinstance(audience, str) else audience  # never a part of a text
        if not isinstance(aud, str) or aud not in wanted:
            raise _refused("aud")
        _check_times(claims)
        return claims

    def jwks(self) -> bytes:
        """The published key set, RFC 7517 §5, as it is sent."""
        return self._fresh().jwks

    def _fresh(self) -> Ring:
        now = time.monotonic()
        if now - self._looked_at >= LOOK_AGAIN_SECONDS and self._looking.acquire(blocking=False):
            try:  # one thread looks; the others go on with what was true a second ago
                self._looked_at = now
                if _stamp(self._folder) != self._ring.seen:
                    self._ring = _read(self._folder)
            except files.UnsafeFileError as fault:
                # What was true a second ago still is; a restart or a rotation would refuse.
                log.warning("signing_keys_unreadable", fault=str(fault))
            finally:
                self._looking.release()
        return self._ring


def signing_keys() -> SigningKeys:
    """The signing keys of our installation."""
    return _opened(settings.current().secrets)


def sign(claims: Mapping[str, Any], *, typ: str, alg: str = "ES256") -> str:
    """The claims as a compact JWT of this type under our current key."""
    return signing_keys().sign(claims, typ=typ, alg=alg)


def verify(token: str, *, typ: str, audience: Collection[str]) -> Mapping[str, Any]:
    """The claims of a token of ours, in time, for one of these audiences; ES256 only.

    Raises:
        InvalidToken: it is anything else.
    """
    issuer = settings.current().issuer
    return signing_keys().verify(token, typ=typ, audience=audience, issuer=issuer)


def read_signed(token: str, *, typ: str, algorithms: Collection[str]) -> Mapping[str, Any]:
    """The claims of a token that we signed, whoever it is for and however old.

    Raises:
        InvalidToken: we did not sign this, or not as this.
    """
    return signing_keys().read_signed(token, typ=typ, algorithms=algorithms)


def rotate(*, early: bool = False) -> tuple[Rotation, ...]:
    """Our next keys sign from now on; every process notices within a second.

    Raises:
        RotatedTooSoonError: others may not know the next key yet, and `early` was not said.
    """
    return key_files.rotate(settings.current().secrets / FOLDER, early=early)


def jwks() -> bytes:
    """The published key set as it is sent."""
    return signing_keys().jwks()


@lru_cache(maxsize=4)
def _opened(secrets: Path) -> SigningKeys:
    return SigningKeys(secrets / FOLDER)


def _read(folder: Path) -> Ring:
    try:
        return _parsed(folder)
    except files.UnsafeFileError:
        # A rotation between the list and the key file; if it is no rotation, this raises again.
        return _parsed(folder)


def _parsed(folder: Path) -> Ring:
    seen = _stamp(folder)
    keys = [key for key in key_files.listed(folder) if not _is_over(key)]
    current = [
        (key, signer(key_files.private_key(folder, key.kid)))
        for key in keys
        if key.state is State.CURRENT
    ]
    headers = {
        _header(key, typ).decode(): Known(typ, key.alg, jwt.PyJWK(dict(key.jwk), key.alg))
        for key in keys
        for typ in TYPES
    }
    return Ring(
        seen=seen,
        signers={(typ, key.alg): (_header(key, typ), by) for key, by in current for typ in TYPES},
        jwks=jws.compact({"keys": [key.jwk for key in keys]}),
        read_signed=lru_cache(maxsize=REMEMBERED)(partial(_read_signed, headers)),
    )


def _read_signed(headers: Mapping[str, Known], token: str) -> Signed:
    message, _, signature = token.rpartition(".")
    header, _, payload = message.partition(".")
    known = headers.get(header)
    if known is None:
        raise _refused("no header of ours")
    try:
        raw, claims = jws.from_base64url(signature), jws.from_base64url(payload)
    except ValueError:
        raise _refused("encoding") from None
    if not known.key.Algorithm.verify(message.encode(), known.key.key, raw):
        raise _refused("signature")
    return Signed(known.typ, known.alg, MappingProxyType(json.loads(claims)))


def _is_over(key: SigningKey) -> bool:
    return key.until is not None and key.until <= clock.now()


def _header(key: SigningKey, typ: str) -> bytes:
    return jws.header(alg=key.alg, kid=key.kid, typ=typ)


def _stamp(folder: Path) -> tuple[int, ...]:
    try:
        found = (folder / key_files.LIST).stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _check_times(claims: Mapping[str, Any]) -> None:
    now = clock.now().timestamp()
    exp, iat = claims.get("exp"), claims.get("iat")
    if not isinstance(exp, int) or now >= exp:
        raise _refused("exp")
    if not isinstance(iat, int) or iat > now + AHEAD_SECONDS:
        raise _refused("iat")


def _refused(note: str) -> InvalidToken:
    # One sentence for the caller, whatever was wrong; the reason is for our log.
    return InvalidToken("the token is not valid", note=f"token: {note}")
