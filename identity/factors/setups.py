"""Choosing what one proves oneself with: kept here between the pages, 15 minutes, one browser."""

import base64
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from identity import clock, sealing
from identity.errors import AccessDenied
from identity.factors import authenticator, records, recovery

LIFETIME = timedelta(minutes=15)
PURPOSE = "factor-setup"
MARK = "shown-codes"


class Kind(StrEnum):
    """Which second factor somebody chooses."""

    AUTHENTICATOR = "authenticator"
    RECOVERY_CODES = "recovery-codes"


class SetupEnded(AccessDenied):
    """Begun too long ago, in another browser, finished already, or never."""

    slug = "setup-expired"
    title = "Choosing must start again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What was chosen so far."""

    citizen_id: uuid.UUID
    digest: bytes
    letter_digest: bytes | None  # null: no activation; password and factor were proved before
    password_hash: str | None = field(repr=False)
    kind: Kind | None  # null: no second factor was chosen yet
    secret: str = field(repr=False, default="")
    codes: tuple[str, ...] = field(repr=False, default=())
    created_at: datetime


def open_setup(
    citizen_id: uuid.UUID, browser_digest: bytes, *, letter_digest: bytes | None = None
) -> str:
    """The text that the next pages bring back; inside a transaction."""
    text, digest = sealing.new_handle(citizen_id, PURPOSE)
    at = clock.now()
    records.add_setup(
        {
            "citizen_id": citizen_id,
            "digest": digest,
            "browser_digest": browser_digest,
            "letter_digest": letter_digest,
            "password_hash": None,
            "sealed": None,
            "created_at": at,
            "expires_at": at + LIFETIME,
            "spent_at": None,
        }
    )
    return text


def setup(text: str, browser_digest: bytes) -> Setup:
    """What this browser is choosing.

    Raises:
        SetupEnded: nothing, or it is too late.
    """
    try:
        citizen_id, digest = sealing.open_handle(text, PURPOSE)
    except sealing.Unreadable:
        raise SetupEnded("start again") from None
    row = records.find_setup(citizen_id, digest)
    is_open = row is not None and row.spent_at is None and row.expires_at > clock.now()
    if row is None or not is_open or row.browser_digest != browser_digest:
        raise SetupEnded("start again")
    return Setup(
        citizen_id=citizen_id,
        digest=digest,
        letter_digest=row.letter_digest,
        password_hash=row.password_hash,
        created_at=row.created_at,
        **_opened(row.sealed),
    )


def set_password(begun: Setup, password_hash: str) -> None:
    """This will be the password; inside a transaction."""
    _change(begun, {"password_hash": password_hash})


def choose(begun: Setup, kind: Kind) -> None:
    """A secret or codes are ready to be shown; inside a transaction.

    They prove nothing before the set-up is finished. They are made once: whoever sends the form
    again, or comes back to it, sees what the page that is perhaps still open has shown.
    """
    row = records.held_setup(begun.citizen_id, begun.digest)
    made = _opened(None if row is None else row.sealed)
    is_app = kind is Kind.AUTHENTICATOR
    chosen = {
        "kind": kind,
        "secret": made["secret"] or (authenticator.new_secret() if is_app else ""),
        "codes": made["codes"] or (() if is_app else recovery.new_codes()),
    }
    sealed = sealing.ring().seal_token(PURPOSE, json.dumps(chosen).encode())
    _change(begun, {"sealed": sealed})


def mark_of(owner: uuid.UUID, codes: Iterable[str]) -> str:
    """What a page that shows these codes sends along, so that no other ones are confirmed."""
    mac = sealing.ring().mac(MARK, _shown(owner, codes))
    return base64.urlsafe_b64encode(mac).decode()


def is_mark(owner: uuid.UUID, codes: Iterable[str], *, claimed: str) -> bool:
    """Whether the page that sent this has shown these codes."""
    try:
        mac = base64.urlsafe_b64decode(claimed)
    except ValueError:
        return False
    return sealing.ring().is_mac(MARK, _shown(owner, codes), claimed=mac)


def _shown(owner: uuid.UUID, codes: Iterable[str]) -> bytes:
    return "\x1f".join((owner.hex, *codes)).encode()


def spend(begun: Setup) -> None:
    """The set-up is finished and finishes nothing more; inside a transaction.

    Raises:
        SetupEnded: another request was faster.
    """
    _change(begun, {"spent_at": clock.now()})


def end_all(citizen_id: uuid.UUID) -> None:
    """Nothing that this person was choosing can be finished any more; inside a transaction."""
    records.end_setups(citizen_id, at=clock.now())


def _opened(sealed: str | None) -> dict[str, Any]:
    if sealed is None:
        return {"kind": None, "secret": "", "codes": ()}
    told = json.loads(sealing.ring().open_token(PURPOSE, sealed))
    return {"kind": Kind(told["kind"]), "secret": told["secret"], "codes": tuple(told["codes"])}


def _change(begun: Setup, values: dict[str, Any]) -> None:
    if not records.change_setup(begun.citizen_id, begun.digest, at=clock.now(), values=values):
        raise SetupEnded("start again")
