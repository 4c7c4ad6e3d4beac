"""Add what services ask of people who are elsewhere.

Safe while the previous release still runs: it adds a table and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant, JsonColumn

revision = "0039_backchannel_requests"
down_revision = "0038_procedure_sign_in_age"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "backchannel_request",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_service_id", sa.Uuid(), nullable=False),
        sa.Column("params", JsonColumn, nullable=False),
        sa.Column("binding_message", sa.String(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("interval_seconds", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("sealed_ping", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", "digest", name=op.f("pk_backchannel_request")),
        sa.ForeignKeyConstraint(
            ["public_service_id"],
            ["public_service.id"],
            name=op.f("fk_backchannel_request_public_service_id"),
        ),
    )
    op.create_index(op.f("ix_backchannel_request_id"), "backchannel_request", ["citizen_id", "id"])
    op.create_index(
        op.f("ix_backchannel_request_expires_at"), "backchannel_request", ["expires_at"]
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("backchannel_request")
