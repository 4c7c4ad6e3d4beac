"""Add the extensions of terms: once for each request of a person, never taken back.

Safe while the previous release still runs: it adds a table and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant
from migrations.protection import append_only

revision = "0028_term_extensions"
down_revision = "0027_pushed_requests"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "term_extension",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("raised_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=False),
        sa.Column("granted_at", Instant(), nullable=False),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "raised_id", name=op.f("pk_term_extension")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_term_extension_citizen_id")
        ),
    )
    append_only("term_extension")


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("term_extension")
