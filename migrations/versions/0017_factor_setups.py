"""Add what a person is choosing to prove themself with, between the pages.

Safe while the previous release still runs: it adds a table and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant

revision = "0017_factor_setups"
down_revision = "0016_recovery_codes"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "factor_setup",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=False),
        sa.Column("letter_digest", sa.LargeBinary(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("sealed", sa.String(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("spent_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", "digest", name=op.f("pk_factor_setup")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_factor_setup_citizen_id")
        ),
    )
    op.create_index("ix_factor_setup_expires_at", "factor_setup", ["expires_at"], unique=False)


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("factor_setup")
