"""Keep only those indexes of the log that something is found by.

Safe while the previous release still runs: it asks the same, at worst more slowly. Making an index
holds up the worker alone, for seconds a million entries.
"""

import sqlalchemy as sa
from alembic import op

revision = "0040_fewer_log_indexes"
down_revision = "0039_backchannel_requests"


def upgrade() -> None:
    """Take what repeats others, and make narrower what stays."""
    op.drop_index("ix_access_entry_type", "access_entry")
    op.drop_index("ix_log_position_entry", "log_position")
    op.create_index("ix_log_position_entry", "log_position", ["entry_id"], unique=True)
    # Many entries have no basis, and most are no refusals: these then stand in neither.
    has_one = sa.text("basis IS NOT NULL")
    op.drop_index("ix_log_facet_basis", "log_facet")
    op.create_index(
        "ix_log_facet_basis",
        "log_facet",
        ["basis", "entry_id"],
        postgresql_where=has_one,
        sqlite_where=has_one,
    )
    op.drop_index("ix_log_facet_refused", "log_facet")
    op.create_index(
        "ix_log_facet_refused",
        "log_facet",
        ["entry_id"],
        postgresql_where=sa.text("is_refused"),
        sqlite_where=sa.text("is_refused = 1"),
    )


def downgrade() -> None:
    """Make them as they were."""
    op.drop_index("ix_log_facet_refused", "log_facet")
    op.create_index("ix_log_facet_refused", "log_facet", ["is_refused", "entry_id"])
    op.drop_index("ix_log_facet_basis", "log_facet")
    op.create_index("ix_log_facet_basis", "log_facet", ["basis", "entry_id"])
    op.drop_index("ix_log_position_entry", "log_position")
    op.create_index(
        "ix_log_position_entry", "log_position", ["citizen_id", "entry_id"], unique=True
    )
    op.create_index("ix_access_entry_type", "access_entry", ["type", "id"])
