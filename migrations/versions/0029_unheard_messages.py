"""Find what a recipient has not acknowledged without reading what it has.

Safe while the previous release still runs: it adds an index.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029_unheard_messages"
down_revision = "0028_term_extensions"


def upgrade() -> None:
    """Make the index."""
    unheard = sa.text("delivered_at IS NULL")
    op.create_index(
        "ix_outbox_message_unheard",
        "outbox_message",
        ["public_service_id", "created_at"],
        unique=False,
        postgresql_where=unheard,
        sqlite_where=unheard,
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("ix_outbox_message_unheard", table_name="outbox_message")
