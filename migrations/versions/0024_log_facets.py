"""Add what entries of the log are found by, how many an hour had, and roots of whole subtrees.

Safe while the previous release still runs: it adds tables and touches none. The worker fills them.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant

revision = "0024_log_facets"
down_revision = "0023_complaints"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "log_facet",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("public_service_id", sa.Uuid(), nullable=False),
        sa.Column("basis", sa.String(), nullable=True),
        sa.Column("is_refused", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_log_facet")),
    )
    op.create_index("ix_log_facet_entry", "log_facet", ["entry_id"], unique=True)
    op.create_index("ix_log_facet_type", "log_facet", ["type", "entry_id"])
    op.create_index("ix_log_facet_service", "log_facet", ["public_service_id", "entry_id"])
    op.create_index("ix_log_facet_basis", "log_facet", ["basis", "entry_id"])
    op.create_index("ix_log_facet_refused", "log_facet", ["is_refused", "entry_id"])
    op.create_index("ix_log_facet_at", "log_facet", ["at", "entry_id"])
    op.create_table(
        "log_hour",
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("hour_at", Instant(), nullable=False),
        sa.Column("happened", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("type", "hour_at", name=op.f("pk_log_hour")),
    )
    op.create_index("ix_log_hour_hour_at", "log_hour", ["hour_at"])
    op.create_table(
        "log_node",
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tier", "n", name=op.f("pk_log_node")),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("log_node")
    op.drop_table("log_hour")
    op.drop_table("log_facet")
