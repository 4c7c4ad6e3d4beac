"""Between the password and the code: a short-lived proof for the next page of the same browser."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from identity import clock, sealing
from identity.errors import AccessDenied
from identity.steps import records

LIFETIME = timedelta(minutes=10)
GRACE = timedelta(seconds=20)  # shorter than a code of an app is good for
PURPOSE = "sign-in-step"


class StepEnded(AccessDenied):
    """The password was proved too long ago, in another browser, or not at all."""

    slug = "sign-in-expired"
    title = "The sign-in must start again"


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody who has proved a password and nothing else."""

    digest: bytes
    who: uuid.UUID  # citizen or staff
    proved_at: datetime


def open_step(who: uuid.UUID, browser_digest: bytes, *, is_staff: bool) -> str:
    """The text that the next page brings back; inside a transaction."""
    text, row = new(who, browser_digest)
    records.add({**row, "is_staff": is_staff, "spent_at": None})
    return text


def new(who: uuid.UUID, browser_digest: bytes) -> tuple[str, dict[str, Any]]:
    """A text that yields whose it is, and the columns of the step that it will be."""
    text, digest = sealing.new_handle(who, PURPOSE)
    at = clock.now()
    ends = {"created_at": at, "expires_at": at + LIFETIME}
    return text, {"digest": digest, "browser_digest": browser_digest, "who": who, **ends}


def opened(text: str) -> tuple[uuid.UUID, bytes]:
    """Whose step it would be, and under which digest.

    Raises:
        StepEnded: we made no such text.
    """
    try:
        return sealing.open_handle(text, PURPOSE)
    except (sealing.Unreadable, ValueError):
        raise StepEnded("start again with the password") from None


def step(text: str, browser_digest: bytes, *, is_staff: bool) -> Step:
    """Who has proved a password in this browser and owes a code.

    Raises:
        StepEnded: nobody, or it is too late.
    """
    _who, digest = opened(text)
    row = records.find(digest, browser_digest)
    is_open = row is not None and row.spent_at is None and row.expires_at > clock.now()
    if row is None or not is_open or row.is_staff is not is_staff:
        raise StepEnded("start again with the password")
    return Step(digest, row.who, row.created_at)


def require_just_spent(text: str, browser_digest: bytes, *, is_staff: bool) -> uuid.UUID:
    """Who has bought a session with this step, in this browser and a moment ago.

    Raises:
        StepEnded: nobody, or it is longer ago.
    """
    _who, digest = opened(text)
    row = records.find(digest, browser_digest)
    is_fresh = row is not None and row.spent_at is not None and row.spent_at > clock.now() - GRACE
    if row is None or not is_fresh or row.is_staff is not is_staff:
        raise StepEnded("start again with the password")
    found: uuid.UUID = row.who
    return found


def spend(owed: Step) -> None:
    """The step bought a session and buys no second one; inside a transaction.

    Raises:
        StepEnded: another request was faster.
    """
    if not records.spend(owed.digest, at=clock.now()):
        raise StepEnded("start again with the password")
