"""A citizen does not recognise an entry: numbered, sealed, seen by the security officers."""

import uuid
from typing import Any

from consent.complaints import records
from consent.ledger import transitions
from consent.looks.entries import Look
from consent.replies.reply import LONGEST, Kind
from identity import clock, trail
from identity.authentication.sessions import CitizenSession
from identity.citizens import people
from identity.database import new_id, transaction
from identity.entry import Who
from identity.errors import InvalidRequest, NotFound, Refusal, TooManyRequests


class LongComplaint(InvalidRequest):
    """Nobody reads a book; what is needed fits on a page."""

    slug = "long-complaint"
    title = "The complaint is too long"


class TooManyComplaints(TooManyRequests):
    """One person raised as many in a day as anybody may."""

    slug = "too-many-complaints"
    title = "Too many complaints in one day"


class ComplaintAnswered(Refusal):
    """A colleague was first; what they answered stands."""

    status, code, slug = 409, "invalid_request", "complaint-answered"
    title = "The complaint was answered already"


class NoSuchComplaint(NotFound):
    """Nobody raised it, or another citizen did: the two look the same."""

    slug = "no-such-complaint"
    title = "There is no such complaint"


COMPLAINT = Kind(
    name="complaint",
    rule="complain",
    words="sealed_text",
    too_many=TooManyComplaints,
    answered=ComplaintAnswered,
    close=records.close,
    hold=records.hold,
    subject=lambda row: {"complaint": row.number, "entry": row.entry_id},
)


def complain(look: Look, text: str, *, by: CitizenSession, request_id: str = "") -> uuid.UUID:
    """The complaint has a number, and waits for an answer; while it waits, there is one an entry.

    The text may be empty: that somebody does not recognise a look says enough.

    Raises:
        LongComplaint: it is too long to be read.
        TooManyComplaints: this person's tenth of the day was the last.
    """
    if len(text) > LONGEST:
        raise LongComplaint(f"say in at most {LONGEST} characters what is wrong")
    waiting = records.find_open(look.id, of=by.citizen_id)
    if waiting is not None:
        return uuid.UUID(str(waiting.id))
    row = _row(look, by.citizen_id, text=text)
    try:
        with transaction():
            COMPLAINT.spend(by.citizen_id, row["raised_at"])
            records.add(row)
            _record(look, row, by=by, request_id=request_id)
    except records.RaisedBefore:
        # Two presses at once: the other one stands, and where it was just answered, it as well.
        waiting = records.find_open(look.id, of=by.citizen_id)
        return row["id"] if waiting is None else uuid.UUID(str(waiting.id))
    complaint_id: uuid.UUID = row["id"]
    return complaint_id


def _record(look: Look, row: dict[str, Any], *, by: CitizenSession, request_id: str) -> None:
    trail.record(
        "complaint:raised",
        Who(by.citizen_id, by.actor_id, row["public_service_id"]),
        subject={"complaint": row["number"], "entry": look.id},
        acting={"request": request_id},
    )


def _row(look: Look, citizen_id: uuid.UUID, *, text: str) -> dict[str, Any]:
    complaint_id = new_id()
    key = people.citizen_key(citizen_id)
    is_by_staff = look.service is None and look.is_by_another
    return {
        "citizen_id": citizen_id,
        "id": complaint_id,
        "number": transitions.new_number("KN"),  # khiếu nại
        "entry_id": look.id,
        "public_service_id": look.service and look.service.id,
        "staff_id": look.actor_id if is_by_staff else None,
        "staff_unit": look.acting.get("unit") if is_by_staff else None,
        "sealed_text": COMPLAINT.seal(complaint_id, text, key=key),
        "raised_at": clock.now(),
        "closed_at": None,
    }
