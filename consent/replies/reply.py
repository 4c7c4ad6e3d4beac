"""A citizen raises something, an officer answers it, once; the words of both are sealed alike."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from identity import clock, sealing, trail
from identity.authentication import lockout
from identity.authentication.lockout import Budget, TooManyTries
from identity.citizens import people
from identity.database import transaction
from identity.entry import Who
from identity.errors import InvalidRequest, Refusal, TooManyRequests
from identity.staff.sessions import StaffMember

LONGEST = 2_000  # characters, of what is raised and of the answer
# Each one is read by somebody; nobody has more to say in a day.
MOST, IN = 10, timedelta(days=1)
ANSWER = "sealed_answer"


class NoAnswer(InvalidRequest):
    """An answer that says nothing answers nothing."""

    slug = "no-answer"
    title = "The answer says nothing"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an officer's unit answered; the officer's name stays out of it."""

    unit: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of what citizens raise: its table, its entries, its refusals."""

    name: str  # of its table and its budget; its entries are `<name>:raised`, `<name>:answered`
    rule: str  # of the table of terms
    words: str  # the column of what the citizen wrote
    too_many: type[TooManyRequests]
    answered: type[Refusal]
    close: Callable[..., bool]  # whether it was still open: answered by one, and sealed, from now
    hold: Callable[[uuid.UUID, uuid.UUID], bool]  # whether it is open, and stays so meanwhile
    subject: Callable[[Any], dict[str, Any]]  # what its entries say of a row

    def seal(self, raised_id: uuid.UUID, words: str, *, key: bytes) -> bytes:
        """What the citizen wrote, readable in this row only."""
        return sealing.seal(key, words.encode(), **self._place(raised_id, self.words))

    def spend(self, citizen_id: uuid.UUID, at: datetime) -> None:
        """One more of this day, in the caller's transaction.

        Raises:
            TooManyRequests: `too_many`; this person's tenth of the day was the last.
        """
        try:
            lockout.spend(Budget((self.name, citizen_id.hex), MOST, IN), at)
        except TooManyTries as spent:
            told = f"wait before raising another {self.name}"
            raise self.too_many(told, headers=spent.headers) from None

    def answer(self, row: Any, text: str, *, by: StaffMember, request_id: str = "") -> None:  # noqa: ANN401 - a row of its table
        """It is answered: the person sees it, and the log says so.

        Raises:
            NoAnswer: it is empty, or too long to be read.
            Refusal: `answered`; somebody answered it first.
        """
        text = text.strip()
        if not 0 < len(text) <= LONGEST:
            raise NoAnswer(f"answer in 1 to {LONGEST} characters")
        told = json.dumps({"unit": by.unit, "text": text}, ensure_ascii=False).encode()
        key = people.citizen_key(row.citizen_id)
        sealed = sealing.seal(key, told, **self._place(row.id, ANSWER))
        with transaction():
            if not self.close(row.citizen_id, row.id, by=by.id, at=clock.now(), sealed=sealed):
                raise self.answered("read what was answered")
            trail.record(
                f"{self.name}:answered",
                Who(citizen=row.citizen_id, actor=by.id),
                subject=self.subject(row),
                acting=by.acting(request_id),
            )

    def words_of(self, row: Any) -> str:  # noqa: ANN401 - as above
        """What the person wrote, for themselves and for the officer who answers it.

        Raises:
            people.NoSuchCitizen: the person's key was destroyed.
        """
        sealed = bytes(getattr(row, self.words))
        return self._open(row, sealed, column=self.words).decode()

    def answer_to(self, row: Any) -> Answer | None:  # noqa: ANN401 - as above
        """What was answered; null: nothing yet.

        Raises:
            people.NoSuchCitizen: the person's key was destroyed.
        """
        if row.sealed_answer is None:
            return None
        return Answer(**json.loads(self._open(row, bytes(row.sealed_answer), column=ANSWER)))

    def _open(self, row: Any, sealed: bytes, *, column: str) -> bytes:  # noqa: ANN401 - as above
        key = people.citizen_key(row.citizen_id)
        return sealing.open_sealed(key, sealed, **self._place(row.id, column))

    def _place(self, raised_id: uuid.UUID, column: str) -> dict[str, str]:
        return {"table": self.name, "column": column, "row": raised_id.hex}
