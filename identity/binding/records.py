"""The table of proofs that were used: each is good once, over all processes and restarts."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from identity.columns import Base
from identity.together import Clause


class SpentProof(Base):
    """A DPoP proof that was taken (RFC 9449 §11.1)."""

    __tablename__ = "spent_proof"
    __table_args__ = (Index("ix_spent_proof_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)  # of the key's thumbprint and the jti
    expires_at: Mapped[datetime]


_SPEND = """INSERT INTO spent_proof (digest, expires_at)
    VALUES (:proof_digest, :proof_expires_at) ON CONFLICT DO NOTHING RETURNING 1 AS ok"""


def spent(digest: bytes, expires_at: datetime) -> Clause:
    """Spends a proof; returns nothing when it was spent before."""
    params = {"proof_digest": digest, "proof_expires_at": expires_at}
    return Clause("proof", _SPEND, _SPEND, params, {"ok": int})
