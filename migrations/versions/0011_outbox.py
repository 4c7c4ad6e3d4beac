"""Add messages that must leave, and the worker's sign of life.

Safe while the previous release still runs: it adds tables and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant, JsonColumn

revision = "0011_outbox"
down_revision = "0010_sequencer"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("public_service_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=True),
        sa.Column("body", JsonColumn, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", Instant(), nullable=True),
        sa.Column("delivered_at", Instant(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.ForeignKeyConstraint(
            ["public_service_id"],
            ["public_service.id"],
            name=op.f("fk_outbox_message_public_service_id"),
        ),
    )
    op.create_index("ix_outbox_message_next_at", "outbox_message", ["next_at"], unique=False)
    op.create_table(
        "worker_state",
        sa.Column("duty", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("duty", name=op.f("pk_worker_state")),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("worker_state")
    op.drop_table("outbox_message")
