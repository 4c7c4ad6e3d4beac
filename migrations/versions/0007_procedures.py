"""Add the catalogue of procedures.

Safe while the previous release still runs: it adds tables and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant, JsonColumn
from migrations.protection import append_only

revision = "0007_procedures"
down_revision = "0006_grants"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "procedure",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("short_name_vi", sa.String(), nullable=False),
        sa.Column("name_vi", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("min_account_level", sa.Integer(), nullable=False),
        sa.Column("min_auth_level", sa.Integer(), nullable=False),
        sa.Column("legal_basis", JsonColumn, nullable=False),
        sa.Column("purpose_vi", sa.String(), nullable=False),
        sa.Column("purpose_en", sa.String(), nullable=False),
        sa.Column("attributes_required", JsonColumn, nullable=False),
        sa.Column("attributes_optional", JsonColumn, nullable=False),
        sa.Column("retention", sa.String(), nullable=False),
        sa.Column("verified", JsonColumn, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_procedure")),
    )
    append_only("procedure")


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("procedure")
