"""Add the day on which a standing value ends, so that a release can tell before it opens it.

Safe while the previous release still runs: the column may be null, and it asks for none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015_value_ends"
down_revision = "0014_objection_answers"


def upgrade() -> None:
    """Add the column."""
    op.add_column("attribute_head", sa.Column("valid_to", sa.Date(), nullable=True))


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("attribute_head", "valid_to")
