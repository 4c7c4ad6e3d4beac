"""A security officer answers a complaint, once; the person reads the answer, sealed like it."""

import json
from typing import Any

from consent.complaints import records
from consent.complaints.complain import LONGEST, place
from consent.objections.answer import Answer, NoAnswer
from identity import clock, sealing, trail
from identity.citizens import people
from identity.database import transaction
from identity.entry import Who
from identity.errors import Refusal
from identity.staff.sessions import StaffMember

COLUMN = "sealed_answer"


class ComplaintAnswered(Refusal):
    """A colleague was first; what they answered stands."""

    status, code, slug = 409, "invalid_request", "complaint-answered"
    title = "The complaint was answered already"


def answer(
    complaint: Any,  # noqa: ANN401 - a row of the table
    text: str,
    *,
    by: StaffMember,
    request_id: str = "",
) -> None:
    """The complaint is answered: the person sees it, and the log says so.

    Raises:
        NoAnswer: it is empty, or too long to be read.
        ComplaintAnswered: somebody answered it first.
    """
    text = text.strip()
    if not 0 < len(text) <= LONGEST:
        raise NoAnswer(f"answer in 1 to {LONGEST} characters")
    told = json.dumps({"unit": by.unit, "text": text}, ensure_ascii=False).encode()
    key = people.citizen_key(complaint.citizen_id)
    sealed = sealing.seal(key, told, **place(complaint.id, COLUMN))
    with transaction():
        whose = (complaint.citizen_id, complaint.id)
        if not records.close(*whose, by=by.id, at=clock.now(), sealed=sealed):
            raise ComplaintAnswered("read what was answered")
        _record(complaint, by, request_id=request_id)


def _record(complaint: Any, by: StaffMember, *, request_id: str) -> None:  # noqa: ANN401 - as above
    trail.record(
        "complaint:answered",
        Who(citizen=complaint.citizen_id, actor=by.id),
        subject={"complaint": complaint.number, "entry": complaint.entry_id},
        acting={
            "actor": by.id.hex,
            "role": str(by.role),
            "unit": by.unit,
            "request": request_id,
        },
    )


def answer_to(complaint: Any) -> Answer | None:  # noqa: ANN401 - as above
    """What was answered; null: nothing yet.

    Raises:
        people.NoSuchCitizen: the person's key was destroyed.
    """
    if complaint.sealed_answer is None:
        return None
    key = people.citizen_key(complaint.citizen_id)
    told = sealing.open_sealed(key, bytes(complaint.sealed_answer), **place(complaint.id, COLUMN))
    return Answer(**json.loads(told))
