"""Add attributes, registers and values.

Safe while the previous release still runs: it adds tables and touches none.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant
from migrations.protection import append_only

revision = "0008_attributes"
down_revision = "0007_procedures"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "register",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_vi", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("keeper", sa.String(), nullable=True),
        sa.Column("keeper_code", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_register")),
    )
    op.create_table(
        "attribute",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("label_vi", sa.String(), nullable=False),
        sa.Column("label_en", sa.String(), nullable=False),
        sa.Column("register", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("sensitivity", sa.String(), nullable=False),
        sa.Column("freshness_days", sa.Integer(), nullable=True),
        sa.Column("equals_paper", sa.Boolean(), nullable=False),
        sa.Column("may_be_supplied", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_attribute")),
        sa.ForeignKeyConstraint(
            ["register"], ["register.name"], name=op.f("fk_attribute_register")
        ),
    )
    append_only("attribute")
    op.create_table(
        "attribute_value",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attribute", sa.String(), nullable=False),
        sa.Column("register", sa.String(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("about_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "id", name=op.f("pk_attribute_value")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_attribute_value_citizen_id")
        ),
        sa.ForeignKeyConstraint(
            ["register"], ["register.name"], name=op.f("fk_attribute_value_register")
        ),
    )
    op.create_index(
        "ix_attribute_value_attribute", "attribute_value", ["citizen_id", "attribute"], unique=False
    )
    append_only("attribute_value")
    op.create_table(
        "attribute_head",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("attribute", sa.String(), nullable=False),
        sa.Column("register", sa.String(), nullable=False),
        sa.Column("value_id", sa.Uuid(), nullable=False),
        sa.Column("is_disputed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "citizen_id", "attribute", "register", name=op.f("pk_attribute_head")
        ),
        sa.ForeignKeyConstraint(
            ["citizen_id", "value_id"],
            ["attribute_value.citizen_id", "attribute_value.id"],
            name=op.f("fk_attribute_head_citizen_id_value_id"),
        ),
    )
    op.create_table(
        "value_ticket",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attribute", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", "id", name=op.f("pk_value_ticket")),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.citizen_id"], name=op.f("fk_value_ticket_citizen_id")
        ),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("value_ticket")
    op.drop_table("attribute_head")
    op.drop_table("attribute_value")
    op.drop_table("attribute")
    op.drop_table("register")
