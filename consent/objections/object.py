"""A citizen objects to a reuse of their data: numbered, sealed, seen by the security officers."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from consent.ledger import transitions
from consent.objections import records
from consent.replies.reply import LONGEST, Kind
from identity import clock, sealing, trail
from identity.authentication.sessions import CitizenSession
from identity.citizens import people
from identity.database import transaction
from identity.entry import Who
from identity.errors import InvalidRequest, NotFound, Refusal, TooManyRequests


class NoReason(InvalidRequest):
    """Nobody can answer an objection that does not say what is wrong."""

    slug = "no-reason"
    title = "The objection gives no reason"


class TooManyObjections(TooManyRequests):
    """One person raised as many in a day as anybody may."""

    slug = "too-many-objections"
    title = "Too many objections in one day"


class AnsweredBefore(Refusal):
    """A colleague was first; what they answered stands."""

    status, code, slug = 409, "invalid_request", "objection-answered"
    title = "The objection was answered already"


class NoSuchObjection(NotFound):
    """Nobody raised it, or another citizen did: the two look the same."""

    slug = "no-such-objection"
    title = "There is no such objection"


def _subject(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row of the table
    return {"objection": row.number, "procedure": row.procedure, "case": row.case}


OBJECTION = Kind(
    name="objection",
    rule="object",
    words="sealed_reason",
    too_many=TooManyObjections,
    answered=AnsweredBefore,
    close=records.close,
    hold=records.hold,
    subject=_subject,
)


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
            OBJECTION.spend(by.citizen_id, row["raised_at"])
            records.add(row)
            _record(row, by, request_id=request_id)
    except records.RaisedBefore:
        pass  # an impatient finger, or the back button
    except TooManyObjections:
        if records.find(row["id"], of=by.citizen_id) is None:
            raise
    objection_id: uuid.UUID = row["id"]
    return objection_id


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
        "sealed_reason": OBJECTION.seal(objection_id, reason, key=key),
        "raised_at": clock.now(),
        "closed_at": None,
    }


def _id(citizen_id: uuid.UUID, form: uuid.UUID, *, reason: str) -> uuid.UUID:
    """The same id for the same words of the same form; nobody else can make it."""
    sent = citizen_id.bytes + form.bytes + reason.encode()
    digest = sealing.ring().mac("objection", sent)
    return uuid.UUID(bytes=form.bytes[:8] + b"\x80" + digest[:7])
