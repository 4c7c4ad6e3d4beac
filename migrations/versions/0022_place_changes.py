"""Add what became of administrative units.

Safe while the previous release still runs: it adds a table and touches none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022_place_changes"
down_revision = "0021_places"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "place_change",
        sa.Column("old_code", sa.String(), nullable=False),
        sa.Column("new_code", sa.String(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("extent", sa.String(), nullable=False),
        sa.Column("is_likely", sa.Boolean(), nullable=False),
        sa.Column("resolution", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint(
            "old_code", "new_code", "effective_on", name=op.f("pk_place_change")
        ),
    )
    op.create_index(
        "ix_place_change_new_code", "place_change", ["new_code", "effective_on"], unique=False
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("place_change")
