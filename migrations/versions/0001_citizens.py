"""Add the register of people.

Safe while the previous release still runs: it adds tables and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant
from migrations.protection import append_only, create_refusal, drop_refusal, keep

revision = "0001_citizens"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    create_refusal()
    op.create_table(
        "citizen",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("account_level", sa.Integer(), nullable=False),
        sa.Column("deceased_on", sa.Date(), nullable=True),
        sa.Column("identity_version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", name=op.f("pk_citizen")),
    )
    op.create_table(
        "citizen_identity",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "version", name=op.f("pk_citizen_identity")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_citizen_identity_citizen_id")
        ),
    )
    append_only("citizen_identity")
    op.create_table(
        "citizen_key",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("kek_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", name=op.f("pk_citizen_key")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_citizen_key_citizen_id")
        ),
    )
    keep("citizen_key")
    op.create_table(
        "citizen_index",
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "digest", name=op.f("pk_citizen_index")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_citizen_index_citizen_id")
        ),
    )
    op.create_index("ix_citizen_index_citizen_id", "citizen_index", ["citizen_id"], unique=False)
    op.create_table(
        "citizen_ticket",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", "id", name=op.f("pk_citizen_ticket")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_citizen_ticket_citizen_id")
        ),
    )
    op.create_table(
        "citizen_password",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", name=op.f("pk_citizen_password")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_citizen_password_citizen_id")
        ),
    )
    op.create_table(
        "second_factor",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", "id", name=op.f("pk_second_factor")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_second_factor_citizen_id")
        ),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("second_factor")
    op.drop_table("citizen_password")
    op.drop_table("citizen_ticket")
    op.drop_table("citizen_index")
    op.drop_table("citizen_key")
    op.drop_table("citizen_identity")
    op.drop_table("citizen")
    drop_refusal()
