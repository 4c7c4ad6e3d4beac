"""Add what counter officers look up, between the card and the letter.

Safe while the previous release still runs: it adds a table and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant

revision = "0033_counter_looks"
down_revision = "0032_counter_letters"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "counter_look",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("found_id", sa.Uuid(), nullable=False),
        sa.Column("need", sa.String(32), nullable=False),
        sa.Column("card", sa.String(32), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("spent_at", Instant(), nullable=True),
        sa.Column("sealed_letter", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counter_look")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_counter_look_staff_id")),
    )
    op.create_index("ix_counter_look_staff_id", "counter_look", ["staff_id"])
    op.create_index("ix_counter_look_expires_at", "counter_look", ["expires_at"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("counter_look")
