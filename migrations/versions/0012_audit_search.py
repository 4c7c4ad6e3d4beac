"""Add what security officers looked for.

Safe while the previous release still runs: it adds tables and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant

revision = "0012_audit_search"
down_revision = "0011_outbox"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "audit_search",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("found_id", sa.Uuid(), nullable=True),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("kek_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_search")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_audit_search_staff_id")),
    )
    op.create_index("ix_audit_search_expires_at", "audit_search", ["expires_at"], unique=False)


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("audit_search")
