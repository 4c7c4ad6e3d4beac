"""An inspector reads looks of the sample and says of each whether it was in order; once, for good.

What they read is an entry, which the person whom the look was about sees as well. They see what an
officer did and said: no attribute, no value, and the person as a tag.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from consent.inspection import records, sample
from consent.inspection.records import Verdict
from consent.inspection.sample import Acted, Day
from consent.looks.entries import Look, opened
from consent.looks.review import OwnEntries, holds_a_number
from identity import clock, sealing, trail
from identity.database import transaction
from identity.entry import NOBODY, Who
from identity.errors import InvalidRequest, NotFound, Refusal
from identity.public_services import registered
from identity.staff import records as staff
from identity.staff.sessions import StaffMember, accounts

LOOKED, REVIEWED = "inspection:looked", "inspection:reviewed"
LONGEST = 1_000
SHOWN = 20
PURPOSE = "inspection-note"  # of the seal


class NotInSample(NotFound):
    """No entry of the sample has this number; one that is not drawn looks the same."""

    slug = "not-in-sample"
    title = "The sample has no such entry"


class UnfitNote(InvalidRequest):
    """The note is missing where one is needed, too long, or holds somebody's number."""

    slug = "unfit-note"
    title = "The note cannot be kept like this"


class AlreadyReviewed(Refusal):
    """Another inspector was first, or the form came twice; what was said stands."""

    status, code, slug = 409, "invalid_request", "already-reviewed"
    title = "This look was reviewed already"


@dataclass(frozen=True, slots=True)
class Member:
    """Who acted, by the name of their account; `/staff/members` says whose it is."""

    username: str
    unit: str
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an inspector said."""

    verdict: Verdict
    note: str = field(repr=False)
    by: str  # a username
    at: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """One look of a sample."""

    look: Look
    member: Member | None  # null: the account is unknown here
    said: Said | None  # null: not reviewed yet

    @property
    def day(self) -> str:
        """The day whose sample it belongs to, as an address has it."""
        return self.look.at.astimezone(clock.VIETNAM).date().isoformat()


@dataclass(frozen=True, slots=True)
class Overview:
    """Where an inspector begins."""

    days: Sequence[Day]
    members: Sequence[Member]  # with how often each looked, the most first
    to_explain: Sequence[int]  # entries of which somebody asked for an explanation


def overview(inspector: StaffMember, *, request_id: str) -> Overview:
    """Days with their samples, who looked how often, what is to explain; the look is an entry."""
    days, acted = sample.lately()
    _record(inspector, {"list": "days", "shown": len(days)}, request_id=request_id)
    known = _members()
    members = [_counted(known, one) for one in acted if one.actor_id in known]
    asked = [row.entry_id for row in records.to_explain(limit=SHOWN)]
    return Overview(days, members, asked)


def of_day(
    inspector: StaffMember, on: date, *, request_id: str, language: str
) -> tuple[Day, list[Item]]:
    """One day's sample; the look is an entry."""
    found = sample.day(on)
    rows = records.entries(found.sample, but=inspector.own_citizen_id) if found.sample else ()
    told = {"list": on.isoformat(), "shown": len(rows)}
    _record(inspector, told, request_id=request_id)
    return found, _items(rows, language=language)


def one(inspector: StaffMember, entry_id: int, *, request_id: str, language: str) -> Item:
    """One look of a sample; that it was opened is an entry of the person it was about.

    Raises:
        NotInSample: nothing of a sample has this number.
        OwnEntries: the look was about this inspector, or theirs under an account of before; the
            attempt stands in the log.
    """
    row = _drawn(inspector, entry_id)
    told = {"entry": entry_id}
    _record(inspector, told, request_id=request_id, about=row.citizen_id)
    (item,) = _items([row], language=language)
    return item


def review(
    inspector: StaffMember, entry_id: int, *, verdict: Verdict, note: str, request_id: str
) -> None:
    """The look is reviewed, and what was said of it stands in the log.

    Raises:
        NotInSample, OwnEntries: as `one`.
        UnfitNote: it says nothing where it must, too much, or somebody's number.
        AlreadyReviewed: somebody was first.
    """
    row, said = _drawn(inspector, entry_id), _fit(note, verdict)
    values = {
        "entry_id": entry_id,
        "inspector_id": inspector.id,
        "verdict": verdict,
        "sealed_note": sealing.ring().seal_token(PURPOSE, said.encode()),
        "reviewed_at": clock.now(),
    }
    with transaction():
        if not records.add(values):
            raise AlreadyReviewed("read what was said")
        trail.record(
            REVIEWED,
            Who(citizen=_person(row.citizen_id), actor=inspector.id),
            subject={"result": str(verdict), "entry": entry_id}
            | ({"reason": said} if said else {}),
            acting=inspector.acting(request_id),
        )


def _drawn(inspector: StaffMember, entry_id: int) -> Any:  # noqa: ANN401 - a row of the log
    found = records.entries([entry_id], but=None)
    if not found or found[0].type not in sample.TYPES:
        raise NotInSample("open the list of the day again")
    row = found[0]
    if row.citizen_id == inspector.own_citizen_id or row.actor_id in accounts(inspector):
        trail.refuse(
            LOOKED,
            Who(citizen=_person(row.citizen_id), actor=inspector.id),
            subject={"result": "refused", "reason": "own_account", "entry": entry_id},
            acting=inspector.acting(),
        )
        raise OwnEntries("nobody reviews themselves", note="own entry")
    if entry_id not in sample.day(row.at.astimezone(clock.VIETNAM).date()).sample:
        raise NotInSample("open the list of the day again")
    return row


def _fit(note: str, verdict: Verdict) -> str:
    note = " ".join(note.split())
    if len(note) > LONGEST or (not note and verdict is Verdict.TO_EXPLAIN):
        raise UnfitNote(f"up to {LONGEST} characters; say what has to be explained")
    if holds_a_number(note):
        raise UnfitNote("no personal number; it would stay in the log")
    return note


def _items(rows: Sequence[Any], *, language: str) -> list[Item]:
    registered.by_ids({row.public_service_id for row in rows} - {NOBODY})
    known, said = _members(), records.reviews([row.id for row in rows])
    return [
        Item(opened(row, language), known.get(row.actor_id), _said(said.get(row.id), known))
        for row in rows
    ]


def _said(row: Any, known: Mapping[uuid.UUID, Member]) -> Said | None:  # noqa: ANN401 - a row, or null
    if row is None:
        return None
    note = sealing.ring().open_token(PURPOSE, row.sealed_note).decode()
    by = known[row.inspector_id].username
    return Said(verdict=Verdict(row.verdict), note=note, by=by, at=row.reviewed_at)


def _members() -> dict[uuid.UUID, Member]:
    return {row.id: Member(row.username, row.unit) for row in staff.everybody()}


def _counted(known: dict[uuid.UUID, Member], acted: Acted) -> Member:
    member = known[acted.actor_id]
    return Member(member.username, member.unit, acted.count)


def _person(citizen_id: uuid.UUID) -> uuid.UUID | None:
    return None if citizen_id == NOBODY else citizen_id


def _record(
    inspector: StaffMember, told: dict[str, Any], *, request_id: str, about: uuid.UUID = NOBODY
) -> None:
    trail.record(
        LOOKED,
        Who(citizen=_person(about), actor=inspector.id),
        subject={"result": "shown", **told},
        acting=inspector.acting(request_id),
    )
