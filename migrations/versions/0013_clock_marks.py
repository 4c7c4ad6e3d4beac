"""Add the mark of an entry whose clock was behind an earlier one's.

Safe while the previous release still runs: the column may be null, and it asks for none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013_clock_marks"
down_revision = "0012_audit_search"


def upgrade() -> None:
    """Add the column."""
    op.add_column("log_position", sa.Column("behind_seconds", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("log_position", "behind_seconds")
