"""Let a procedure say how old the sign-in may be that its data is fetched with.

Safe while the previous release still runs: the column may be null, which is any age.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038_procedure_sign_in_age"
down_revision = "0037_self_registration"


def upgrade() -> None:
    """Add the column."""
    op.add_column("procedure", sa.Column("max_auth_age_seconds", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("procedure", "max_auth_age_seconds")
