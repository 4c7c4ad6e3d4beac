"""A citizen does not recognise an entry: numbered, sealed, seen by the security officers."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from consent.clocks import terms
from consent.clocks.terms import Due
from consent.complaints import records
from consent.ledger import transitions
from consent.looks.entries import Look
from identity import clock, sealing, trail
from identity.authentication import lockout
from identity.authentication.lockout import Budget, TooManyTries
from identity.authentication.sessions import CitizenSession
from identity.citizens import people
from identity.database import new_id, transaction
from identity.entry import Who
from identity.errors import InvalidRequest, NotFound, TooManyRequests

TABLE, TEXT = "complaint", "sealed_text"
LONGEST = 2_000  # characters
RULE = "object"  # of the table of legal terms: the closest to saying that a look is wrong
# Each one is read by somebody.
MOST, IN = 10, timedelta(days=1)


class LongComplaint(InvalidRequest):
    """Nobody reads a book; what is needed fits on a page."""

    slug = "long-complaint"
    title = "The complaint is too long"


class TooManyComplaints(TooManyRequests):
    """One person raised as many in a day as anybody may."""

    slug = "too-many-complaints"
    title = "Too many complaints in one day"


class NoSuchComplaint(NotFound):
    """Nobody raised it, or another citizen did: the two look the same."""

    slug = "no-such-complaint"
    title = "There is no such complaint"


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
            _count(by.citizen_id, row["raised_at"])
            records.add(row)
            _record(look, row, by=by, request_id=request_id)
    except records.RaisedBefore:
        # Two presses at once: the other one stands, and where it was just answered, it as well.
        waiting = records.find_open(look.id, of=by.citizen_id)
        return row["id"] if waiting is None else uuid.UUID(str(waiting.id))
    complaint_id: uuid.UUID = row["id"]
    return complaint_id


def _count(citizen_id: uuid.UUID, at: datetime) -> None:
    try:
        lockout.spend(Budget(("complaint", citizen_id.hex), MOST, IN), at)
    except TooManyTries as spent:
        told = "wait before raising another complaint"
        raise TooManyComplaints(told, headers=spent.headers) from None


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
        "sealed_text": sealing.seal(key, text.encode(), **place(complaint_id, TEXT)),
        "raised_at": clock.now(),
        "closed_at": None,
    }


def place(complaint_id: uuid.UUID, column: str) -> dict[str, str]:
    """Where a sealed text of a complaint stands."""
    return {"table": TABLE, "column": column, "row": complaint_id.hex}


def text_of(complaint: Any) -> str:  # noqa: ANN401 - a row of the table
    """What the person wrote, for themselves and for the security officer who answers it.

    Raises:
        people.NoSuchCitizen: the person's key was destroyed.
    """
    key = people.citizen_key(complaint.citizen_id)
    sealed = bytes(complaint.sealed_text)
    return sealing.open_sealed(key, sealed, **place(complaint.id, TEXT)).decode()


def due(complaint: Any) -> Due:  # noqa: ANN401 - as above
    """By when the person has their answer."""
    return terms.due(RULE, complaint.raised_at)
