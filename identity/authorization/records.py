"""The table of pairwise subjects, and clauses over it (OIDC Core §8.1)."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from identity import clock
from identity.columns import Base
from identity.together import Clause

_KNOWN_SUBJECT = """SELECT sub FROM pairwise_subject
    WHERE citizen_id = :subject_citizen AND sector = :subject_sector"""
_OWNER = """SELECT citizen_id FROM pairwise_subject
    WHERE sub = :subject_sub AND sector = :subject_sector"""
_MADE_SUBJECT = """SELECT sub FROM subject_made UNION ALL SELECT sub FROM pairwise_subject
    WHERE citizen_id = :subject_citizen AND sector = :subject_sector"""
_NEW_SUBJECT = """INSERT INTO pairwise_subject (citizen_id, sector, sub, created_at)
    VALUES (:subject_citizen, :subject_sector, :subject_new, :subject_now)
    ON CONFLICT (citizen_id, sector) DO NOTHING"""


class PairwiseSubject(Base):
    """The `sub` of one person for one sector: random, stored, kept for ever (OIDC Core §8.1)."""

    __tablename__ = "pairwise_subject"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "sector"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    sector: Mapped[str]
    sub: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


def find_subject(citizen_id: uuid.UUID, sector: str) -> Clause:
    """The `sub` that this person has in this sector already."""
    params = {"subject_citizen": citizen_id, "subject_sector": sector}
    return Clause("subject", _KNOWN_SUBJECT, _KNOWN_SUBJECT, params, {"sub": str})


def find_citizen(sub: str, sector: str) -> Clause:
    """Whose `sub` that is."""
    params = {"subject_sub": sub, "subject_sector": sector}
    return Clause("subject", _OWNER, _OWNER, params, {"citizen_id": uuid.UUID})


def subject(citizen_id: uuid.UUID, sector: str, *, new: str) -> tuple[Clause, ...]:
    """The `sub` of this person in this sector: the one there is, or `new` from now on.

    On PostgreSQL no row comes where another transaction has just made it: look again.
    """
    params = {
        "subject_citizen": citizen_id,
        "subject_sector": sector,
        "subject_new": new,
        "subject_now": clock.now(),
    }
    return (
        Clause("subject_made", _NEW_SUBJECT + " RETURNING sub", _NEW_SUBJECT, params),
        Clause(
            "subject",
            # The statement does not see its own INSERT but through this name.
            postgres=_MADE_SUBJECT,
            sqlite=_KNOWN_SUBJECT,
            params=params,
            returns={"sub": str},
        ),
    )
