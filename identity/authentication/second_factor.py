"""One-time codes: by an authenticator app (RFC 6238), or printed; each good for one sign-in."""

import hmac
import uuid
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


def spend(citizen_id: uuid.UUID, code: str) -> str:
    """The code proved a second factor, whose method (`amr`, RFC 8176) this is; it is used up.

    A fixed demo code is not. Inside a transaction.

    Raises:
        WrongCode: no factor of this person shows it now, or it was used already.
    """
    for row in citizen_records.factors(citizen_id):
        key = sealing.ring().unwrap(row.wrapped, row.kek_id)
        secret = people.open_factor(row, key)
        if row.kind == DEMO and is_fixed_code(secret, code):
            return "otp"
        if row.kind != TOTP:
            continue
        shown = matching_step(secret, code, at=clock.now())
        if shown is not None and citizen_records.spend_step(citizen_id, row.id, step=shown):
            return "otp"
    if recovery.spend(citizen_id, code):
        return "otp"
    raise WrongCode("this code is wrong or was used already")


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
