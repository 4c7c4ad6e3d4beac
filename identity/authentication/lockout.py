"""Budgets for guessing: reserved before a guess is evaluated, given back when it was none.

They are keyed by what was typed, whether it exists or not, so that they tell nobody who does.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from identity import clock, sealing
from identity.authentication import records
from identity.citizens.passwords import SignInBusy
from identity.database import transaction
from identity.devices import Device
from identity.errors import TooManyRequests

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

    counted: tuple[tuple[bytes, datetime], ...]


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


def block(address: str) -> str:
    """The neighbourhood of an address: /24 or /48; one name for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "nowhere"
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ip_network(f"{parsed}/{BLOCK_BITS[parsed.version]}", strict=False))


def reserve(target: Target, visit: Visit) -> Reservation:
    """One try is counted in every budget that applies, or in none.

    Raises:
        TooManyTries: one of them is spent. `Retry-After` says when its window ends.
    """
    at = clock.now()
    counted: list[tuple[bytes, datetime]] = []
    # One order for everybody, so that two reservations cannot wait for each other.
    with transaction():
        for budget in sorted(budgets(target, visit), key=lambda each: each.digest):
            # Raised inside: what the other budgets counted is rolled back.
            until = spend(budget, at)
            counted.append((budget.digest, until))
    return Reservation(tuple(counted))


def spend(budget: Budget, at: datetime) -> datetime:
    """One use is counted, in the running transaction; the end of the window it counts in.

    Raises:
        TooManyTries: none is left; `Retry-After` says when the window ends.
    """
    until = records.use_budget(budget.digest, limit=budget.limit, at=at, until=at + budget.window)
    if until is None:
        raise _spent(budget, at)
    return until


def _spent(budget: Budget, at: datetime) -> TooManyTries:
    ends_at = records.budget_ends_at(budget.digest) or at + budget.window
    seconds = max(1, int((ends_at - at).total_seconds()))
    return TooManyTries(
        "wait before trying again",
        note=f"budget {budget.key[0]} {budget.key[1]}",
        headers=(("Retry-After", str(seconds)),),
    )


def release(reservation: Reservation) -> None:
    """The try was right, so it does not count; inside the sign-in's transaction."""
    for digest, until in reservation.counted:
        records.give_back(digest, expires_at=until)


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
        records.use_budget(guesses.digest, limit=guesses.limit, at=at, until=at + guesses.window)
