"""Add printed recovery codes.

Safe while the previous release still runs: it adds a table and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant

revision = "0016_recovery_codes"
down_revision = "0015_value_ends"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "recovery_code",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("spent_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", "digest", name=op.f("pk_recovery_code")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_recovery_code_citizen_id")
        ),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("recovery_code")
