"""Let a message have a time after which nobody wants it.

Safe while the previous release still runs: it adds a column that may be null, and an index.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant

revision = "0035_messages_with_an_end"
down_revision = "0034_inspections"


def upgrade() -> None:
    """Make the column."""
    op.add_column("outbox_message", sa.Column("until", Instant(), nullable=True))
    op.create_index("ix_outbox_message_until", "outbox_message", ["until"], unique=False)


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("ix_outbox_message_until", table_name="outbox_message")
    op.drop_column("outbox_message", "until")
