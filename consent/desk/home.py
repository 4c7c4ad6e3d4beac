"""How the log and the worker stand, and what waits: what the desk says first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from consent.audit import heads
from consent.audit.verify import FULL_CHECK, size_found
from consent.desk import records
from identity import clock, worker
from identity.joining import Waiting, joined
from identity.staff.sessions import StaffMember

# A duty that has not ended well for so long stands still (`/readyz` says the same of 5 s).
STILL = timedelta(seconds=10)
FULL_CHECK_EVERY = timedelta(days=2)  # docs/operations.md: daily


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The log and the worker, as they were a moment ago."""

    size: int
    signed_at: datetime | None  # null: nothing was signed yet
    age_seconds: int  # of the newest head; 0: there is none
    fault: str | None  # null: database and second store agree
    compared_at: datetime | None  # both, by the worker, which signs then; null: never
    is_late: bool  # nobody has compared and signed for a while: is the worker running?
    probe_at: datetime | None  # the worker's sign of life; null: never
    is_still: bool  # no sign for too long
    placed: int
    waits_since: datetime | None  # the oldest entry without a place; null: none waits
    unfound: int  # entries in the tree that filters do not know yet
    checked_at: datetime | None  # the whole log was recomputed; null: never here
    checked: str  # what that found, in the words of the command; empty: never here
    whole_size: int | None  # entries that it found whole; null: it found a fault, or never ran
    is_check_late: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """Something that waits, and how much of it."""

    what: Waiting
    count: int


def standing() -> Standing:
    """What the newest head, the second store and the worker's rows say just now."""
    told, at = records.signs(), clock.now()
    last = {duty: ended for duty, (ended, _) in told.turns.items()}
    words = {duty: word for duty, (_, word) in told.turns.items()}
    waits = words.get("sequencer", "")
    return Standing(
        size=told.size,
        signed_at=told.signed_at,
        age_seconds=0 if told.signed_at is None else int((at - told.signed_at).total_seconds()),
        fault=heads.disagreement(),
        compared_at=last.get("heads"),
        is_late=_is_over(last.get("heads"), STILL, at=at),
        probe_at=last.get(worker.PROBE),
        is_still=_is_over(last.get(worker.PROBE), STILL, at=at),
        placed=told.placed,
        waits_since=datetime.fromisoformat(waits) if waits else None,
        unfound=max(told.placed - told.found, 0),
        checked_at=last.get(FULL_CHECK),
        checked=words.get(FULL_CHECK, ""),
        whole_size=size_found(words.get(FULL_CHECK, "")),
        is_check_late=_is_over(last.get(FULL_CHECK), FULL_CHECK_EVERY, at=at),
    )


def _is_over(last: datetime | None, most: timedelta, *, at: datetime) -> bool:
    return last is None or at - last > most


def waiting(officer: StaffMember) -> Sequence[Counted]:
    """What the areas brought for the officers' desk, with how much of it this one may answer."""
    return [Counted(each, each.count(officer)) for each in joined().waiting]
