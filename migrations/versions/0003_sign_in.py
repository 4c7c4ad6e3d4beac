"""Add citizens' sessions, their devices, and budgets for guessing.

Safe while the previous release still runs: it adds tables and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant, JsonColumn

revision = "0003_sign_in"
down_revision = "0002_staff"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "citizen_session",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("mandate_id", sa.Uuid(), nullable=True),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=False),
        sa.Column("acr", sa.Integer(), nullable=False),
        sa.Column("amr", JsonColumn, nullable=False),
        sa.Column("auth_at", Instant(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("last_seen_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", "id", name=op.f("pk_citizen_session")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_citizen_session_citizen_id")
        ),
    )
    op.create_index(
        "ix_citizen_session_digest", "citizen_session", ["citizen_id", "digest"], unique=True
    )
    op.create_index(
        "ix_citizen_session_expires_at", "citizen_session", ["expires_at"], unique=False
    )
    op.create_table(
        "known_device",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "browser_digest", name=op.f("pk_known_device")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_known_device_citizen_id")
        ),
    )
    op.create_index("ix_known_device_last_at", "known_device", ["last_at"], unique=False)
    op.create_table(
        "sign_in_step",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=False),
        sa.Column("who", sa.Uuid(), nullable=False),
        sa.Column("is_staff", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("spent_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in_step")),
    )
    op.create_index("ix_sign_in_step_expires_at", "sign_in_step", ["expires_at"], unique=False)
    op.create_table(
        "attempt_budget",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("window_started_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_attempt_budget")),
    )
    op.create_index("ix_attempt_budget_expires_at", "attempt_budget", ["expires_at"], unique=False)


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("attempt_budget")
    op.drop_table("sign_in_step")
    op.drop_table("known_device")
    op.drop_table("citizen_session")
