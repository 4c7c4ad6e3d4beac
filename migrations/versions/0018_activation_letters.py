"""Add the codes of printed activation letters.

Safe while the previous release still runs: it adds a table and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant

revision = "0018_activation_letters"
down_revision = "0017_factor_setups"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "activation_letter",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("spent_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", name=op.f("pk_activation_letter")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_activation_letter_citizen_id")
        ),
    )
    op.create_index(
        "ix_activation_letter_expires_at", "activation_letter", ["expires_at"], unique=False
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("activation_letter")
