"""Who has been told of a withdrawal and has not acknowledged it, and until when they may act."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from consent.clocks import terms
from consent.clocks.terms import Due, Span
from consent.ledger.withdraw import KIND
from consent.looks.review import LOOKED
from consent.recipients import records
from identity import trail
from identity.database import transaction
from identity.entry import Who
from identity.public_services import registered
from identity.public_services.registered import Registered
from identity.staff.sessions import StaffMember

RULE = "object"  # a withdrawal, in the table of terms
PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """One recipient with withdrawals that it has not acknowledged; of nobody in particular."""

    service: Registered
    number: int
    since: datetime  # the oldest of them
    due: Due  # of that one
    late: int  # how many are past their day
    without_address: int  # it told no address to send to
    given_up: int  # a week of tries ended without an answer


def due(told_at: datetime) -> Due:
    """By when a recipient has to have done what a withdrawal asks of it: its own clock.

    Decree 356/2025/NĐ-CP Art. 5.2, the longer term for whoever else has to act.
    """
    return terms.due(RULE, told_at, span=Span.THROUGH_OTHERS)


def silent(officer: StaffMember, *, request_id: str) -> Sequence[Silent]:
    """Every recipient that owes an acknowledgement, the oldest first; the look is an entry."""
    late = terms.late_before(RULE, span=Span.THROUGH_OTHERS)
    rows = records.silent(KIND, late_before=late, limit=PAGE)
    with transaction():
        trail.record(
            LOOKED,
            Who(actor=officer.id),
            subject={"result": "shown", "list": "recipients", "shown": len(rows)},
            acting=officer.acting(request_id),
        )
    known = registered.by_ids({row.public_service_id for row in rows})
    return [
        Silent(
            service=known[row.public_service_id],
            number=row.number,
            since=row.oldest_at,
            due=due(row.oldest_at),
            late=row.late,
            without_address=row.without_address,
            given_up=row.given_up,
        )
        for row in rows
    ]


def count_silent(officer: StaffMember) -> int:
    """How many recipients owe an acknowledgement, for whichever officer."""
    del officer
    return records.count_silent(KIND)
