"""Add the exports that security officers ask for.

Safe while the previous release still runs: it adds a table and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant, JsonColumn

revision = "0026_audit_exports"
down_revision = "0025_saved_searches"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "audit_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("filters", JsonColumn, nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("requested_at", Instant(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("file_digest", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_export")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_audit_export_staff_id")),
    )
    op.create_index("ix_audit_export_staff_id", "audit_export", ["staff_id"])
    op.create_index("ix_audit_export_expires_at", "audit_export", ["expires_at"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("audit_export")
