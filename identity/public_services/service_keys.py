"""The public keys of public services, RFC 7517: registered, or fetched from their `jwks_uri`."""

import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from identity import outbound, waiting
from identity.certificates import listed
from identity.public_services.client_assertion import ALGORITHMS, BY_NAME, OFFERED
from identity.public_services.registered import Registered

log = structlog.get_logger(__name__)

Key = Mapping[str, Any]
FRESH_SECONDS = 600.0  # a set this young is used as it is
LONGEST_SECONDS = 3600.0  # a set this old is of no use, though its address does not answer
PAUSE_SECONDS = 60.0  # at most one fetch a minute, however many unknown kids arrive
WAIT_SECONDS = 1.0  # for another's first fetch
MOST_KEYS = 16
LEAST_RSA_BITS = 2048
SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
KEY_ALGORITHMS = OFFERED
# RFC 7518 §4.1: how a key for encryption may be used, and what it must be.
KEY_MANAGEMENT = ("ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256")
SIGNATURE, ENCRYPTION = "sig", "enc"
USES: Mapping[str, tuple[str, ...]] = {SIGNATURE: KEY_ALGORITHMS, ENCRYPTION: KEY_MANAGEMENT}
CURVES = {SIGNATURE: frozenset({"P-256", "Ed25519"}), ENCRYPTION: frozenset({"P-256", "X25519"})}


def keys(service: Registered, kid: str | None) -> tuple[Key, ...]:
    """The keys that may have signed under that kid; every one of the service when kid is null."""
    return _among(service, lambda key: use_of(key) == SIGNATURE and kid in {None, key.get("kid")})


def assertion_algs(service: Registered, own: Iterable[Key]) -> tuple[str, ...]:
    """What its client assertions may be signed by, with these keys of its own."""
    if service.assertion_alg is not None:
        return (service.assertion_alg,)
    is_named = service.is_plain and any(key.get("alg") == BY_NAME for key in own)
    return (*ALGORITHMS, BY_NAME) if is_named else ALGORITHMS


def recipient_key(service: Registered, alg: str) -> Key | None:
    """The key that we encrypt to with this algorithm; null: the service shows none.

    Of several the first that it lists: whoever changes keys puts the new one there.
    """
    return next(iter(_among(service, lambda key: can_encrypt(key, alg))), None)


def use_of(key: Key) -> str:
    """What a key is for; one that does not say so is for signatures alone."""
    return str(key.get("use", SIGNATURE))


def can_encrypt(key: Key, alg: str) -> bool:
    """Whether it is a key to encrypt to with this algorithm."""
    is_rsa = key.get("kty") == "RSA"
    is_fit = use_of(key) == ENCRYPTION and key.get("alg", alg) == alg
    return is_fit and is_rsa == alg.startswith("RSA")


def _among(service: Registered, is_wanted: Callable[[Key], bool]) -> tuple[Key, ...]:
    if service.jwks_uri is None:
        return tuple(filter(is_wanted, service.keys))
    return _fetched.matching(service.id, service.jwks_uri, is_wanted=is_wanted)


def forget() -> None:
    """Fetch again at the next use."""
    _fetched.forget()


@dataclass
class _Set:
    """One fetched key set; `tried_at` moves with every try, `got_at` with every success."""

    lock: threading.Lock
    uri: str
    keys: tuple[Key, ...] = ()
    got_at: float = -LONGEST_SECONDS
    tried_at: float = -PAUSE_SECONDS

    @property
    def is_usable(self) -> bool:
        """Whether it was there at all within the hour."""
        return time.monotonic() - self.got_at < LONGEST_SECONDS

    def is_enough(self, is_wanted: Callable[[Key], bool]) -> bool:
        """Whether it is fresh and has what is wanted."""
        is_fresh = time.monotonic() - self.got_at < FRESH_SECONDS
        return is_fresh and any(map(is_wanted, self.keys))

    def renew(self, is_wanted: Callable[[Key], bool]) -> None:
        """Fetched again, where it is old or lacks what is wanted, and not a moment ago; locked."""
        now = time.monotonic()
        if not self.is_enough(is_wanted) and now - self.tried_at >= PAUSE_SECONDS:
            self.tried_at = now
            _fetch(self)


class _Fetched:
    """The key sets of this process, one for each service that has a `jwks_uri`."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._sets: dict[uuid.UUID, _Set] = {}

    def matching(
        self, service_id: uuid.UUID, uri: str, *, is_wanted: Callable[[Key], bool]
    ) -> tuple[Key, ...]:
        """The keys that are wanted, after at most one fetch.

        Anybody may name a service and a key, so a slow address must keep no thread for long: who
        comes while another fetches goes on with what is there, or waits a moment for the first.
        """
        kept = self._of(service_id, uri)
        if not kept.is_enough(is_wanted):
            waiting.require()  # before it counts as a try, and before the lock
            self._renew(kept, is_wanted)
        return tuple(filter(is_wanted, kept.keys)) if kept.is_usable else ()

    @staticmethod
    def _renew(kept: _Set, is_wanted: Callable[[Key], bool]) -> None:
        if kept.lock.acquire(timeout=0 if kept.is_usable else WAIT_SECONDS):
            try:
                kept.renew(is_wanted)
            finally:
                kept.lock.release()

    def forget(self) -> None:
        with self._guard:
            self._sets.clear()

    def _of(self, service_id: uuid.UUID, uri: str) -> _Set:
        with self._guard:
            kept = self._sets.get(service_id)
            if kept is None or kept.uri != uri:  # registered anew with another address
                kept = self._sets[service_id] = _Set(threading.Lock(), uri)
            return kept


def _fetch(kept: _Set) -> None:
    try:
        kept.keys = usable_keys(outbound.get_json(kept.uri))
        kept.got_at = time.monotonic()
    except (outbound.OutboundRefused, NotPublicKeysError) as fault:
        # The keys we had stay good for an hour; without any the service is refused.
        log.warning("jwks_uri gave no keys", kind=type(fault).__name__)


_fetched = _Fetched()


class NotPublicKeysError(ValueError):
    """What was shown is no set of public keys that we can use; the text says why."""


def public_keys(
    told: object, uses: Collection[str] = (SIGNATURE, ENCRYPTION)
) -> tuple[Mapping[str, Any], ...]:
    """The keys of a JWK Set, each one public, asymmetric, strong enough and named once.

    Raises:
        NotPublicKeysError: it is anything else.
    """
    found = _listed(told)
    for key in found:
        _check(key, uses)
    return _named_once(found)


def usable_keys(told: object) -> tuple[Mapping[str, Any], ...]:
    """Those of a fetched set that we can use: it may be meant for others too (RFC 7517 §5).

    Raises:
        NotPublicKeysError: it is no set, or shows anything private: then nothing of it is believed.
    """
    found = _listed(told)
    if any(isinstance(key, dict) and SECRET_MEMBERS & key.keys() for key in found):
        raise NotPublicKeysError("a key has private members; only public keys are taken")
    return _named_once([key for key in found if _is_usable(key)])


def _listed(told: object) -> list[Any]:
    found = told.get("keys") if isinstance(told, dict) else None
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_KEYS:
        raise NotPublicKeysError(f'must be {{"keys": […]}} with 1 to {MOST_KEYS} keys')
    return found


def _named_once(found: list[Any]) -> tuple[Mapping[str, Any], ...]:
    """One name may stand for a key of each kind, which tells them apart (FAPI 2.0 §5.4.3)."""
    names = {(key.get("kid"), use_of(key), *map(key.get, ("kty", "crv", "alg"))) for key in found}
    if len(names) != len(found):
        raise NotPublicKeysError("two keys of one kind need a kid each, and each its own")
    return tuple(found)


def _is_usable(key: object) -> bool:
    try:
        _check(key, (SIGNATURE, ENCRYPTION))
    except NotPublicKeysError:
        return False
    return True


def _check(key: object, uses: Collection[str]) -> None:
    if not isinstance(key, dict):
        raise NotPublicKeysError("a key must be an object")
    if SECRET_MEMBERS & key.keys():
        raise NotPublicKeysError("a key has private members; only public keys are taken")
    use = key.get("use", SIGNATURE)
    if use not in tuple(uses):  # whatever it is
        raise NotPublicKeysError("a key's use must be " + " or ".join(uses))
    if "alg" in key and key["alg"] not in USES[use]:
        raise NotPublicKeysError("a key's alg is not one of " + ", ".join(sorted(USES[use])))
    if not isinstance(key.get("kid", ""), str):
        raise NotPublicKeysError("a kid must be text")
    try:
        parsed = KeySet.import_key_set({"keys": [key]}).keys[0]
    except (JoseError, ValueError, TypeError, KeyError):
        raise NotPublicKeysError("a key cannot be read") from None
    if not _is_strong(parsed, key):
        named = " or ".join(sorted(CURVES[use]))
        raise NotPublicKeysError(f"a key must be {named}, or RSA of 2048 bits or more")
    _check_certificate(parsed, key)


def _check_certificate(parsed: Any, key: Mapping[str, Any]) -> None:  # noqa: ANN401 - of any kind
    try:
        listed.check(key, parsed.public_key)
    except ValueError as fault:
        raise NotPublicKeysError(str(fault)) from None


def _is_strong(parsed: object, key: Mapping[str, Any]) -> bool:
    if isinstance(parsed, RSAKey):
        return bool(parsed.public_key.key_size >= LEAST_RSA_BITS)
    return isinstance(parsed, ECKey | OKPKey) and key.get("crv") in CURVES[use_of(key)]
