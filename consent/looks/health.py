"""How the log stands, for the line above the review: size, age, and whether all agree on it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from consent.audit import heads, records
from identity import clock, worker

LATE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Health:
    """What the newest signed head says, and what is wrong with it."""

    size: int
    signed_at: datetime | None  # null: nothing was signed yet
    is_late: bool  # nobody has compared and signed for a while: is the worker running?
    fault: str | None  # null: database and second store agree


def health() -> Health:
    """The newest head, compared with the second store just now."""
    head, at = records.newest_head(), worker.last("heads")
    return Health(
        size=0 if head is None else head.size,
        signed_at=None if head is None else head.signed_at,
        is_late=at is None or clock.now() - at > LATE,
        fault=heads.disagreement(),
    )
