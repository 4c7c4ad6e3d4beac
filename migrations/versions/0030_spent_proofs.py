"""Add the proofs of keys that were used.

Safe while the previous release still runs: it adds a table and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant

revision = "0030_spent_proofs"
down_revision = "0029_unheard_messages"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "spent_proof",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_proof")),
    )
    op.create_index("ix_spent_proof_expires_at", "spent_proof", ["expires_at"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("spent_proof")
