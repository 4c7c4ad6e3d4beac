"""Let a letter come from a counter, and open an account that has a password.

Safe while the previous release still runs: the columns may be null, and it asks for none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant

revision = "0032_counter_letters"
down_revision = "0031_sender_keys"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("activation_letter", sa.Column("recovers_from", Instant(), nullable=True))
    op.add_column("activation_letter", sa.Column("unit", sa.String(), nullable=True))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("activation_letter", "unit")
    op.drop_column("activation_letter", "recovers_from")
