"""The only source of time: UTC inside, Vietnamese dates on pages."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta, timezone

from identity import settings

# Viet Nam keeps one offset and no summer time, so no zone database has to be installed.
VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
# Null: it is now. Of this thread alone, so that whoever else is served keeps the true time.
_past: ContextVar[datetime | None] = ContextVar("motlan_past", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _past.get() or datetime.now(UTC)


def seconds() -> float:
    """The same in seconds since 1970, for what is counted and never shown."""
    past = _past.get()
    return time.time() if past is None else past.timestamp()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Within the block it is a moment that has passed; the demo's loader alone asks for it.

    Raises:
        RuntimeError: this is no demo (decision 0028).
        ValueError: the moment has not come, or has no zone.
    """
    if not settings.current().demo:
        raise RuntimeError("only the demo country has a past that nobody lived")
    if moment.tzinfo is None or moment > datetime.now(UTC):
        raise ValueError("a moment that has passed, with its zone")
    token = _past.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _past.reset(token)


def today() -> date:
    """The calendar day in Viet Nam, where the citizen is."""
    return now().astimezone(VIETNAM).date()


def minute(at: datetime) -> str:
    """The UTC minute of a moment as the access log writes it; this text never changes.

    The seconds are cut, not rounded: an entry never claims a minute that had not begun.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone has no minute")
    return at.astimezone(UTC).isoformat()[:16] + ":00Z"
