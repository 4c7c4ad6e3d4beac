"""Security officers and complaints: which wait, what one says, and the answer to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.clocks.terms import Due
from consent.complaints import records
from consent.complaints.complain import COMPLAINT, NoSuchComplaint
from consent.complaints.mine import find_entry
from consent.looks import units
from consent.looks.entries import Look, tag
from consent.looks.review import LOOKED, OwnEntries, mark_own
from consent.replies import extend
from consent.replies.extend import Extension
from consent.replies.reply import Answer
from identity import trail
from identity.database import transaction
from identity.entry import Who
from identity.errors import AccessDenied
from identity.public_services import registered
from identity.public_services.registered import Registered
from identity.staff.sessions import StaffMember, accounts

PAGE = 50
EVERYBODYS = records.Mine(None)


class OwnLook(AccessDenied):
    """The look was this officer's or their unit's; others answer for it."""

    slug = "own-look"
    title = "The complaint is about a look of your own unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A complaint as an officer sees it: a tag instead of a person."""

    number: str
    tag: str
    entry_id: int
    service: Registered | None  # null: the look was our own staff's, or nobody's
    at: datetime
    answered_at: datetime | None  # null: it waits
    due: Due
    # Only where it was opened.
    look: Look | None = None
    text: str = field(default="", repr=False)
    answer: Answer | None = None
    extension: Extension | None = None
    may_be_extended: bool = False

    @property
    def is_late(self) -> bool:
        """Whether the answer is overdue, or came too late."""
        return self.due.is_late(self.answered_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What one officer may answer and see answered."""

    waiting: Sequence[Complaint]
    answered: Sequence[Complaint]
    elsewhere: int  # wait too, and only others may answer them


def desk(officer: StaffMember) -> Desk:
    """The complaints of this officer; none of their own, nor about them or their unit."""
    mine = _mine(officer)
    waiting = records.waiting(mine=mine, limit=PAGE)
    answered = records.answered(mine=mine, limit=PAGE)
    registered.by_ids(
        row.public_service_id for row in (*waiting, *answered) if row.public_service_id is not None
    )
    known = extend.extended((*waiting, *answered))
    return Desk(
        waiting=[_complaint(row, known) for row in waiting],
        answered=[_complaint(row, known) for row in answered],
        elsewhere=records.count_waiting(EVERYBODYS) - records.count_waiting(mine),
    )


def count_waiting(officer: StaffMember) -> int:
    """How many complaints wait that this officer may answer."""
    return records.count_waiting(_mine(officer))


def _mine(officer: StaffMember) -> records.Mine:
    same = [unit for unit in records.units() if units.is_same(unit, officer.unit)]
    return records.Mine(officer.own_citizen_id, accounts(officer), same)


def look(officer: StaffMember, number: str, *, request_id: str, language: str = "vi") -> Complaint:
    """One complaint with its words and its entry; the look is an entry that the person sees.

    Raises:
        NoSuchComplaint: no complaint has this number.
        OwnEntries: the officer raised it; the attempt stands in the log.
        OwnLook: it is about this officer's or their unit's look; likewise.
    """
    row = _row(officer, number)
    with transaction():
        trail.record(
            LOOKED,
            Who(citizen=row.citizen_id, actor=officer.id),
            subject={"result": "shown", "complaint": row.number},
            acting=officer.acting(request_id),
        )
    entry = find_entry(row.citizen_id, row.entry_id, language=language)
    return _complaint(
        row,
        extend.extended([row]),
        look=entry,
        text=COMPLAINT.words_of(row),
        answer=COMPLAINT.answer_to(row),
        extension=extend.extension(row),
        may_be_extended=extend.may_extend(COMPLAINT, row),
    )


def answer(officer: StaffMember, number: str, *, text: str, request_id: str) -> None:
    """The complaint is answered, and the person can read it.

    Raises:
        NoSuchComplaint, OwnEntries, OwnLook: as `look`.
        NoAnswer: it is empty, or too long to be read.
        ComplaintAnswered: somebody answered it first.
    """
    COMPLAINT.answer(_row(officer, number), text, by=officer, request_id=request_id)


def extend_term(officer: StaffMember, number: str, *, reason: str, request_id: str) -> None:
    """The answer is due later, and the person reads until when and why.

    Raises:
        NoSuchComplaint, OwnEntries, OwnLook: as `look`.
        extend.NoExtensionReason, extend.NotExtendable: as there.
    """
    row = _row(officer, number)
    extend.extend(COMPLAINT, row, reason=reason, by=officer, request_id=request_id)


def _row(officer: StaffMember, number: str) -> Any:  # noqa: ANN401 - a row of the table
    row = records.find_by_number(number)
    if row is None:
        raise NoSuchComplaint("no complaint has this number")
    if row.citizen_id == officer.own_citizen_id:
        mark_own(officer, row.citizen_id, complaint=row.number)
        raise OwnEntries("nobody answers their own complaint", note="own complaint")
    if _is_own_look(officer, row):
        mark_own(officer, row.citizen_id, complaint=row.number)
        raise OwnLook("a colleague of another unit answers it", note="own look")
    return row


def _is_own_look(officer: StaffMember, row: Any) -> bool:  # noqa: ANN401 - as above
    if row.staff_id is None:
        return False
    return units.is_same(row.staff_unit or "", officer.unit) or row.staff_id in accounts(officer)


def _complaint(row: Any, extended: frozenset[UUID], **opened: Any) -> Complaint:  # noqa: ANN401 - as above
    known = None if row.public_service_id is None else registered.by_id(row.public_service_id)
    return Complaint(
        number=row.number,
        tag=tag("N", row.citizen_id),
        entry_id=row.entry_id,
        service=known,
        at=row.raised_at,
        answered_at=row.closed_at,
        due=extend.due(COMPLAINT, row, among=extended),
        **opened,
    )
