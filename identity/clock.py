"""The only source of time: UTC inside, Vietnamese dates on pages."""

from datetime import UTC, date, datetime, timedelta, timezone

# Viet Nam keeps one offset and no summer time, so no zone database has to be installed.
VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The calendar day in Viet Nam, where the citizen is."""
    return now().astimezone(VIETNAM).date()


def minute(at: datetime) -> str:
    """The UTC minute of a moment as the access log writes it; this text never changes.

    The seconds are cut, not rounded: an entry never claims a minute that had not begun.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone has no minute")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00Z")
