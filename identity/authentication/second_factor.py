"""One-time codes: by an authenticator app (RFC 6238), or printed; each good for one sign-in."""

import hmac
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import pyotp

from identity import clock, sealing, settings
from identity.authentication.lockout import Target
from identity.citizens import people
from identity.citizens import records as citizen_records
from identity.citizens.people import DEMO, TOTP
from identity.errors import AccessDenied
from identity.factors import recovery
from identity.factors.setups import Kind, Setup

STEP_SECONDS = 30
DRIFT = (0, -1, 1)  # steps a phone's clock may be off
DIGITS = 6
REFUSED = "this code is wrong or was used already"
_BETWEEN = dict.fromkeys(map(ord, "-. \u00a0\u202f"))


class WrongCode(AccessDenied):
    """Not the code of now, or it was used already."""

    slug = "wrong-code"
    title = "The one-time code is not right"


def typed(text: str) -> str:
    """A code as people type it, grouped or not; whatever is no code stays wrong."""
    return text.translate(_BETWEEN)


def matching_step(secret: str, code: str, *, at: datetime) -> int | None:
    """The time step in which an authenticator with this secret shows this code; null: none."""
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    app = pyotp.TOTP(secret)
    current = int(at.timestamp()) // STEP_SECONDS
    shown = [current + drift for drift in DRIFT]
    # Every step is compared, so that the time says nothing about which one it was.
    hits = [s for s in shown if hmac.compare_digest(app.generate_otp(s), code)]
    return max(hits, default=None)


def is_fixed_code(secret: str, code: str) -> bool:
    """Whether this is a demo person's fixed code, where the demo allows such a thing."""
    return settings.current().demo and hmac.compare_digest(secret.encode(), code.encode())


@dataclass(frozen=True, slots=True)
class Factor:
    """One second factor of a person, its secret still sealed under the person's key."""

    id: uuid.UUID
    kind: str
    sealed: bytes = field(repr=False)
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a code may prove: an app or fixed code, else one of these printed codes."""

    factor_id: uuid.UUID | None = None  # null: only a printed code can be meant
    step: int | None = None  # of an app; null: a fixed code, which is not used up
    printed: tuple[bytes, ...] = ()


def shown(citizen_id: uuid.UUID, factors: Iterable[Factor], *, code: str) -> Shown:
    """Which factor shows this code now; that it is unspent, the database must say.

    Raises:
        WrongCode: none of them, and it is no printed code either.
    """
    for factor in factors:
        secret = people.open_factor(factor, factor.key)
        if factor.kind == DEMO and is_fixed_code(secret, code):
            return Shown(factor.id)
        step = matching_step(secret, code, at=clock.now()) if factor.kind == TOTP else None
        if step is not None:
            return Shown(factor.id, step)
    printed = recovery.digests(citizen_id, code)
    if not printed:
        raise WrongCode(REFUSED)
    return Shown(printed=printed)


def spend(citizen_id: uuid.UUID, code: str) -> str:
    """The code proved a second factor, whose method (`amr`, RFC 8176) this is; it is used up.

    A fixed demo code is not. Inside a transaction.

    Raises:
        WrongCode: no factor of this person shows it now, or it was used already.
    """
    factors = [
        Factor(row.id, row.kind, bytes(row.sealed), sealing.ring().unwrap(row.wrapped, row.kek_id))
        for row in citizen_records.factors(citizen_id)
    ]
    found = shown(citizen_id, factors, code=code)
    if found.factor_id is None:
        is_good = recovery.spend(citizen_id, code)
    else:
        is_good = found.step is None or citizen_records.spend_step(
            citizen_id, found.factor_id, step=found.step
        )
    if not is_good:
        raise WrongCode(REFUSED)
    return "otp"


def adopt(chosen: Setup, code: str) -> None:
    """The chosen factor is the person's, in the place of the one of its kind; in a transaction.

    An app is believed once it shows its code, which then signs nobody in any more; printed codes
    need none.

    Raises:
        WrongCode: the app does not show this code now; nothing has changed.
    """
    if chosen.kind is Kind.RECOVERY_CODES:
        recovery.keep(chosen.citizen_id, chosen.codes)
        return
    at = clock.now()
    shown = matching_step(chosen.secret, typed(code), at=at)
    if shown is None:
        raise WrongCode("the app does not show this code now")
    key = people.citizen_key(chosen.citizen_id)
    factor = people.seal_factor(chosen.citizen_id, key, kind=TOTP, secret=chosen.secret)
    for kind in (TOTP, DEMO):
        citizen_records.end_factors(chosen.citizen_id, kind, at=at)
    citizen_records.add(citizen_records.SecondFactor, [factor | {"last_step": shown}])


def target(who: uuid.UUID, *, is_known_device: bool) -> Target:
    """What is guessed at by trying codes."""
    return Target("code", who.hex, is_known_device)
