"""Between the password and the code: a short-lived proof for the next page of the same browser."""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from identity import clock, sealing
from identity.authentication import records
from identity.errors import AccessDenied

LIFETIME = timedelta(minutes=10)


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
    text, at = secrets.token_urlsafe(32), clock.now()
    records.add_step(
        {
            "digest": sealing.digest(text),
            "browser_digest": browser_digest,
            "who": who,
            "is_staff": is_staff,
            "created_at": at,
            "expires_at": at + LIFETIME,
            "spent_at": None,
        }
    )
    return text


def step(text: str, browser_digest: bytes, *, is_staff: bool) -> Step:
    """Who has proved a password in this browser and owes a code.

    Raises:
        StepEnded: nobody, or it is too late.
    """
    digest = sealing.digest(text)
    row = records.find_step(digest, browser_digest)
    is_open = row is not None and row.spent_at is None and row.expires_at > clock.now()
    if row is None or not is_open or row.is_staff is not is_staff:
        raise StepEnded("start again with the password")
    return Step(digest, row.who, row.created_at)


def spend(owed: Step) -> None:
    """The step bought a session and buys no second one; inside a transaction.

    Raises:
        StepEnded: another request was faster.
    """
    if not records.spend_step(owed.digest, at=clock.now()):
        raise StepEnded("start again with the password")
