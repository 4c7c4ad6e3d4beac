"""Add the access log's entries, which no one can rewrite.

Safe while the previous release still runs: it adds tables and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant
from migrations.protection import append_only, keep

revision = "0005_access_log"
down_revision = "0004_public_services"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "access_entry",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("public_service_id", sa.Uuid(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("c_subject", sa.LargeBinary(), nullable=False),
        sa.Column("c_actor", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_subject", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_actor", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "id", name=op.f("pk_access_entry")),
    )
    op.create_index("ix_access_entry_id", "access_entry", ["id"], unique=True)
    op.create_index("ix_access_entry_type", "access_entry", ["type", "id"], unique=False)
    op.create_index("ix_access_entry_xid", "access_entry", ["xid"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE access_entry ALTER COLUMN xid"
            " SET DEFAULT (pg_current_xact_id()::text::bigint)"
        )
    append_only("access_entry")
    op.create_table(
        "entry_key",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("actor_wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("kek_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "entry_id", name=op.f("pk_entry_key")),
    )
    keep("entry_key")
    op.create_table(
        "refusal_tally",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("minute_at", Instant(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_refusal_tally")),
    )
    op.create_index("ix_refusal_tally_minute_at", "refusal_tally", ["minute_at"], unique=False)


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("refusal_tally")
    op.drop_table("entry_key")
    op.drop_table("access_entry")
