"""Keep only those indexes of the log that something is found by.

Safe while the previous release still runs: it asks the same, at worst more slowly. Making an index
holds up the worker alone, for seconds a million entries; so the new ones are made before the old
ones go, which holds up whoever reads or writes the log for a moment, the last of all.
"""

import sqlalchemy as sa
from alembic import op

revision = "0040_fewer_log_indexes"
down_revision = "0039_backchannel_requests"


def upgrade() -> None:
    """Make narrower what stays, then take what it replaces and what repeats others."""
    op.create_index("ix_log_position_entry_id", "log_position", ["entry_id"], unique=True)
    # Many entries have no basis, and most are no refusals: these then stand in neither.
    has_one = sa.text("basis IS NOT NULL")
    op.create_index(
        "ix_log_facet_with_basis",
        "log_facet",
        ["basis", "entry_id"],
        postgresql_where=has_one,
        sqlite_where=has_one,
    )
    op.create_index(
        "ix_log_facet_refusal",
        "log_facet",
        ["entry_id"],
        postgresql_where=sa.text("is_refused"),
        sqlite_where=sa.text("is_refused = 1"),
    )
    op.drop_index("ix_log_facet_basis", "log_facet")
    op.drop_index("ix_log_facet_refused", "log_facet")
    op.drop_index("ix_log_position_entry", "log_position")
    op.drop_index("ix_access_entry_type", "access_entry")


def downgrade() -> None:
    """Make them as they were."""
    op.create_index("ix_access_entry_type", "access_entry", ["type", "id"])
    op.create_index(
        "ix_log_position_entry", "log_position", ["citizen_id", "entry_id"], unique=True
    )
    op.create_index("ix_log_facet_refused", "log_facet", ["is_refused", "entry_id"])
    op.create_index("ix_log_facet_basis", "log_facet", ["basis", "entry_id"])
    op.drop_index("ix_log_facet_refusal", "log_facet")
    op.drop_index("ix_log_facet_with_basis", "log_facet")
    op.drop_index("ix_log_position_entry_id", "log_position")
