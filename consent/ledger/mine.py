"""A citizen's own view of their decisions: facts, text as seen, history, receipts, delivery."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from consent.attributes import catalogue
from consent.attributes.history import past
from consent.ledger import difference, records, transitions
from consent.ledger.difference import Difference
from consent.ledger.records import State
from consent.ledger.transitions import Entry
from consent.ledger.withdraw import NoSuchDecision
from consent.procedures.catalogue import Basis, Procedure, procedures
from identity import clock, outbox
from identity.outbox import Progress
from identity.public_services import registered
from identity.public_services.registered import Registered

SOON = timedelta(days=14)  # how long an answer is news
ENDING = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the history, with the receipt the person got for it."""

    state: str
    at: datetime
    receipt: Any  # a row of the table; null: none was given


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """One decision as its citizen sees it."""

    entry: Entry
    service: Registered
    language: str
    told: tuple[Progress, ...] = ()
    steps: tuple[Step, ...] = ()
    text: str = field(default="", repr=False)
    unlike: Difference | None = None  # an earlier one about the same; null: it is the first
    replaced_by: Difference | None = None  # the later one: what is in it; null: none replaced it

    @property
    def id(self) -> uuid.UUID:
        """Where its page is."""
        return self.entry.decision_id

    @property
    def state(self) -> str:
        """Where it stands; its time may have passed before the worker has said so."""
        is_late = self.entry.state is State.GIVEN and self.entry.until <= clock.now()
        return State.EXPIRED.value if is_late else self.entry.state.value

    @property
    def until_on(self) -> date:
        """The last day, as the calendar in Vietnam has it."""
        return self.entry.until.astimezone(clock.VIETNAM).date()

    @property
    def ended_at(self) -> datetime:
        """Since when nothing goes out on it, where nothing does."""
        return self.entry.until if self.state == State.EXPIRED else self.entry.decided_at

    @property
    def is_active(self) -> bool:
        """Whether data may go out on it now."""
        return self.state == State.GIVEN

    @property
    def is_ending(self) -> bool:
        """Whether it ends by itself within a month.

        Of one that was short from the beginning, only in its last quarter: else it always would.
        """
        notice = min(ENDING, (self.entry.until - self.entry.from_at) / 4)
        return self.is_active and self.entry.until <= clock.now() + notice

    @property
    def is_unheard(self) -> bool:
        """Whether it was withdrawn, and its recipient was told and has not acknowledged that."""
        return any(one.target is not None and one.delivered_at is None for one in self.told)

    @property
    def may_be_withdrawn(self) -> bool:
        """Whether the person may end it."""
        return self.is_active and self.entry.basis != Basis.LAW

    @property
    def procedure(self) -> Procedure | None:
        """What it was for; null: scopes, or a procedure that is no longer in the catalogue."""
        return procedures().get(self.entry.procedure or "")

    @property
    def labels(self) -> list[str]:
        """What its attributes are called."""
        names = difference.names_of(self.entry)
        return [catalogue.attribute(name).label(self.language) for name in names]


def decisions(citizen_id: uuid.UUID, language: str) -> list[Mine]:
    """Every decision of a person, the latest first."""
    entries = [transitions.read(row) for row in records.newest_of(citizen_id)]
    services = registered.by_ids(entry.public_service_id for entry in entries)
    withdrawn = [str(e.decision_id) for e in entries if e.state is State.WITHDRAWN]
    told = outbox.progress_of(withdrawn)
    return [
        Mine(
            entry=entry,
            service=services[entry.public_service_id],
            language=language,
            told=tuple(told.get(str(entry.decision_id), ())),
        )
        for entry in entries
    ]


def decision(citizen_id: uuid.UUID, decision_id: uuid.UUID, *, language: str) -> Mine:
    """One decision with everything about it.

    Raises:
        NoSuchDecision: unknown, or another citizen's.
    """
    history = [transitions.read(row) for row in records.history(citizen_id, decision_id)]
    if not history:
        raise NoSuchDecision("there is no such decision")
    receipts = records.receipts(citizen_id, decision_id)
    before, after = _neighbours(history)
    return Mine(
        entry=history[-1],
        service=registered.by_id(history[-1].public_service_id),
        language=language,
        told=tuple(outbox.progress(str(decision_id))),
        steps=tuple(
            Step(one.state.value, one.decided_at, receipts.get(one.version)) for one in history
        ),
        text=records.text(history[0].text_hash),
        unlike=before,
        replaced_by=after,
    )


def _neighbours(history: Sequence[Entry]) -> tuple[Difference | None, Difference | None]:
    """How it differs from the one before it about the same, and how the one that replaced it."""
    one, last = history[0], history[-1]
    if one.state is not State.GIVEN:
        return None, None
    given = records.given(one.citizen_id, one.public_service_id, procedures=[one.procedure])
    same = [row for row in given if (row.case, row.purposes) == (one.case, one.purposes)]
    before = [row for row in same if row.from_at < one.from_at][-1:]
    after = [row for row in same if one.from_at < row.from_at <= last.decided_at][-1:]
    after = after if last.state is State.SUPERSEDED else []
    if not before and not after:
        return None, None
    names = {name for row in (one, *before, *after) for name in difference.names_of(row)}
    known = past(one.citizen_id, names)
    said = difference.said(one, known)
    earlier = [difference.between(difference.said(row, known), said, other=row) for row in before]
    later = [difference.between(said, difference.said(row, known), other=row) for row in after]
    return next(iter(earlier), None), next(iter(later), None)


@dataclass(frozen=True, slots=True)
class Raised:
    """An objection as the person who raised it sees it in a list."""

    id: uuid.UUID
    number: str
    service: Registered
    procedure: str | None
    case: str | None
    at: datetime
    answered_at: datetime | None  # null: not answered yet

    @property
    def needs_attention(self) -> bool:
        """Whether it waits for an answer, or got one lately."""
        return self.answered_at is None or self.answered_at > clock.now() - SOON

    def is_about(self, one: Mine) -> bool:
        """Whether it is against this very reuse."""
        theirs = (one.service.id, one.entry.procedure, one.entry.case)
        return (self.service.id, self.procedure, self.case) == theirs


def objections(citizen_id: uuid.UUID) -> Sequence[Raised]:
    """What a person has objected to, the latest first."""
    rows = records.objections_of(citizen_id)
    services = registered.by_ids(row.public_service_id for row in rows)
    return [
        Raised(
            row.id,
            row.number,
            services[row.public_service_id],
            row.procedure,
            row.case,
            row.raised_at,
            row.closed_at,
        )
        for row in rows
    ]
