"""An officer extends the term of an answer, once, with a reason that the citizen reads."""

import json
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from consent.clocks import terms
from consent.clocks.terms import Due, Span
from consent.replies import records
from consent.replies.reply import LONGEST, Kind
from identity import clock, sealing, trail
from identity.citizens import people
from identity.database import transaction
from identity.entry import Who
from identity.errors import InvalidRequest, Refusal
from identity.staff.sessions import StaffMember

TABLE, COLUMN = "term_extension", "sealed_reason"


class NoExtensionReason(InvalidRequest):
    """Whoever waits longer is told why."""

    slug = "no-extension-reason"
    title = "The extension gives no reason"


class NotExtendable(Refusal):
    """The law knows one extension, of a term that still runs, of what nobody has answered."""

    status, code, slug = 409, "invalid_request", "not-extendable"
    title = "This term cannot be extended any more"


@dataclass(frozen=True, slots=True)
class Extension:
    """Who needed longer, since when and why; the officer's name stays out of it."""

    at: datetime
    unit: str
    reason: str = field(repr=False)


def extend(kind: Kind, row: Any, *, reason: str, by: StaffMember, request_id: str = "") -> None:  # noqa: ANN401 - a row of its table
    """The answer is due later, and the person reads until when and why; of two, one counts.

    Raises:
        NoExtensionReason: it is empty, or too long to be read.
        NotExtendable: it was answered or extended before, or its day is over.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= LONGEST:
        raise NoExtensionReason(f"say in 1 to {LONGEST} characters why it takes longer")
    if not may_extend(kind, row):
        raise NotExtendable("read what stands there")
    until = terms.due(kind.rule, row.raised_at, span=Span.EXTENDED).done_on
    extension = _extension(kind, row, reason=reason, by=by)
    try:
        with transaction():
            if not kind.hold(row.citizen_id, row.id):
                raise NotExtendable("read what was answered")
            records.add(extension)
            trail.record(
                f"{kind.name}:extended",
                Who(citizen=row.citizen_id, actor=by.id),
                subject=kind.subject(row) | {"until": until.isoformat()},
                acting=by.acting(request_id),
            )
    except records.ExtendedBefore:
        raise NotExtendable("read what stands there") from None


def _extension(kind: Kind, row: Any, *, reason: str, by: StaffMember) -> dict[str, Any]:  # noqa: ANN401 - as above
    told = json.dumps({"unit": by.unit, "reason": reason}, ensure_ascii=False).encode()
    key = people.citizen_key(row.citizen_id)
    return {
        "citizen_id": row.citizen_id,
        "raised_id": row.id,
        "kind": kind.name,
        "granted_by": by.id,
        "granted_at": clock.now(),
        "sealed_reason": sealing.seal(key, told, table=TABLE, column=COLUMN, row=row.id.hex),
    }


def may_extend(kind: Kind, row: Any) -> bool:  # noqa: ANN401 - as above
    """Whether it waits for an answer within its first term."""
    return (
        row.closed_at is None and not (now := due(kind, row)).is_extended and not now.is_late(None)
    )


def extension(row: Any) -> Extension | None:  # noqa: ANN401 - as above
    """Why one request waits longer, for the person and the officer; null: it does not.

    Raises:
        people.NoSuchCitizen: the person's key was destroyed.
    """
    found = records.find(row.id, of=row.citizen_id)
    if found is None:
        return None
    key = people.citizen_key(row.citizen_id)
    sealed = bytes(found.sealed_reason)
    told = sealing.open_sealed(key, sealed, table=TABLE, column=COLUMN, row=row.id.hex)
    return Extension(found.granted_at, **json.loads(told))


def extended(rows: Iterable[Any]) -> frozenset[uuid.UUID]:
    """Which requests of a list were extended, in one look."""
    return records.extended([(row.citizen_id, row.id) for row in rows])


def due(kind: Kind, row: Any, *, among: Collection[uuid.UUID] | None = None) -> Due:  # noqa: ANN401 - as above
    """By when the person has their answer; `among` those of a list that were extended."""
    known = extended([row]) if among is None else among
    span = Span.EXTENDED if row.id in known else Span.FIRST
    return terms.due(kind.rule, row.raised_at, span=span)
