"""Let a code and a family of tokens be bound to the key that has to prove itself.

Safe while the previous release still runs: both columns may be null, which binds to none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031_sender_keys"
down_revision = "0030_spent_proofs"

TABLES = ("authorization_code", "token_family")


def upgrade() -> None:
    """Add the columns."""
    for table in TABLES:
        op.add_column(table, sa.Column("sender_key", sa.String(), nullable=True))


def downgrade() -> None:
    """Take them away again."""
    for table in TABLES:
        op.drop_column(table, "sender_key")
