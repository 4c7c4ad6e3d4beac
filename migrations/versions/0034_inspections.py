"""Add what inspectors say of the looks of those who review.

Safe while the previous release still runs: it adds a table and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant
from migrations.protection import append_only

revision = "0034_inspections"
down_revision = "0033_counter_looks"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "inspection",
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("inspector_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("sealed_note", sa.String(), nullable=False),
        sa.Column("reviewed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_inspection")),
        sa.ForeignKeyConstraint(
            ["inspector_id"], ["staff.id"], name=op.f("fk_inspection_inspector_id")
        ),
    )
    append_only("inspection")


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("inspection")
