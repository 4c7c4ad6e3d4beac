"""Add what a device is called: by its browser and system, and by its owner.

Safe while the previous release still runs: the columns may be null, and it asks for none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019_device_names"
down_revision = "0018_activation_letters"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("known_device", sa.Column("browser", sa.String(), nullable=True))
    op.add_column("known_device", sa.Column("system", sa.String(), nullable=True))
    op.add_column("known_device", sa.Column("sealed_name", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("known_device", "sealed_name")
    op.drop_column("known_device", "system")
    op.drop_column("known_device", "browser")
