"""A citizen objects to a reuse of their data: numbered, sealed, seen by the security officers."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from consent.ledger import transitions
from consent.objections import records
from identity import clock, sealing, trail
from identity.authentication import lockout
from identity.authentication.lockout import Budget, TooManyTries
from identity.authentication.sessions import CitizenSession
from identity.citizens import people
from identity.database import transaction
from identity.entry import Who
from identity.errors import InvalidRequest, NotFound, TooManyRequests

TABLE, REASON = "objection", "sealed_reason"
LONGEST = 2_000  # characters
# Each one is read by somebody; nobody has more to say in a day.
MOST, IN = 10, timedelta(days=1)


class NoReason(InvalidRequest):
    """Nobody can answer an objection that does not say what is wrong."""

    slug = "no-reason"
    title = "The objection gives no reason"


class TooManyObjections(TooManyRequests):
    """One person raised as many in a day as anybody may."""

    slug = "too-many-objections"
    title = "Too many objections in one day"


class NoSuchObjection(NotFound):
    """Nobody raised it, or another citizen did: the two look the same."""

    slug = "no-such-objection"
    title = "There is no such objection"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the objection is against, and why."""

    public_service_id: uuid.UUID
    procedure: str | None  # null: the scopes
    case: str | None
    reason: str = field(repr=False)


def raise_objection(
    about: About, *, by: CitizenSession, form: uuid.UUID, request_id: str = ""
) -> uuid.UUID:
    """The objection has a number, and waits for an answer; the same form twice is one objection.

    Raises:
        NoReason: it is empty, or too long to be read.
        TooManyObjections: this person's tenth of the day was the last.
    """
    reason = about.reason.strip()
    if not 0 < len(reason) <= LONGEST:
        raise NoReason(f"say in 1 to {LONGEST} characters what is wrong")
    row = _row(about, by.citizen_id, form=form, reason=reason)
    try:
        with transaction():
            _count(by.citizen_id, row["raised_at"])
            records.add(row)
            _record(row, by, request_id=request_id)
    except records.RaisedBefore:
        pass  # an impatient finger, or the back button
    except TooManyObjections:
        if records.find(row["id"], of=by.citizen_id) is None:
            raise
    objection_id: uuid.UUID = row["id"]
    return objection_id


def _count(citizen_id: uuid.UUID, at: datetime) -> None:
    try:
        lockout.spend(Budget(("objection", citizen_id.hex), MOST, IN), at)
    except TooManyTries as spent:
        told = "wait before raising another objection"
        raise TooManyObjections(told, headers=spent.headers) from None


def _record(row: dict[str, Any], by: CitizenSession, *, request_id: str) -> None:
    trail.record(
        "objection:raised",
        Who(by.citizen_id, by.actor_id, row["public_service_id"]),
        subject={
            "objection": row["number"],
            "procedure": row["procedure"],
            "case": row["case"],
        },
        acting={"request": request_id},
    )


def _row(about: About, citizen_id: uuid.UUID, *, form: uuid.UUID, reason: str) -> dict[str, Any]:
    objection_id = _id(citizen_id, form, reason=reason)
    key = people.citizen_key(citizen_id)
    return {
        "citizen_id": citizen_id,
        "id": objection_id,
        "number": transitions.new_number("PD"),  # phản đối
        "public_service_id": about.public_service_id,
        "procedure": about.procedure,
        "case": about.case,
        "sealed_reason": sealing.seal(key, reason.encode(), **place(objection_id, REASON)),
        "raised_at": clock.now(),
        "closed_at": None,
    }


def _id(citizen_id: uuid.UUID, form: uuid.UUID, *, reason: str) -> uuid.UUID:
    """The same id for the same words of the same form; nobody else can make it."""
    sent = citizen_id.bytes + form.bytes + reason.encode()
    digest = sealing.ring().mac("objection", sent)
    return uuid.UUID(bytes=form.bytes[:8] + b"\x80" + digest[:7])


def place(objection_id: uuid.UUID, column: str) -> dict[str, str]:
    """Where a sealed text of an objection stands."""
    return {"table": TABLE, "column": column, "row": objection_id.hex}


def reason_of(objection: Any) -> str:  # noqa: ANN401 - a row of the table
    """What the person wrote, for themselves and for the security officer who answers it.

    Raises:
        people.NoSuchCitizen: the person's key was destroyed.
    """
    key = people.citizen_key(objection.citizen_id)
    sealed = bytes(objection.sealed_reason)
    return sealing.open_sealed(key, sealed, **place(objection.id, REASON)).decode()
