"""Add organisations and their public services.

Safe while the previous release still runs: it adds tables and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant, JsonColumn

revision = "0004_public_services"
down_revision = "0003_sign_in"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "organisation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("level", sa.String(32), nullable=False),
        sa.Column("block", sa.String(32), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("code", name=op.f("uq_organisation_code")),
    )
    op.create_table(
        "public_service",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("registration", JsonColumn, nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=True),
        sa.Column("sector", sa.String(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_service")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_public_service_organisation_id")
        ),
        sa.UniqueConstraint("client_id", name=op.f("uq_public_service_client_id")),
    )
    op.create_index(
        "ix_public_service_organisation_id", "public_service", ["organisation_id"], unique=False
    )
    op.create_table(
        "spent_assertion",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_assertion")),
    )
    op.create_index(
        "ix_spent_assertion_expires_at", "spent_assertion", ["expires_at"], unique=False
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("spent_assertion")
    op.drop_table("public_service")
    op.drop_table("organisation")
