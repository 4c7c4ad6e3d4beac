"""Add what devices ask for, and let a waiting request answer one that came from elsewhere.

Safe while the previous release still runs: it adds a table and a column that may be empty.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant, JsonColumn

revision = "0036_device_requests"
down_revision = "0035_messages_with_an_end"


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "device_request",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("public_service_id", sa.Uuid(), nullable=False),
        sa.Column("params", JsonColumn, nullable=False),
        sa.Column("asked_from", sa.String(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("interval_seconds", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_device_request")),
        sa.UniqueConstraint("user_code_digest", name=op.f("uq_device_request_user_code_digest")),
        sa.ForeignKeyConstraint(
            ["public_service_id"],
            ["public_service.id"],
            name=op.f("fk_device_request_public_service_id"),
        ),
    )
    op.create_index(op.f("ix_device_request_expires_at"), "device_request", ["expires_at"])
    op.add_column("authorization_request", sa.Column("polled", JsonColumn, nullable=True))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("authorization_request", "polled")
    op.drop_table("device_request")
