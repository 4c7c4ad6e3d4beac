"""Add the filters that security officers keep under a name.

Safe while the previous release still runs: it adds a table and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant, JsonColumn

revision = "0025_saved_searches"
down_revision = "0024_log_facets"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "saved_search",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("filters", JsonColumn, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_saved_search_staff_id")),
    )
    op.create_index("ix_saved_search_staff_id", "saved_search", ["staff_id"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("saved_search")
