"""Remember what a service registered, so that an operator's change is not undone by it.

Safe while the previous release still runs: it adds a column that may be null.
"""

import sqlalchemy as sa
from alembic import op

revision = "0041_registration_by_an_operator"
down_revision = "0040_fewer_log_indexes"


def upgrade() -> None:
    """Add the column."""
    with op.batch_alter_table("self_registration") as table:
        table.add_column(sa.Column("kept_digest", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Take it away again."""
    with op.batch_alter_table("self_registration") as table:
        table.drop_column("kept_digest")
