"""A citizen's own view of their complaints."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consent.clocks.terms import Due
from consent.complaints import records
from consent.complaints.complain import COMPLAINT, NoSuchComplaint
from consent.ledger.mine import SOON
from consent.looks import records as looks
from consent.looks.entries import Look, opened
from consent.replies import extend
from identity import clock
from identity.errors import NotFound
from identity.public_services import registered
from identity.public_services.registered import Registered

MOST = 200  # in the list; ten a day may be raised


class NoSuchEntry(NotFound):
    """The log has no such entry about this person: unknown and another's look the same."""

    slug = "no-such-entry"
    title = "There is no such entry"


@dataclass(frozen=True, slots=True)
class Raised:
    """A complaint as the person who raised it sees it in a list."""

    id: uuid.UUID
    number: str
    service: Registered | None  # null: the look was no public service's
    at: datetime
    answered_at: datetime | None  # null: not answered yet
    due: Due

    @property
    def needs_attention(self) -> bool:
        """Whether it waits for an answer, or got one lately."""
        return self.answered_at is None or self.answered_at > clock.now() - SOON


def complaints(citizen_id: uuid.UUID) -> Sequence[Raised]:
    """What a person has complained about, the latest first."""
    rows = records.of_person(citizen_id, limit=MOST)
    extended = extend.extended(rows)
    known = registered.by_ids(row.public_service_id for row in rows if row.public_service_id)
    return [
        Raised(
            row.id,
            row.number,
            known.get(row.public_service_id),
            row.raised_at,
            row.closed_at,
            extend.due(COMPLAINT, row, among=extended),
        )
        for row in rows
    ]


def complaint(citizen_id: uuid.UUID, complaint_id: uuid.UUID) -> Any:  # noqa: ANN401 - a row
    """One complaint of a person, as its row stands.

    Raises:
        NoSuchComplaint: unknown, or another citizen's.
    """
    row = records.find(complaint_id, of=citizen_id)
    if row is None:
        raise NoSuchComplaint("go to /my/complaints")
    return row


def entry(citizen_id: uuid.UUID, entry_id: str, *, language: str) -> Look:
    """One entry about a person, by its id as an address has it.

    Raises:
        NoSuchEntry: the log has none, or it is about another citizen.
    """
    is_id = re.fullmatch(r"[0-9]{1,18}", entry_id) is not None
    found = find_entry(citizen_id, int(entry_id), language=language) if is_id else None
    if found is None:
        raise NoSuchEntry("go to /my/access")
    return found


def find_entry(citizen_id: uuid.UUID, entry_id: int, *, language: str) -> Look | None:
    """The same; null where it is gone, which the log's own check tells."""
    rows = looks.entries(of=citizen_id, before=entry_id + 1, limit=1)
    return next((opened(row, language) for row in rows if row.id == entry_id), None)
