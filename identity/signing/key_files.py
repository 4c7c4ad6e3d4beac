"""What becomes of signing keys: made, rotated, taken out. One small list says which is which."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from identity import clock, files
from identity.signing.algorithms import ALGORITHMS
from identity.signing.keepers import FileKeeper, Keeper
from identity.signing.key_list import LIST, SigningKey, State, keep, lacking, listed

__all__ = [
    "JWKS_CACHE",
    "Keepers",
    "NoSuchKeyError",
    "Removal",
    "RotatedTooSoonError",
    "Rotation",
    "create",
    "remove",
    "rotate",
]

LOCK = ".lock"
# How long others may keep our JWKS; a key is published at least this long before it signs.
JWKS_CACHE = timedelta(minutes=5)
# Another process may hand the list of before out for a moment; its reader keeps it as long.
NOTICED_WITHIN = timedelta(seconds=2)
# How long a key stays published after it signed last: far beyond any token, because a browser
# session may still present an ID token of this morning as a hint.
KEPT_AFTER = timedelta(days=1)
_FIRST = (State.CURRENT, State.NEXT)


class RotatedTooSoonError(Exception):
    """The next key is so young that others may not have seen it yet."""


class NoSuchKeyError(Exception):
    """No key of the list has that id."""


@dataclass(frozen=True)
class Rotation:
    """What one rotation did for one algorithm."""

    fresh: SigningKey
    retired: SigningKey


@dataclass(frozen=True)
class Removal:
    """A key that is believed no more, and who signs in its place; null: it did not sign."""

    gone: SigningKey
    successor: SigningKey | None
    fault: str | None = None  # why its private half is still there, or no next key; null: all well


@dataclass(frozen=True)
class Keepers:
    """Who keeps the private halves of a list: by kind, and the one that keeps new ones."""

    by_kind: Mapping[str, Keeper]
    fresh: Keeper

    @classmethod
    def of(cls, folder: Path, token: Keeper | None = None) -> "Keepers":
        """Files beside the list, and a token if there is one: new keys are made there then."""
        beside = FileKeeper(folder)
        keepers: list[Keeper] = [beside] if token is None else [beside, token]
        return cls({keeper.kind: keeper for keeper in keepers}, keepers[-1])

    def of_key(self, key: SigningKey) -> Keeper:
        """Who keeps that one.

        Raises:
            UnsafeFileError: nobody who is set up here.
        """
        found = self.by_kind.get(key.kept)
        if found is None:
            raise files.UnsafeFileError(
                f"the key {key.kid} is kept in a PKCS#11 token: set MOTLAN_HSM_MODULE"
            )
        return found

    def lacked(self, keys: list[SigningKey]) -> tuple[str, ...]:
        """The algorithms that no key signs with, and that new keys can be made for."""
        return tuple(alg for alg in lacking(keys) if alg in self.fresh.algorithms)

    def make(self, alg: str, *, state: State) -> SigningKey:
        """A new key, which is in no list yet."""
        jwk, now = self.fresh.make(alg), clock.now()
        kept, kid = self.fresh.kind, jwk["kid"]
        return SigningKey(
            kid=kid, alg=alg, state=state, published_at=now, until=None, jwk=jwk, kept=kept
        )

    def destroy(self, keys: Iterable[SigningKey]) -> None:
        """Their private halves are no more."""
        for key in keys:
            self.of_key(key).destroy(key.kid)


def create(folder: Path, keepers: Keepers | None = None) -> None:
    """The folder holds a current and a next key of each algorithm; keys that are there stay.

    Raises:
        UnsafeFileError: the folder or the list is open to others, or the list is damaged.
    """
    keepers = keepers or Keepers.of(folder)
    files.make_private_folder(folder)
    with files.alone(folder / LOCK):
        keys = listed(folder) if (folder / LIST).exists() else []
        fresh = [keepers.make(alg, state=s) for alg in keepers.lacked(keys) for s in _FIRST]
        if fresh:
            keep(folder, keys + fresh)


def rotate(
    folder: Path,
    keepers: Keepers | None = None,
    *,
    early: bool = False,
    cached: timedelta | None = None,
    algorithms: Collection[str] = ALGORITHMS,
) -> tuple[Rotation, ...]:
    """The next keys sign from now on, the old ones stay published, and new next ones are.

    `early` does not wait: whoever cached our JWKS meets a key they must fetch first. `cached` is
    how long they may keep it. An algorithm that the list lacks gets its keys; one that no new key
    can be made for, or that is not among these, keeps the key it has.

    Raises:
        RotatedTooSoonError: others may not know the next key yet, and `early` was not said.
        UnsafeFileError: the keys cannot be read.
    """
    keepers = keepers or Keepers.of(folder)
    with files.alone(folder / LOCK):
        keys = listed(folder)
        if not early:
            turning = [key for key in keys if key.alg in algorithms]
            _refuse_young(turning, JWKS_CACHE if cached is None else cached)
        lacked = [alg for alg in keepers.lacked(keys) if alg in algorithms]
        added = [keepers.make(alg, state=State.CURRENT) for alg in lacked]
        kept = [key for key in keys if key.until is None or key.until > clock.now()]
        ready = {key.alg for key in kept if key.state is State.NEXT and key.alg in algorithms}
        rotated = [_rotated(keepers, key) if key.alg in ready else key for key in kept]
        renewed = [alg for alg in keepers.fresh.algorithms if alg in algorithms]
        fresh = [keepers.make(alg, state=State.NEXT) for alg in renewed]
        keep(folder, rotated + added + fresh)
        # Only now: until the list was swapped, a starting process still needed them.
        keepers.destroy(key for key in rotated if key.state is State.PREVIOUS)
    now = [key for key in rotated if key.state is State.CURRENT and key.alg in ready]
    return tuple(_rotation(rotated, key) for key in now)


def remove(folder: Path, keepers: Keepers | None = None, *, kid: str) -> Removal:
    """The key is in no list any more: nothing that it signed is believed here from now on.

    Where it signed, the next key signs at once, though not everybody may have seen it.

    Raises:
        NoSuchKeyError: there is none with that id.
        UnsafeFileError: the keys cannot be read.
    """
    keepers = keepers or Keepers.of(folder)
    with files.alone(folder / LOCK):
        keys = listed(folder)
        gone = next((key for key in keys if key.kid == kid), None)
        if gone is None:
            raise NoSuchKeyError(f"there is no key {kid}: see `motlan keys list`")
        left = [_after(gone, key) for key in keys if key is not gone]
        keep(folder, left)  # first: whatever a keeper refuses below, it is believed no more
        fault = _tidy(folder, left, gone=gone, keepers=keepers)
    signs = (key for key in left if key.alg == gone.alg and key.state is State.CURRENT)
    return Removal(gone, next(signs, None) if gone.state is State.CURRENT else None, fault)


def _after(gone: SigningKey, key: SigningKey) -> SigningKey:
    """What becomes of another key: the next one signs if the one that is gone did."""
    is_heir = gone.state is State.CURRENT and key.state is State.NEXT and key.alg == gone.alg
    return replace(key, state=State.CURRENT) if is_heir else key


def _tidy(
    folder: Path, left: list[SigningKey], *, gone: SigningKey, keepers: Keepers
) -> str | None:
    """The private half is destroyed, and there is a next key again; null, or what refused."""
    try:
        keepers.destroy([gone])
        if gone.state is not State.PREVIOUS and gone.alg in keepers.fresh.algorithms:
            keep(folder, [*left, keepers.make(gone.alg, state=State.NEXT)])
    except files.UnsafeFileError as refused:
        return str(refused)
    return None


def _refuse_young(keys: list[SigningKey], cached: timedelta) -> None:
    waiting = [key.published_at for key in keys if key.state is State.NEXT]
    if not waiting:
        return
    ready_at = max(waiting) + cached + NOTICED_WITHIN
    if clock.now() < ready_at:
        raise RotatedTooSoonError(
            f"the next key may sign from {ready_at:%Y-%m-%d %H:%M:%S} UTC, when everybody has it"
        )


def _rotated(keepers: Keepers, key: SigningKey) -> SigningKey:
    if key.state is State.NEXT:
        keeper = keepers.of_key(key)
        keeper.signer(key.kid, key.alg)  # refuse before the list names a key that cannot sign
        return replace(key, state=State.CURRENT)
    if key.state is State.CURRENT:
        return replace(key, state=State.PREVIOUS, until=clock.now() + KEPT_AFTER)
    return key


def _rotation(rotated: list[SigningKey], fresh: SigningKey) -> Rotation:
    before = [key for key in rotated if key.alg == fresh.alg and key.until is not None]
    return Rotation(fresh, max(before, key=lambda key: key.until or key.published_at))
