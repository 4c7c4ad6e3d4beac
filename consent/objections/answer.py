"""A security officer answers an objection, once; the person reads the answer, sealed like it."""

import json
from dataclasses import dataclass, field
from typing import Any

from consent.objections import records
from consent.objections.object import LONGEST, place
from identity import clock, sealing, trail
from identity.citizens import people
from identity.database import transaction
from identity.entry import Who
from identity.errors import InvalidRequest, Refusal
from identity.staff.sessions import StaffMember

COLUMN = "sealed_answer"


class NoAnswer(InvalidRequest):
    """An answer that says nothing answers nothing."""

    slug = "no-answer"
    title = "The answer says nothing"


class AnsweredBefore(Refusal):
    """A colleague was first; what they answered stands."""

    status, code, slug = 409, "invalid_request", "objection-answered"
    title = "The objection was answered already"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an officer's unit answered; the officer's name stays out of it."""

    unit: str
    text: str = field(repr=False)


def answer(
    objection: Any,  # noqa: ANN401 - a row of the table
    text: str,
    *,
    by: StaffMember,
    request_id: str = "",
) -> None:
    """The objection is answered: the person sees it, and the log says so.

    Raises:
        NoAnswer: it is empty, or too long to be read.
        AnsweredBefore: somebody answered it first.
    """
    text = text.strip()
    if not 0 < len(text) <= LONGEST:
        raise NoAnswer(f"answer in 1 to {LONGEST} characters")
    told = json.dumps({"unit": by.unit, "text": text}, ensure_ascii=False).encode()
    key = people.citizen_key(objection.citizen_id)
    sealed = sealing.seal(key, told, **place(objection.id, COLUMN))
    with transaction():
        whose = (objection.citizen_id, objection.id)
        if not records.close(*whose, by=by.id, at=clock.now(), sealed=sealed):
            raise AnsweredBefore("read what was answered")
        _record(objection, by, request_id=request_id)


def _record(objection: Any, by: StaffMember, *, request_id: str) -> None:  # noqa: ANN401 - as above
    trail.record(
        "objection:answered",
        Who(citizen=objection.citizen_id, actor=by.id),
        subject={
            "objection": objection.number,
            "procedure": objection.procedure,
            "case": objection.case,
        },
        acting={
            "actor": by.id.hex,
            "role": str(by.role),
            "unit": by.unit,
            "request": request_id,
        },
    )


def answer_to(objection: Any) -> Answer | None:  # noqa: ANN401 - as above
    """What was answered; null: nothing yet.

    Raises:
        people.NoSuchCitizen: the person's key was destroyed.
    """
    if objection.sealed_answer is None:
        return None
    key = people.citizen_key(objection.citizen_id)
    told = sealing.open_sealed(key, bytes(objection.sealed_answer), **place(objection.id, COLUMN))
    return Answer(**json.loads(told))
