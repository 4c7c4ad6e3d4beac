"""Add the requests that public services push before they send anybody.

Safe while the previous release still runs: it adds a table, and a column that may be null.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant, JsonColumn

revision = "0027_pushed_requests"
down_revision = "0026_audit_exports"


def upgrade() -> None:
    """Make the table, and let a waiting request name the one it came by."""
    op.create_table(
        "pushed_request",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("public_service_id", sa.Uuid(), nullable=False),
        sa.Column("params", JsonColumn, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("spent_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_pushed_request")),
        sa.ForeignKeyConstraint(
            ["public_service_id"],
            ["public_service.id"],
            name=op.f("fk_pushed_request_public_service_id"),
        ),
    )
    op.create_index("ix_pushed_request_expires_at", "pushed_request", ["expires_at"])
    op.add_column(
        "authorization_request", sa.Column("pushed_digest", sa.LargeBinary(), nullable=True)
    )


def downgrade() -> None:
    """Take both away again."""
    op.drop_column("authorization_request", "pushed_digest")
    op.drop_table("pushed_request")
