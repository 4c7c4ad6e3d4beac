"""Add administrative units and the imports of their files.

Safe while the previous release still runs: it adds tables and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant

revision = "0021_places"
down_revision = "0020_staff_enrolment"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "place",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("plain", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code", "valid_from", name=op.f("pk_place")),
    )
    op.create_table(
        "place_edition",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("imported_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place_edition")),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("place_edition")
    op.drop_table("place")
