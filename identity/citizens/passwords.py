"""People's passwords: Argon2id (RFC 9106), a bounded number at a time, a dummy for nobody."""

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from identity import meters, readings, settings, waiting
from identity.errors import TooManyRequests

WAIT_SECONDS = 10
LONGEST = 1024  # characters; nobody types more, and hashing more would only cost


class SignInBusy(TooManyRequests):
    """So many people sign in at once that this one would wait too long."""

    slug = "sign-in-busy"
    title = "Too many people are signing in"


@lru_cache(maxsize=4)
def _hasher(chosen: settings.Settings) -> PasswordHasher:
    return PasswordHasher(
        time_cost=chosen.argon2_time,
        memory_cost=chosen.argon2_memory_kib,
        parallelism=chosen.argon2_parallel,
    )


def _current() -> PasswordHasher:
    return _hasher(settings.current())


@lru_cache(maxsize=4)
def _dummy(hasher: PasswordHasher) -> str:
    """A hash of nobody's password, so that an unknown number costs what a wrong password costs."""
    return hasher.hash("nobody")


@lru_cache(maxsize=4)
def _places(count: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(count)


def at_once() -> int:
    """How many passwords this process hashes at a time."""
    return max(1, readings.cores() // settings.current().processes)


@contextmanager
def _a_place() -> Iterator[None]:
    waiting.require()
    # Hashing leaves Python's lock, so without a bound a flood of sign-ins would take every core
    # from the token endpoint.
    places = _places(at_once())
    with meters.QUEUED.track_inprogress():
        has_one = places.acquire(timeout=WAIT_SECONDS)
    if not has_one:
        raise SignInBusy("try again in a few seconds", headers=(("Retry-After", "5"),))
    try:
        with meters.HASHING.track_inprogress():
            yield
    finally:
        places.release()


def hash_password(password: str) -> str:
    """The hash to keep, at today's cost."""
    with _a_place():
        return _current().hash(_one_form(password))


def is_right(password: str, kept: str | None) -> bool:
    """Whether this is the password behind a hash; a null hash is nobody's and takes as long.

    Raises:
        SignInBusy: no place became free in time.
    """
    hasher = _current()
    against = kept or _dummy(hasher)
    is_possible = kept is not None and len(password) <= LONGEST
    with _a_place():
        try:
            hasher.verify(against, _one_form(password[:LONGEST]))
        except (VerificationError, InvalidHashError):
            return False
    return is_possible


def is_outdated(kept: str) -> bool:
    """Whether the cost was changed since, so that the next right sign-in hashes again."""
    return _current().check_needs_rehash(kept)


def _one_form(password: str) -> str:
    """The same password from every keyboard: `ệ` has several spellings (NIST SP 800-63B §3.1.1)."""
    return unicodedata.normalize("NFKC", password)
