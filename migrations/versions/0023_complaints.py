"""Add complaints about single entries that a person does not recognise.

Safe while the previous release still runs: it adds a table and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant

revision = "0023_complaints"
down_revision = "0022_place_changes"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "complaint",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("public_service_id", sa.Uuid(), nullable=True),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("staff_unit", sa.String(), nullable=True),
        sa.Column("sealed_text", sa.LargeBinary(), nullable=False),
        sa.Column("raised_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", "id", name=op.f("pk_complaint")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_complaint_citizen_id")
        ),
        sa.ForeignKeyConstraint(
            ["public_service_id"],
            ["public_service.id"],
            name=op.f("fk_complaint_public_service_id"),
        ),
        sa.UniqueConstraint("number", name=op.f("uq_complaint_number")),
    )
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "ux_complaint_open",
        "complaint",
        ["citizen_id", "entry_id"],
        unique=True,
        postgresql_where=is_open,
        sqlite_where=is_open,
    )
    op.create_index("ix_complaint_raised_at", "complaint", ["raised_at"], unique=False)


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("complaint")
