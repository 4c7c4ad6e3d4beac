"""Add the order of the log and its signed heads.

Safe while the previous release still runs: it adds tables and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant
from migrations.protection import append_only

revision = "0010_sequencer"
down_revision = "0009_ledger"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "log_position",
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_log_position")),
    )
    op.create_index(
        "ix_log_position_entry", "log_position", ["citizen_id", "entry_id"], unique=True
    )
    append_only("log_position")
    op.create_table(
        "log_subject",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", "n", name=op.f("pk_log_subject")),
    )
    append_only("log_subject")
    op.create_table(
        "log_head",
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.String(), nullable=False),
        sa.Column("signed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_head")),
    )
    op.create_table(
        "sequencer_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("signed_size", sa.BigInteger(), nullable=False),
        sa.Column("signed_frontier", sa.LargeBinary(), nullable=False),
        sa.Column("left_behind", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sequencer_state")),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("sequencer_state")
    op.drop_table("log_head")
    op.drop_table("log_subject")
    op.drop_table("log_position")
