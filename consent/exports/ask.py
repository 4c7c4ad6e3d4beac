"""An officer asks for a list as a file; above a hundred entries a day a second one has a say."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from consent.desk import records as desk
from consent.desk.filters import Choice, Filters, narrowed
from consent.exports import records
from consent.exports.records import State
from consent.facets import records as facets
from consent.looks.review import LONGEST, holds_a_number
from identity import clock, sealing, trail
from identity.database import new_id, transaction
from identity.entry import Who
from identity.errors import InvalidRequest
from identity.staff.sessions import StaffMember

ALONE = 100  # entries that one officer may take in `DAY` without a second
DAY = timedelta(hours=24)
MOST = 20_000
FETCH = timedelta(hours=24)
WAIT = timedelta(days=7)
SEALED = "audit export"


class UnfitExport(InvalidRequest):
    """It lacks a reason, finds nothing, or finds more than one file may hold."""

    slug = "unfit-export"
    title = "The list cannot be exported like this"

    def __init__(self, member: str, detail: str) -> None:
        super().__init__(detail)
        self.member = member


def ask(
    officer: StaffMember,
    filters: Filters,
    *,
    among: Sequence[Choice],
    reason: str,
    request_id: str,
) -> uuid.UUID:
    """The export stands with its filters and its exact count: to be fetched, or to be confirmed.

    What it holds does not change any more: it ends before a position of the tree.

    Raises:
        UnfitExport: no reason, no entries, or too many.
    """
    reason, settled = _fit(reason), filters.settled()
    upto = facets.reach()
    found = narrowed(settled, among, but=officer.own_citizen_id)
    count = facets.count(replace(found, upto=upto), most=MOST)
    if not count:
        raise UnfitExport("empty", "these filters find no entry that stands in the tree")
    if count > MOST:
        raise UnfitExport("large", f"more than {MOST} entries: narrow the filters")
    at, export_id = clock.now(), new_id()
    row = {
        "id": export_id,
        "staff_id": officer.id,
        "unit": officer.unit,
        "filters": settled.asked(),
        "upto": upto,
        "entries": count,
        "reason": sealing.ring().seal_token(SEALED, reason.encode()),
        "requested_at": at,
    }
    told = {name: row[name] for name in ("filters", "entries", "upto")} | {"reason": reason}
    with transaction():
        desk.hold(officer.id)
        row |= _standing(officer, count, at=at)
        records.add(row)
        trail.record(
            "export:requested",
            Who(actor=officer.id),
            subject={"export": export_id.hex, **told, "result": str(row["state"])},
            acting=officer.acting(request_id),
        )
    return export_id


def _standing(officer: StaffMember, count: int, *, at: datetime) -> dict[str, Any]:
    """Whether it can be fetched, and until when; a large list in small pieces is large."""
    if records.taken_alone(officer.id, since=at - DAY) + count > ALONE:
        return {"state": State.WAITING, "expires_at": at + WAIT}
    return {"state": State.READY, "expires_at": at + FETCH}


def _fit(reason: str) -> str:
    reason = " ".join(reason.split())
    if not 0 < len(reason) <= LONGEST:
        raise UnfitExport("reason", f"reason: 1 to {LONGEST} characters")
    if holds_a_number(reason):
        raise UnfitExport("reason", "reason: no personal number; it would stay in the log")
    return reason
