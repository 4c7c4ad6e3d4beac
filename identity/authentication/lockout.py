"""Budgets for guessing: reserved before a guess is evaluated, given back when it was none.

They are keyed by what was typed, whether it exists or not, so that they tell nobody who does.
"""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network

from identity import clock, sealing
from identity.authentication import budget_records
from identity.citizens.passwords import SignInBusy
from identity.database import transaction
from identity.devices import Device
from identity.errors import TooManyRequests
from identity.together import Answer, Clause, look, together

QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
BLOCK_BITS = {4: 24, 6: 48}


@dataclass(frozen=True, slots=True)
class Visit:
    """From where somebody tries: the browser's digest, the peer's address, the request."""

    browser_digest: bytes
    address: str
    request_id: str = ""
    public_service_id: uuid.UUID | None = None  # null: no service sent them here
    device: Device = field(default_factory=Device)


@dataclass(frozen=True, slots=True)
class Target:
    """What is being guessed at: a kind (password, code…), and the number or id it belongs to."""

    kind: str
    value: str
    is_known_device: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """How many tries one key has in one window."""

    key: tuple[str, ...]
    limit: int
    window: timedelta

    @property
    def digest(self) -> bytes:
        """Keyed, so that the table shows neither numbers nor addresses."""
        return sealing.ring().mac("attempts", "\x1f".join(self.key).encode())


@dataclass(frozen=True, slots=True)
class Reservation:
    """The tries that were counted, each with the window it was counted in."""

    counted: budget_records.Counted


class TooManyTries(TooManyRequests):
    """The budget for guessing is spent; it looks the same whether or not anybody is there."""

    slug = "too-many-tries"
    title = "Too many tries"


def budgets(target: Target, visit: Visit) -> Iterator[Budget]:
    """Design §3. A known device is apart, so that strangers' guesses cannot lock its owner out."""
    device = visit.browser_digest.hex()
    if target.is_known_device:
        yield Budget(("known", target.kind, target.value, device), 10, QUARTER)
    else:
        yield Budget(("device", target.kind, target.value, device), 5, QUARTER)
        yield Budget(("number", target.kind, target.value), 20, HOUR)
    # Many people share an office's or a carrier's address, so the block has room for them.
    yield Budget(("block", target.kind, block(visit.address)), 100, QUARTER)


@lru_cache(maxsize=1024)
def block(address: str) -> str:
    """The neighbourhood of an address: /24 or /48; one name for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "nowhere"
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ip_network(f"{parsed}/{BLOCK_BITS[parsed.version]}", strict=False))


def reserve(target: Target, visit: Visit, *, seen: Answer | None = None) -> Reservation:
    """One try is counted in every budget that applies, or in none.

    `seen` is what a statement of the caller has just read of `standing`; null: read here.

    Raises:
        TooManyTries: one of them is spent. `Retry-After` says when its window ends.
    """
    at = clock.now()
    tries = _tries(budgets(target, visit), at)
    # Looked at first, so that whoever goes on trying costs a look and writes nothing.
    told = seen or look(budget_records.spent(tries, at))
    _require_left(tries, told, at=at)
    answer = together(*budget_records.counting(tries, at))
    if answer is None:  # others were faster: exactly as many as the limit were counted
        _require_left(tries, look(budget_records.spent(tries, at)), at=at)
        raise _spent(at, at)
    return Reservation(budget_records.counted(tries, answer["whole.untils"]))


def standing(target: Target, visit: Visit) -> Clause:
    """Reads in a joined statement which budgets are spent, for a device known or not: `spent`."""
    either = {
        budget.digest: budget
        for is_known in (True, False)
        for budget in budgets(replace(target, is_known_device=is_known), visit)
    }
    at = clock.now()
    return budget_records.spent(_tries(either.values(), at), at)


def _tries(of: Iterable[Budget], at: datetime) -> list[budget_records.Try]:
    """In one order for everybody, so that two reservations cannot wait for each other."""
    tries = [budget_records.Try(each.digest, each.limit, at + each.window) for each in of]
    return sorted(tries, key=lambda one: one.digest)


def _require_left(
    tries: Iterable[budget_records.Try], told: Answer | None, *, at: datetime
) -> None:
    ends = budget_records.ends(told["spent.budgets"] if told else [])
    over = [ends[one.digest] for one in tries if one.digest in ends]
    if over:
        raise _spent(max(over), at)


def spend(budget: Budget, at: datetime) -> datetime:
    """One use is counted, in the running transaction; the end of the window it counts in.

    Raises:
        TooManyTries: none is left; `Retry-After` says when the window ends.
    """
    (one,) = _tries([budget], at)
    answer = together(budget_records.counting_one(one, at))
    if answer is None:
        _require_left([one], look(budget_records.spent([one], at)), at=at)
        raise _spent(one.until, at)
    until: datetime = answer["counted.expires_at"]
    return until


def _spent(ends_at: datetime, at: datetime) -> TooManyTries:
    seconds = max(1, int((ends_at - at).total_seconds()))
    return TooManyTries(
        "wait before trying again",
        note="budget spent",
        headers=(("Retry-After", str(seconds)),),
    )


def release(reservation: Reservation) -> None:
    """The try was right, so it does not count; inside the sign-in's transaction."""
    together(giving_back(reservation))


def giving_back(reservation: Reservation, *, after: str = "") -> Clause:
    """The same in a joined statement, where the condition `after` holds."""
    return budget_records.giving_back(reservation.counted, after=after)


@contextmanager
def unless_busy(reservation: Reservation) -> Iterator[None]:
    """What nobody had the time to look at was no guess, so it does not count."""
    try:
        yield
    except SignInBusy:
        with transaction():
            release(reservation)
        raise


def count_stranger(visit: Visit) -> None:
    """A guess at a number that nobody has is counted for its neighbourhood, and only counted.

    It costs what a mark in a person's log costs, so that the time tells nobody who exists.
    """
    at = clock.now()
    guesses = Budget(("stranger", block(visit.address)), 2**31 - 1, HOUR)
    with transaction():
        spend(guesses, at)
