"""Pairwise subjects: a person's `sub` for one sector, random and kept for ever (OIDC Core §8.1)."""

import secrets
import uuid

from identity.authorization import records
from identity.together import Clause, look, together

RANDOM_BYTES = 32


def clauses(citizen_id: uuid.UUID, sector: str) -> tuple[Clause, ...]:
    """Clauses that end in `subject`, whose `sub` is this person's in this sector."""
    return records.subject(citizen_id, sector, new=secrets.token_urlsafe(RANDOM_BYTES))


def subject(citizen_id: uuid.UUID, sector: str) -> str:
    """The `sub` of this person in this sector; the first time, it is made."""
    answer = together(*clauses(citizen_id, sector))
    if answer is None:  # made by somebody else at this very moment, so now it can be seen
        answer = together(records.find_subject(citizen_id, sector))
    assert answer is not None  # noqa: S101 - it is never deleted
    return str(answer["subject.sub"])


def find_citizen(sub: str, sector: str) -> uuid.UUID | None:
    """Whose `sub` this is in this sector; null: nobody's."""
    answer = look(records.find_citizen(sub, sector))
    return None if answer is None else answer["subject.citizen_id"]


def find_subject(citizen_id: uuid.UUID, sector: str) -> str | None:
    """The `sub` that this person has in this sector; null: none was ever told."""
    answer = look(records.find_subject(citizen_id, sector))
    return None if answer is None else str(answer["subject.sub"])
