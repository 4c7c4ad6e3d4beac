"""Add the answers to objections.

Safe while the previous release still runs: the columns may be null, and it asks for none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014_objection_answers"
down_revision = "0013_clock_marks"


def upgrade() -> None:
    """Add the columns."""
    # No foreign key to the staff: SQLite adds none to a table that stands, and nobody is deleted.
    op.add_column("objection", sa.Column("answered_by", sa.Uuid(), nullable=True))
    op.add_column("objection", sa.Column("sealed_answer", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("objection", "sealed_answer")
    op.drop_column("objection", "answered_by")
