"""A second officer, of another unit, lets a large export pass or declines it; once."""

import uuid
from typing import Any

from consent.exports import records
from consent.exports.ask import FETCH
from consent.exports.records import State
from consent.looks import units
from identity import clock, trail
from identity.database import transaction
from identity.entry import Who
from identity.errors import AccessDenied, NotFound, Refusal
from identity.staff.sessions import StaffMember, accounts

REFUSED = "export:refused"


class NoSuchExport(NotFound):
    """Unknown, over, or not this officer's: all look the same."""

    slug = "no-such-export"
    title = "There is no such export"


class SameUnit(AccessDenied):
    """Nobody confirms an export of their own unit, least of all their own."""

    slug = "same-unit"
    title = "An officer of another unit decides about this export"


class ExportDecided(Refusal):
    """A colleague was first, or it waited too long; what is decided stands."""

    status, code, slug = 409, "invalid_request", "export-decided"
    title = "The export was decided already"


def decide(officer: StaffMember, export_id: uuid.UUID, *, confirms: bool, request_id: str) -> None:
    """The export can be fetched for a day by whoever asked, or never.

    Raises:
        NoSuchExport: there is none.
        SameUnit: the officer asked for it, or somebody of their unit; the attempt is in the log.
        ExportDecided: it does not wait any more.
    """
    row = records.find(export_id)
    if row is None:
        raise NoSuchExport("open the list of exports again")
    if not may_decide(officer, row):
        mark(officer, row, why="same_unit")
        raise SameUnit("an officer of another unit decides", note="same unit")
    at, state = clock.now(), State.READY if confirms else State.DECLINED
    told = {"state": state, "decided_by": officer.id, "decided_at": at, "expires_at": at + FETCH}
    with transaction():
        if not records.decide(export_id, **told):
            raise ExportDecided("read what was decided")
        trail.record(
            "export:confirmed" if confirms else "export:declined",
            Who(actor=officer.id),
            subject=subject(row),
            acting=officer.acting(request_id),
        )


def may_decide(officer: StaffMember, row: Any) -> bool:  # noqa: ANN401 - a row of the table
    """Whether somebody else asked, and of another unit."""
    return not units.is_same(row.unit, officer.unit) and row.staff_id not in accounts(officer)


def subject(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row of the table
    """What an entry says of an export."""
    return {"export": row.id.hex, "filters": row.filters, "entries": row.entries}


def mark(officer: StaffMember, row: Any, *, why: str) -> None:  # noqa: ANN401 - as above
    """An attempt that came to nothing stands in the log."""
    trail.refuse(
        REFUSED,
        Who(actor=officer.id),
        subject={**subject(row), "reason": why, "result": "refused"},
        acting=officer.acting(),
    )
