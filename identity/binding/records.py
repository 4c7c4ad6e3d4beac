"""The table of proofs that were used: each is good once, over all processes and restarts."""

# ruff: noqa: S608 - texts are put together from texts of this file; values are parameters

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from identity.columns import Base
from identity.together import Clause, all_undone_unless


class SpentProof(Base):
    """A DPoP proof that was taken (RFC 9449 §11.1)."""

    __tablename__ = "spent_proof"
    __table_args__ = (Index("ix_spent_proof_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)  # of the key's thumbprint and the jti
    expires_at: Mapped[datetime]


_SPEND = "INSERT INTO spent_proof (digest, expires_at)"
_VALUES = "VALUES (:proof_digest, :proof_expires_at) ON CONFLICT DO NOTHING"
_OK: dict[str, type] = {"ok": int}


def proof(digest: bytes, expires_at: datetime) -> Mapping[str, Any]:
    """What these clauses want to know of a proof."""
    return {"proof_digest": digest, "proof_expires_at": expires_at}


def spent(proof: Mapping[str, Any]) -> Clause:
    """Spends a proof; returns nothing when it was spent before."""
    text = f"{_SPEND} {_VALUES} RETURNING 1 AS ok"
    return Clause("proof", text, text, proof, _OK)


def spent_beside(proof: Mapping[str, Any], *, after: str) -> tuple[Clause, ...]:
    """Spends a proof in the statement that it is for: all of that happens, or nothing.

    `after` names the clause that writes what the proof is for, which returns a row if it did.
    """
    return Clause("proof", *_beside(after), proof), _PROVED


@lru_cache(maxsize=16)
def _beside(after: str) -> tuple[str, str]:
    values = "SELECT :proof_digest, CAST(:proof_expires_at AS timestamptz)"
    postgres = f"{_SPEND} {values} FROM {after} ON CONFLICT DO NOTHING RETURNING 1 AS ok"
    return postgres, f"{_SPEND} {_VALUES}"


_PROVED = Clause(
    "proved",
    # What is before it has a row, or nothing was written: so where it counts this is looked at.
    postgres=f"SELECT {all_undone_unless('EXISTS (SELECT 1 FROM proof)')} AS ok",
    sqlite="SELECT 1 WHERE changes() = 1",
    returns=_OK,
)
