"""Security officers and objections: which wait, what one says, and the answer to it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.clocks import terms
from consent.clocks.terms import Due, Span
from consent.looks.entries import tag
from consent.looks.review import LOOKED, PAGE, OwnEntries, Wanted, mark_own
from consent.objections import records
from consent.objections.object import OBJECTION, NoSuchObjection
from consent.procedures.catalogue import Procedure, procedures
from consent.replies import extend
from consent.replies.extend import Extension
from consent.replies.reply import Answer
from identity import trail
from identity.database import transaction
from identity.entry import Who
from identity.public_services import registered
from identity.public_services.registered import Registered
from identity.staff.sessions import StaffMember


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An objection as an officer sees it: a tag instead of a person."""

    number: str
    tag: str
    service: Registered
    procedure: Procedure | None
    case: str | None
    at: datetime
    answered_at: datetime | None  # null: it waits
    due: Due
    # Its words only where it was opened, or a search named the person.
    reason: str = field(default="", repr=False)
    answer: Answer | None = None
    extension: Extension | None = None
    may_be_extended: bool = False

    @property
    def is_late(self) -> bool:
        """Whether the law's term was not kept, or is over while it waits."""
        return self.due.is_late(self.answered_at)


def waiting(officer: StaffMember, wanted: Wanted) -> list[Raised]:
    """Those that wait for an answer, but for the officer's own; of one person where searched."""
    sought = wanted.search
    if sought is not None and sought.found is None:
        return []
    of = None if sought is None else sought.found
    rows = records.waiting(of=of, but=officer.own_citizen_id, limit=PAGE)
    registered.by_ids({row.public_service_id for row in rows})
    known = extend.extended(rows)
    return [
        _raised(row, known, reason="" if sought is None else OBJECTION.words_of(row))
        for row in rows
    ]


def count_waiting(officer: StaffMember) -> int:
    """How many objections wait that this officer may answer: all but the officer's own."""
    return records.count_waiting(but=officer.own_citizen_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """A page of those that wait, the oldest first."""

    waiting: list[Raised]
    late: int  # of all that wait, on this page or not
    after: str | None  # the number that the next page goes on behind; null: this is the last


def clocks(officer: StaffMember, *, after: str | None, request_id: str) -> Clocks:
    """Those that wait behind the one with this number, or from the first; the look is an entry.

    Raises:
        NoSuchObjection: no objection has this number.
    """
    last = None if after is None else records.find_by_number(after)
    if after is not None and last is None:
        raise NoSuchObjection("no objection has this number")
    rows = records.waiting(but=officer.own_citizen_id, after=last, limit=PAGE + 1)
    late = records.late(
        terms.late_before(OBJECTION.rule),
        terms.late_before(OBJECTION.rule, span=Span.EXTENDED),
        but=officer.own_citizen_id,
    )
    with transaction():
        trail.record(
            LOOKED,
            Who(actor=officer.id),
            subject={"result": "shown", "list": "objections", "shown": min(len(rows), PAGE)},
            acting=officer.acting(request_id),
        )
    known = extend.extended(rows)
    shown = [_raised(row, known) for row in rows[:PAGE]]
    return Clocks(waiting=shown, late=late, after=shown[-1].number if len(rows) > PAGE else None)


def look(officer: StaffMember, number: str, *, request_id: str) -> Raised:
    """One objection with its words; the look is an entry that the person sees.

    Raises:
        NoSuchObjection: no objection has this number.
        OwnEntries: the officer raised it; the attempt stands in the log.
    """
    row = _row(officer, number)
    with transaction():
        trail.record(
            LOOKED,
            Who(citizen=row.citizen_id, actor=officer.id),
            subject={"result": "shown", "objection": row.number},
            acting=officer.acting(request_id),
        )
    return _raised(
        row,
        extend.extended([row]),
        reason=OBJECTION.words_of(row),
        answer=OBJECTION.answer_to(row),
        extension=extend.extension(row),
        may_be_extended=extend.may_extend(OBJECTION, row),
    )


def answer(officer: StaffMember, number: str, *, text: str, request_id: str) -> None:
    """The objection is answered, and the person can read it.

    Raises:
        NoSuchObjection: no objection has this number.
        OwnEntries: nobody answers themselves; the attempt stands in the log.
        NoAnswer: it is empty, or too long to be read.
        AnsweredBefore: somebody answered it first.
    """
    OBJECTION.answer(_row(officer, number), text, by=officer, request_id=request_id)


def extend_term(officer: StaffMember, number: str, *, reason: str, request_id: str) -> None:
    """The answer is due later, and the person reads until when and why.

    Raises:
        NoSuchObjection, OwnEntries: as `answer`.
        extend.NoExtensionReason, extend.NotExtendable: as there.
    """
    row = _row(officer, number)
    extend.extend(OBJECTION, row, reason=reason, by=officer, request_id=request_id)


def _row(officer: StaffMember, number: str) -> Any:  # noqa: ANN401 - a row of the table
    row = records.find_by_number(number)
    if row is None:
        raise NoSuchObjection("no objection has this number")
    if row.citizen_id == officer.own_citizen_id:
        mark_own(officer, row.citizen_id, objection=row.number)
        raise OwnEntries("nobody answers their own objection", note="own objection")
    return row


def _raised(row: Any, extended: frozenset[UUID], **opened: Any) -> Raised:  # noqa: ANN401 - as above
    return Raised(
        number=row.number,
        tag=tag("N", row.citizen_id),
        service=registered.by_id(row.public_service_id),
        procedure=procedures().get(row.procedure or ""),
        case=row.case,
        at=row.raised_at,
        answered_at=row.closed_at,
        due=extend.due(OBJECTION, row, among=extended),
        **opened,
    )
