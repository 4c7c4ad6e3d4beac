"""A citizen objects to a reuse of their data: numbered, sealed, seen by the security officers."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from consent.ledger import records, transitions
from identity import clock, database, sealing, trail
from identity.authentication.sessions import CitizenSession
from identity.citizens import people
from identity.database import transaction
from identity.entry import Who
from identity.errors import InvalidRequest

TABLE, COLUMN = "objection", "sealed_reason"
LONGEST = 2_000  # characters


class NoReason(InvalidRequest):
    """Nobody can answer an objection that does not say what is wrong."""

    slug = "no-reason"
    title = "The objection gives no reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the objection is against, and why."""

    public_service_id: uuid.UUID
    procedure: str | None  # null: the scopes
    case: str | None
    reason: str = field(repr=False)


def raise_objection(about: About, *, by: CitizenSession, request_id: str = "") -> str:
    """The objection has a number, and waits for an answer.

    Raises:
        NoReason: it is empty, or too long to be read.
    """
    reason = about.reason.strip()
    if not 0 < len(reason) <= LONGEST:
        raise NoReason(f"say in 1 to {LONGEST} characters what is wrong")
    row = _row(about, by.citizen_id, reason=reason)
    with transaction():
        records.add_objection(row)
        trail.record(
            "objection:raised",
            Who(by.citizen_id, by.actor_id, about.public_service_id),
            subject={"objection": row["number"], "procedure": about.procedure, "case": about.case},
            acting={"request": request_id},
        )
    return str(row["number"])


def _row(about: About, citizen_id: uuid.UUID, *, reason: str) -> dict[str, Any]:
    objection_id = database.new_id()
    key = people.citizen_key(citizen_id)
    place = {"table": TABLE, "column": COLUMN, "row": objection_id.hex}
    return {
        "citizen_id": citizen_id,
        "id": objection_id,
        "number": transitions.new_number("PD"),  # phản đối
        "public_service_id": about.public_service_id,
        "procedure": about.procedure,
        "case": about.case,
        "sealed_reason": sealing.seal(key, reason.encode(), **place),
        "raised_at": clock.now(),
        "closed_at": None,
    }


def reason_of(objection: Any) -> str:  # noqa: ANN401 - a row of the table
    """What the person wrote, for the security officer who answers it.

    Raises:
        people.NoSuchCitizen: the person's key was destroyed.
    """
    key = people.citizen_key(objection.citizen_id)
    place = {"table": TABLE, "column": COLUMN, "row": objection.id.hex}
    return sealing.open_sealed(key, objection.sealed_reason, **place).decode()
