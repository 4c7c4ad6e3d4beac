"""What a turn asks PostgreSQL, and what becomes of it when it was asked together with others."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg import pq

from identity import postgresql
from identity.postgresql import Key
from identity.turns import Turn

Params = tuple[Any, Any]  # the values as the driver sends them, and each one's format


class Question:
    """One statement of one turn: on its way, or in a queue."""

    __slots__ = (
        *("asked_at", "goes_alone", "had_written", "is_writing", "key", "params", "tries", "turn"),
    )

    def __init__(self, turn: Turn, key: Key, *, params: Params, is_writing: bool) -> None:
        self.turn: Turn | None = turn  # null: nobody waits for the answer any more
        self.key, self.params, self.is_writing = key, params, is_writing
        self.had_written = turn.has_written
        # In a transaction of its own, which may wait for a lock as long as a statement may.
        self.goes_alone = False
        self.tries = 0
        self.asked_at = time.monotonic()

    def wait(self) -> pq.abc.PGresult:
        """Parks the turn until somebody answers.

        Raises:
            psycopg.Error: nobody will.
        """
        turn = self.turn
        assert turn is not None  # noqa: S101 - the turn itself calls
        try:
            result: pq.abc.PGresult = turn.parent.switch()
        finally:
            self.turn = None
        return result

    def goes_with(self, other: "Question") -> bool:
        """Whether both may be in one transaction: of those that failed before only each other."""
        return not (self.goes_alone or other.goes_alone) and self.tries == other.tries

    def sent(self) -> None:
        """From now on nobody knows what came of it, until the answer is here."""
        self.tries += 1
        if self.is_writing and self.turn is not None:
            self.turn.has_written = True

    def undone(self) -> None:
        """The server has said that nothing of it was kept."""
        if self.turn is not None:
            self.turn.has_written = self.had_written

    def answer(self, result: pq.abc.PGresult) -> None:
        """The turn goes on with it."""
        if self.turn is not None:
            self.turn.switch(result)

    def refuse(self, error: Exception) -> None:
        """The turn goes on with an error."""
        if self.turn is not None:
            self.turn.throw(error)


Answered = tuple[Question, pq.abc.PGresult]


def judged(
    asked: Sequence[Question], results: Sequence[pq.abc.PGresult], *, forget: Callable[[], None]
) -> tuple[list[Answered], list[Question]]:
    """Who has an answer, and who is to be asked again: what failed together did not happen.

    Whoever failed is asked alone, those beside it once more together, and soon each of them alone.

    `forget` is called when the server knows none of the prepared statements any more.
    """
    failed = next((each for each in results if each.status == _FAILED), None)
    if failed is None:
        return list(zip(asked, results, strict=True)), []
    is_unprepared = postgresql.is_unprepared(failed)
    if is_unprepared:
        forget()
    if len(asked) == 1 and not _is_worth_another(asked[0], failed, is_unprepared=is_unprepared):
        return [(asked[0], failed)], []
    whose = _whose(asked, results)
    others = [question for question in asked if question is not whose]
    for question in asked:
        # Whether it was wrong itself, or beside somebody, shows when it is asked alone.
        question.goes_alone = whose in (None, question) or question.tries >= MOST_TRIES
        question.undone()
    if whose is None or failed.error_field(_SQLSTATE) != _CANCELLED:
        return [], others if whose is None else [*others, whose]
    # Whoever was too slow would be so again, for as long again.
    return [(whose, failed)], others


def _whose(asked: Sequence[Question], results: Sequence[pq.abc.PGresult]) -> Question | None:
    """Whose statement failed; null: the commit did, which may be anybody's mistake."""
    # The results end with the commit's, if that is what failed.
    pairs = zip(asked, results, strict=False)
    return next((question for question, told in pairs if told.status == _FAILED), None)


def _is_worth_another(question: Question, failed: pq.abc.PGresult, *, is_unprepared: bool) -> bool:
    if is_unprepared:
        return question.tries < MOST_TRIES
    return not question.goes_alone and failed.error_field(_SQLSTATE) == _LOCKED


MOST_TRIES = 3
_FAILED = pq.ExecStatus.FATAL_ERROR
_SQLSTATE, _LOCKED, _CANCELLED = pq.DiagnosticField.SQLSTATE, b"55P03", b"57014"
_SEVERITY, LAST_WORDS = pq.DiagnosticField.SEVERITY_NONLOCALIZED, (b"FATAL", b"PANIC")


def lost(results: Sequence[pq.abc.PGresult], why: str) -> psycopg.Error:
    """What to tell those whose connection ended: the server's own last words, if it had some.

    No mistake in one of the statements: that is told to who made it alone.
    """
    told = next((each for each in results if each.error_field(_SEVERITY) in LAST_WORDS), None)
    return psycopg.OperationalError(why) if told is None else postgresql.error(told)
