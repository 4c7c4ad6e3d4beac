"""Add invitations to register, and what a service shows that registered itself.

Safe while the previous release still runs: it adds tables and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant, JsonColumn

revision = "0037_self_registration"
down_revision = "0036_device_requests"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "service_invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("policy", JsonColumn, nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_invitation")),
        sa.UniqueConstraint("digest", name=op.f("uq_service_invitation_digest")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_service_invitation_organisation_id"),
        ),
    )
    op.create_index(
        "ix_service_invitation_organisation_id", "service_invitation", ["organisation_id"]
    )
    op.create_table(
        "self_registration",
        sa.Column("public_service_id", sa.Uuid(), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("public_service_id", name=op.f("pk_self_registration")),
        sa.ForeignKeyConstraint(
            ["public_service_id"],
            ["public_service.id"],
            name=op.f("fk_self_registration_public_service_id"),
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["service_invitation.id"],
            name=op.f("fk_self_registration_invitation_id"),
        ),
    )
    op.create_index("ix_self_registration_invitation_id", "self_registration", ["invitation_id"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("self_registration")
    op.drop_table("service_invitation")
