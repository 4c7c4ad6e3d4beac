"""The one place that signs and verifies our JWTs, RFC 7515 and RFC 8725."""

import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog

from identity import clock, files, jws, settings, waiting
from identity.signing import key_files, key_list, ring
from identity.signing.algorithms import ALGORITHMS
from identity.signing.key_files import Keepers, Removal, Rotation
from identity.signing.ring import (
    ACCESS_TOKEN,
    ANSWER,
    EVENT,
    ID_TOKEN,
    INTROSPECTION,
    LOGOUT_TOKEN,
    REMEMBERED,
    TYPES,
    USERINFO,
    Ring,
    Signed,
    refused,
)

__all__ = [
    "ACCESS_TOKEN",
    "ANSWER",
    "EVENT",
    "FOLDER",
    "ID_TOKEN",
    "INTROSPECTION",
    "LOGOUT_TOKEN",
    "REMEMBERED",
    "TYPES",
    "USERINFO",
    "Signed",
    "SigningKeys",
    "algorithms",
    "create",
    "jwks",
    "read_signed",
    "remove",
    "rotate",
    "sign",
    "signing_keys",
    "verified",
]

FOLDER = "signing"
LONGEST = 16_384  # characters; more is not read, let alone decoded
AHEAD_SECONDS = 60  # how far another process's clock may be ahead of ours
LOOK_AGAIN_SECONDS = 1.0  # how old our idea of the key list may be
TOO_OLD_SECONDS = 2.0  # then everybody waits for the look

log = structlog.get_logger(__name__)


class SigningKeys:
    """The signing keys of this process: parsed once, and again when the list has changed."""

    def __init__(self, folder: Path, keepers: Keepers | None = None) -> None:
        self._folder = folder
        self._keepers = keepers or Keepers.of(folder)
        self._ring = ring.read(folder, self._keepers)
        self._looked_at = time.monotonic()
        self._looking = threading.Lock()

    def sign(self, claims: Mapping[str, Any] | bytes, *, typ: str, alg: str = "ES256") -> str:
        """The claims, or their JSON, as a compact JWT of this type under the current key."""
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
        return self._signed(token, typ=typ, algorithms=algorithms).claims

    def _signed(self, token: str, *, typ: str, algorithms: Collection[str]) -> Signed:
        if len(token) > LONGEST:
            raise refused("too long")
        signed = self._fresh().read_signed(token)
        if signed.typ != typ or signed.alg not in algorithms:
            raise refused("another type or algorithm")
        return signed

    def verified(
        self,
        token: str,
        *,
        typ: str,
        audience: Collection[str],
        issuer: str,
        algorithms: Collection[str] = ("ES256",),
    ) -> Signed:
        """A token of ours that is in time and meant for one of these audiences.

        Raises:
            InvalidToken: as for `read_signed`, or of another issuer or audience, or over.
        """
        signed = self._signed(token, typ=typ, algorithms=algorithms)
        claims = signed.claims
        if claims.get("iss") != issuer:
            raise refused("iss")
        # Ours have one audience; a list would let one token open two doors.
        aud = claims.get("aud")
        wanted = {audience} if isinstance(audience, str) else audience  # never a part of a text
        if not isinstance(aud, str) or aud not in wanted:
            raise refused("aud")
        _check_times(claims)
        return signed

    def algorithms(self) -> tuple[str, ...]:
        """What we can sign with now; a list of an earlier version lacks some at first."""
        return self._fresh().algorithms

    def try_out(self, algorithms: Collection[str]) -> None:
        """The keys that sign with these have just signed something.

        Raises:
            UnsafeFileError: one cannot, such as a token that is away.
        """
        for alg in algorithms:
            self.sign({}, typ=ID_TOKEN, alg=alg)

    def lacking(self) -> tuple[str, ...]:
        """The algorithms that no key signs with, although one could be made."""
        return self._keepers.lacked(key_list.listed(self._folder))

    def jwks(self) -> bytes:
        """The published key set, RFC 7517 §5, as it is sent."""
        return self._fresh().jwks

    def _fresh(self) -> Ring:
        """The keys as they were a moment ago, however long nobody asked before.

        One thread looks, and the others go on meanwhile; but nobody goes on with what was true
        when a quiet hour began, or a stolen key would open doors for whoever asks beside the look.
        """
        age = time.monotonic() - self._looked_at
        if age < LOOK_AGAIN_SECONDS:
            return self._ring
        waiting.require()  # reading keys takes long, with a token outside of us longer still
        if self._looking.acquire(blocking=age >= TOO_OLD_SECONDS):
            try:
                if time.monotonic() - self._looked_at >= LOOK_AGAIN_SECONDS:
                    self._look()
            finally:
                self._looking.release()
        return self._ring

    def look(self) -> None:
        """Whoever asks within the next second has no look to take, nor to wait for."""
        with self._looking:
            self._look()

    def _look(self) -> None:
        now = time.monotonic()
        try:
            if ring.stamp(self._folder) != self._ring.seen:
                self._ring = ring.read(self._folder, self._keepers)
        except files.UnsafeFileError as fault:
            log.warning("signing_keys_unreadable", fault=str(fault))
            self._do_without()
        finally:
            self._looked_at = now

    def _do_without(self) -> None:
        # A token is away, and perhaps a key was taken out for being stolen: that counts at once.
        try:
            self._ring = ring.without(self._folder, self._ring)
        except files.UnsafeFileError:
            return  # what was true a second ago still is; a restart or a rotation would refuse


def signing_keys() -> SigningKeys:
    """The signing keys of our installation."""
    return _opened(settings.current().secrets)


def watch() -> None:
    """From now on this process looks by itself, so that nobody who asks has to wait for it."""
    with suppress(Exception):  # whatever it is, the next to ask meets it and tells it
        signing_keys()  # here, or all who ask first would parse them beside each other
    threading.Thread(target=_watch, name="keys", daemon=True).start()


def _watch() -> None:
    while True:
        time.sleep(LOOK_AGAIN_SECONDS / 2)
        with suppress(Exception):  # whatever it is, the next to ask meets it and tells it
            signing_keys().look()


def sign(claims: Mapping[str, Any] | bytes, *, typ: str, alg: str = "ES256") -> str:
    """The claims, or their JSON, as a compact JWT of this type under our current key."""
    return signing_keys().sign(claims, typ=typ, alg=alg)


def verified(token: str, *, typ: str, audience: Collection[str]) -> Signed:
    """A token of ours, in time, for one of these audiences; ES256 only.

    Raises:
        InvalidToken: it is anything else.
    """
    issuer = settings.current().issuer
    return signing_keys().verified(token, typ=typ, audience=audience, issuer=issuer)


def read_signed(token: str, *, typ: str, algorithms: Collection[str]) -> Mapping[str, Any]:
    """The claims of a token that we signed, whoever it is for and however old.

    Raises:
        InvalidToken: we did not sign this, or not as this.
    """
    return signing_keys().read_signed(token, typ=typ, algorithms=algorithms)


def algorithms() -> tuple[str, ...]:
    """What we can sign with now, the first choice first."""
    return signing_keys().algorithms()


def create() -> None:
    """Our folder holds keys of each algorithm; what is there stays."""
    folder = settings.current().secrets / FOLDER
    key_files.create(folder, _keepers(folder))


def rotate(
    *, early: bool = False, algorithms: Collection[str] = ALGORITHMS
) -> tuple[Rotation, ...]:
    """Our next keys of these sign from now on; every process notices within a second.

    Raises:
        RotatedTooSoonError: others may not know the next key yet, and `early` was not said.
    """
    folder = settings.current().secrets / FOLDER
    cached = settings.current().jwks_cached
    return key_files.rotate(
        folder, _keepers(folder), early=early, cached=cached, algorithms=algorithms
    )


def remove(kid: str) -> Removal:
    """Nothing that this key signed is believed any more; every process notices within a second.

    Raises:
        NoSuchKeyError: there is none with that id.
    """
    folder = settings.current().secrets / FOLDER
    return key_files.remove(folder, _keepers(folder), kid=kid)


def jwks() -> bytes:
    """The published key set as it is sent."""
    return signing_keys().jwks()


@lru_cache(maxsize=4)
def _opened(secrets: Path) -> SigningKeys:
    return SigningKeys(secrets / FOLDER, _keepers(secrets / FOLDER))


def _keepers(folder: Path) -> Keepers:
    chosen = settings.current()
    if chosen.hsm_module is None:
        return Keepers.of(folder)
    try:
        # Only who has a token needs its library.
        from identity.signing import token_keys  # noqa: PLC0415 - see above
    except ImportError:
        raise files.UnsafeFileError(
            "MOTLAN_HSM_MODULE needs python-pkcs11: install the extra hsm"
        ) from None
    token = token_keys.keeper(chosen.hsm_module, chosen.hsm_token, secrets=folder.parent)
    return Keepers.of(folder, token)


def _check_times(claims: Mapping[str, Any]) -> None:
    now = clock.seconds()
    exp, iat = claims.get("exp"), claims.get("iat")
    if not isinstance(exp, int) or now >= exp:
        raise refused("exp")
    if not isinstance(iat, int) or iat > now + AHEAD_SECONDS:
        raise refused("iat")
