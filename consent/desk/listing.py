"""Security officers read the log in lists: every page they see is an entry, written with it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from consent.desk.filters import Choice, Filters, narrowed
from consent.facets import records
from consent.looks.entries import Look, opened
from consent.looks.review import LOOKED, Search
from identity import trail
from identity.database import transaction
from identity.entry import Who
from identity.public_services import registered
from identity.staff.sessions import StaffMember

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an officer asks to see: of one search or of all, narrowed, from an entry on."""

    search: Search | None = None
    filters: Filters = field(default_factory=Filters)
    saved: uuid.UUID | None = None  # the saved search that the filters are of
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What the officer sees, the newest first."""

    looks: Sequence[Look]
    older: int | None  # the entry before which the next page begins; null: this is the last
    newer: int | None  # the entry after which the page above it begins; null: this is the first


def look(
    officer: StaffMember, wanted: Wanted, *, among: Sequence[Choice], request_id: str, language: str
) -> Page:
    """One page of entries, and the look itself in the log: both or neither."""
    narrow = narrowed(wanted.filters, among, but=officer.own_citizen_id)
    if wanted.search is not None:
        narrow = replace(narrow, of=wanted.search.found)
    with transaction():
        rows = _rows(wanted, narrow)
        _record(officer, wanted, count=min(len(rows), PAGE), request_id=request_id)
    return _page(rows, wanted, language=language)


def newest(officer: StaffMember, *, limit: int, request_id: str, language: str) -> Sequence[Look]:
    """The newest entries for the desk; the look is an entry too."""
    with transaction():
        rows = records.listed(records.Narrowed(but=officer.own_citizen_id), limit=limit)
        trail.record(
            LOOKED,
            Who(actor=officer.id),
            subject={"result": "shown", "list": "desk", "shown": len(rows)},
            acting=officer.acting(request_id),
        )
    return read(rows, language)


def read(rows: Sequence[Any], language: str) -> list[Look]:
    """The entries of these rows, their public services looked up together."""
    registered.by_ids({row.public_service_id for row in rows})
    return [opened(row, language) for row in rows]


def _rows(wanted: Wanted, narrow: records.Narrowed) -> Sequence[Any]:
    if wanted.search is not None and wanted.search.found is None:
        return ()
    return records.listed(narrow, before=wanted.before, after=wanted.after, limit=PAGE + 1)


def _page(rows: Sequence[Any], wanted: Wanted, *, language: str) -> Page:
    has_more, shown = len(rows) > PAGE, list(rows[:PAGE])
    if wanted.after is not None:
        shown.reverse()
    looks = read(shown, language)
    if not looks:
        return Page((), None, None)
    if wanted.after is not None:
        return Page(looks, looks[-1].id, looks[0].id if has_more else None)
    newer = looks[0].id if wanted.before is not None else None
    return Page(looks, looks[-1].id if has_more else None, newer)


def _record(officer: StaffMember, wanted: Wanted, *, count: int, request_id: str) -> None:
    sought = wanted.search
    asked = wanted.filters.asked()
    told: dict[str, Any] = {
        "kind": asked.pop("type", None),
        "filters": asked or None,
        "saved": None if wanted.saved is None else wanted.saved.hex,
        "before": wanted.before,
        "after": wanted.after,
    }
    subject: dict[str, Any] = {"result": "shown", "shown": count}
    subject |= {name: value for name, value in told.items() if value is not None}
    if sought is not None:
        subject |= {"case": sought.case, "reason": sought.reason}
        subject["result"] = "nothing found" if sought.found is None else "shown"
    trail.record(
        LOOKED,
        Who(citizen=sought.found if sought else None, actor=officer.id),
        subject=subject,
        acting=officer.acting(request_id),
    )
