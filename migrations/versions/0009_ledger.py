"""Add the ledger of decisions, which no one can rewrite.

Safe while the previous release still runs: it adds tables and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant, JsonColumn
from migrations.protection import append_only

revision = "0009_ledger"
down_revision = "0008_attributes"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "decision_text",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_decision_text")),
    )
    append_only("decision_text")
    op.create_table(
        "decision",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("decided_at", Instant(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("mandate_id", sa.Uuid(), nullable=True),
        sa.Column("public_service_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("procedure", sa.String(), nullable=True),
        sa.Column("case", sa.String(), nullable=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("purposes", JsonColumn, nullable=False),
        sa.Column("attributes", JsonColumn, nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("text_hash", sa.String(), nullable=False),
        sa.Column("preview_digest", sa.LargeBinary(), nullable=False),
        sa.Column("from_at", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("use_budget", sa.Integer(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("evidence", JsonColumn, nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "decision_id", "version", name=op.f("pk_decision")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_decision_citizen_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_decision_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["public_service_id"], ["public_service.id"], name=op.f("fk_decision_public_service_id")
        ),
        sa.ForeignKeyConstraint(
            ["text_hash"], ["decision_text.hash"], name=op.f("fk_decision_text_hash")
        ),
    )
    op.create_index(
        "ix_decision_public_service_id",
        "decision",
        ["citizen_id", "public_service_id"],
        unique=False,
    )
    append_only("decision")
    op.create_table(
        "receipt",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("body_commit", sa.LargeBinary(), nullable=False),
        sa.Column("promise", sa.String(), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "decision_id", "version", name=op.f("pk_receipt")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_receipt_citizen_id")
        ),
        sa.UniqueConstraint("number", name=op.f("uq_receipt_number")),
    )
    append_only("receipt")
    op.create_table(
        "objection",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("public_service_id", sa.Uuid(), nullable=False),
        sa.Column("procedure", sa.String(), nullable=True),
        sa.Column("case", sa.String(), nullable=True),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=False),
        sa.Column("raised_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", "id", name=op.f("pk_objection")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_objection_citizen_id")
        ),
        sa.ForeignKeyConstraint(
            ["public_service_id"],
            ["public_service.id"],
            name=op.f("fk_objection_public_service_id"),
        ),
        sa.UniqueConstraint("number", name=op.f("uq_objection_number")),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("objection")
    op.drop_table("receipt")
    op.drop_table("decision")
    op.drop_table("decision_text")
