"""The public keys of public services, RFC 7517: registered, or fetched from their `jwks_uri`."""

import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from identity import outbound
from identity.certificates import listed
from identity.public_services.client_assertion import ALGORITHMS
from identity.public_services.registered import Registered

log = structlog.get_logger(__name__)

Key = Mapping[str, Any]
FRESH_SECONDS = 600.0  # a set this young is used as it is
LONGEST_SECONDS = 3600.0  # a set this old is of no use, though its address does not answer
PAUSE_SECONDS = 60.0  # at most one fetch a minute, however many unknown kids arrive
MOST_KEYS = 16
LEAST_RSA_BITS = 2048
SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# RS256 verifies request objects where that was registered, and never who asks.
KEY_ALGORITHMS = (*ALGORITHMS, "RS256")
CURVES = frozenset({"P-256", "Ed25519"})


def keys(service: Registered, kid: str | None) -> tuple[Key, ...]:
    """The keys that may have signed under that kid; every one of the service when kid is null."""
    if service.jwks_uri is None:
        return _named(service.keys, kid)
    return _fetched.keys(service.id, service.jwks_uri, kid=kid)


def forget() -> None:
    """Fetch again at the next use."""
    _fetched.forget()


def _named(among: tuple[Key, ...], kid: str | None) -> tuple[Key, ...]:
    return among if kid is None else tuple(key for key in among if key.get("kid") == kid)


@dataclass
class _Set:
    """One fetched key set; `tried_at` moves with every try, `got_at` with every success."""

    lock: threading.Lock
    uri: str
    keys: tuple[Key, ...] = ()
    got_at: float = -LONGEST_SECONDS
    tried_at: float = -PAUSE_SECONDS


class _Fetched:
    """The key sets of this process, one for each service that has a `jwks_uri`."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._sets: dict[uuid.UUID, _Set] = {}

    def keys(self, service_id: uuid.UUID, uri: str, *, kid: str | None) -> tuple[Key, ...]:
        """What matches the kid, after at most one fetch."""
        kept = self._of(service_id, uri)
        with kept.lock:  # whoever comes meanwhile gets what this fetch brings
            now = time.monotonic()
            is_fresh = now - kept.got_at < FRESH_SECONDS
            is_enough = is_fresh and bool(_named(kept.keys, kid))
            if not is_enough and now - kept.tried_at >= PAUSE_SECONDS:
                kept.tried_at = now
                _fetch(kept)
            is_usable = time.monotonic() - kept.got_at < LONGEST_SECONDS
            return _named(kept.keys, kid) if is_usable else ()

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
        kept.keys = public_keys(outbound.get_json(kept.uri))
        kept.got_at = time.monotonic()
    except (outbound.OutboundRefused, NotPublicKeysError) as fault:
        # The keys we had stay good for an hour; without any the service is refused.
        log.warning("jwks_uri gave no keys", kind=type(fault).__name__)


_fetched = _Fetched()


class NotPublicKeysError(ValueError):
    """What was shown is no set of public keys that we can verify with; the text says why."""


def public_keys(told: object) -> tuple[Mapping[str, Any], ...]:
    """The keys of a JWK Set, each one public, asymmetric, strong enough and named once.

    Raises:
        NotPublicKeysError: it is anything else.
    """
    found = told.get("keys") if isinstance(told, dict) else None
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_KEYS:
        raise NotPublicKeysError(f'must be {{"keys": […]}} with 1 to {MOST_KEYS} keys')
    for key in found:
        _check(key)
    kids = [key.get("kid") for key in found]
    if len(found) > 1 and (None in kids or len(set(kids)) != len(kids)):
        raise NotPublicKeysError("several keys need a kid each, and each its own")
    return tuple(found)


def _check(key: object) -> None:
    if not isinstance(key, dict):
        raise NotPublicKeysError("a key must be an object")
    if SECRET_MEMBERS & key.keys():
        raise NotPublicKeysError("a key has private members; only public keys are taken")
    if key.get("use", "sig") != "sig":
        raise NotPublicKeysError("a key is not for signatures (use must be sig)")
    if key.get("alg", "ES256") not in KEY_ALGORITHMS:
        raise NotPublicKeysError("a key's alg is not one of " + ", ".join(sorted(KEY_ALGORITHMS)))
    if not isinstance(key.get("kid", ""), str):
        raise NotPublicKeysError("a kid must be text")
    try:
        parsed = KeySet.import_key_set({"keys": [key]}).keys[0]
    except (JoseError, ValueError, TypeError, KeyError):
        raise NotPublicKeysError("a key cannot be read") from None
    if not _is_strong(parsed, key):
        raise NotPublicKeysError("a key must be P-256, Ed25519 or RSA of 2048 bits or more")
    _check_certificate(parsed, key)


def _check_certificate(parsed: Any, key: Mapping[str, Any]) -> None:  # noqa: ANN401 - of any kind
    try:
        listed.check(key, parsed.public_key)
    except ValueError as fault:
        raise NotPublicKeysError(str(fault)) from None


def _is_strong(parsed: object, key: Mapping[str, Any]) -> bool:
    if isinstance(parsed, RSAKey):
        return bool(parsed.public_key.key_size >= LEAST_RSA_BITS)
    return isinstance(parsed, ECKey | OKPKey) and key.get("crv") in CURVES
