"""Add grants, codes, token families and pending requests.

Safe while the previous release still runs: it adds tables and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant, JsonColumn

revision = "0006_grants"
down_revision = "0005_access_log"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "service_grant",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("mandate_id", sa.Uuid(), nullable=True),
        sa.Column("public_service_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "id", name=op.f("pk_service_grant")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_service_grant_citizen_id")
        ),
        sa.ForeignKeyConstraint(
            ["public_service_id"],
            ["public_service.id"],
            name=op.f("fk_service_grant_public_service_id"),
        ),
    )
    op.create_table(
        "grant_decision",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("procedure", sa.String(), nullable=True),
        sa.Column("case", sa.String(), nullable=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("purposes", JsonColumn, nullable=False),
        sa.Column("attributes", JsonColumn, nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint(
            "citizen_id", "grant_id", "decision_id", name=op.f("pk_grant_decision")
        ),
        sa.ForeignKeyConstraint(
            ["citizen_id", "grant_id"],
            ["service_grant.citizen_id", "service_grant.id"],
            name=op.f("fk_grant_decision_citizen_id_grant_id"),
        ),
    )
    op.create_index("ix_grant_decision_until", "grant_decision", ["until"], unique=False)
    op.create_index(
        "ix_grant_decision_decision_id",
        "grant_decision",
        ["citizen_id", "decision_id"],
        unique=False,
    )
    op.create_table(
        "token_family",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("public_service_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("sub", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("claims", JsonColumn, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", "id", name=op.f("pk_token_family")),
        sa.ForeignKeyConstraint(
            ["citizen_id", "grant_id"],
            ["service_grant.citizen_id", "service_grant.id"],
            name=op.f("fk_token_family_citizen_id_grant_id"),
        ),
    )
    op.create_index("ix_token_family_expires_at", "token_family", ["expires_at"], unique=False)
    op.create_index(
        "ix_token_family_grant_id", "token_family", ["citizen_id", "grant_id"], unique=False
    )
    op.create_index(
        "ix_token_family_session_id", "token_family", ["citizen_id", "session_id"], unique=False
    )
    op.create_table(
        "refresh_token",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("spent_at", Instant(), nullable=True),
        sa.Column("successor_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("successor_digest", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", "digest", name=op.f("pk_refresh_token")),
        sa.ForeignKeyConstraint(
            ["citizen_id", "family_id"],
            ["token_family.citizen_id", "token_family.id"],
            name=op.f("fk_refresh_token_citizen_id_family_id"),
        ),
    )
    op.create_index("ix_refresh_token_expires_at", "refresh_token", ["expires_at"], unique=False)
    op.create_index(
        "ix_refresh_token_family_id", "refresh_token", ["citizen_id", "family_id"], unique=False
    )
    op.create_table(
        "authorization_code",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("public_service_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("code_challenge", sa.String(), nullable=True),
        sa.Column("sub", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("claims", JsonColumn, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("spent_at", Instant(), nullable=True),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "digest", name=op.f("pk_authorization_code")),
        sa.ForeignKeyConstraint(
            ["citizen_id", "grant_id"],
            ["service_grant.citizen_id", "service_grant.id"],
            name=op.f("fk_authorization_code_citizen_id_grant_id"),
        ),
    )
    op.create_index(
        "ix_authorization_code_expires_at", "authorization_code", ["expires_at"], unique=False
    )
    op.create_table(
        "revoked_token",
        sa.Column("jti", sa.Uuid(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_revoked_token")),
    )
    op.create_index("ix_revoked_token_expires_at", "revoked_token", ["expires_at"], unique=False)
    op.create_table(
        "authorization_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=False),
        sa.Column("public_service_id", sa.Uuid(), nullable=False),
        sa.Column("params", JsonColumn, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("outcome", JsonColumn, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorization_request")),
        sa.ForeignKeyConstraint(
            ["public_service_id"],
            ["public_service.id"],
            name=op.f("fk_authorization_request_public_service_id"),
        ),
    )
    op.create_index(
        "ix_authorization_request_expires_at", "authorization_request", ["expires_at"], unique=False
    )
    op.create_table(
        "pairwise_subject",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("sector", sa.String(), nullable=False),
        sa.Column("sub", sa.String(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "sector", name=op.f("pk_pairwise_subject")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_pairwise_subject_citizen_id")
        ),
        sa.UniqueConstraint("sub", name=op.f("uq_pairwise_subject_sub")),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("pairwise_subject")
    op.drop_table("authorization_request")
    op.drop_table("revoked_token")
    op.drop_table("authorization_code")
    op.drop_table("refresh_token")
    op.drop_table("token_family")
    op.drop_table("grant_decision")
    op.drop_table("service_grant")
