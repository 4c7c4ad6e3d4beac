"""A security officer opens one entry: its facts, its proof, what stands beside it in the log."""

from collections.abc import Sequence
from dataclasses import dataclass

from consent.desk import records
from consent.desk.listing import read
from consent.desk.proof import Proof, prove
from consent.facets.records import Narrowed, listed
from consent.looks.entries import Look
from consent.looks.review import LOOKED, OwnEntries, mark_own
from identity import trail
from identity.database import transaction
from identity.entry import Who
from identity.errors import NotFound
from identity.staff.sessions import StaffMember

BESIDE = 3  # entries before and after


class NoSuchEntry(NotFound):
    """No entry has this number."""

    slug = "no-such-log-entry"
    title = "There is no such entry"


@dataclass(frozen=True, slots=True)
class Opened:
    """One entry with all that can be said of it."""

    look: Look
    proof: Proof | None  # null: no signed head has come to it yet
    beside: Sequence[Look]  # the newest first, itself among them


def look(officer: StaffMember, entry_id: int, *, request_id: str, language: str) -> Opened:
    """The entry as it is; that it was opened stands in the log, for the person it is about too.

    Raises:
        NoSuchEntry: no entry has this number.
        OwnEntries: it is about the officer; the attempt stands in the log.
    """
    own = officer.own_citizen_id
    row = records.find_entry(entry_id, but=own)
    if row is None:
        if own is not None and records.is_about(entry_id, own):
            mark_own(officer, own, entry=str(entry_id))
            raise OwnEntries("nobody reviews entries about themselves", note="own entry")
        raise NoSuchEntry("no entry has this number")
    others = Narrowed(but=own)
    with transaction():
        above = listed(others, after=entry_id, limit=BESIDE)
        below = listed(others, before=entry_id, limit=BESIDE)
        trail.record(
            LOOKED,
            Who(citizen=row.citizen_id, actor=officer.id),
            subject={"result": "shown", "entry": entry_id, "beside": len(above) + len(below)},
            acting=officer.acting(request_id),
        )
    looks = read([*reversed(above), row, *below], language)
    return Opened(looks[len(above)], prove(row), looks)
