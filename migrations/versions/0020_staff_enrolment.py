"""Add the enrolment of staff, their recovery codes, and when their keys to the door changed.

Safe while the previous release still runs: it adds tables, and a column that may be null.
"""

import sqlalchemy as sa
from alembic import op

from identity.columns import Instant

revision = "0020_staff_enrolment"
down_revision = "0019_device_names"


def upgrade() -> None:
    """Make the tables."""
    op.add_column("staff", sa.Column("changed_at", Instant(), nullable=True))
    op.create_table(
        "staff_recovery_code",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("spent_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("staff_id", "digest", name=op.f("pk_staff_recovery_code")),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_recovery_code_staff_id")
        ),
    )
    op.create_table(
        "staff_enrolment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=True),
        sa.Column("step_digest", sa.LargeBinary(), nullable=True),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=True),
        sa.Column("step_ends_at", Instant(), nullable=True),
        sa.Column("new_hash", sa.String(), nullable=True),
        sa.Column("sealed_setup", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("spent_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_enrolment")),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_enrolment_staff_id")
        ),
    )
    op.create_index("ix_staff_enrolment_staff_id", "staff_enrolment", ["staff_id"], unique=False)
    op.create_index(
        "ix_staff_enrolment_expires_at", "staff_enrolment", ["expires_at"], unique=False
    )
    op.create_index(
        "ix_staff_enrolment_step_digest", "staff_enrolment", ["step_digest"], unique=True
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("staff_enrolment")
    op.drop_table("staff_recovery_code")
    op.drop_column("staff", "changed_at")
