"""What the database itself refuses: rewriting history, and deleting keys without the owner.

On PostgreSQL a trigger refuses UPDATE, DELETE and TRUNCATE on an append-only table, for every
role, and the app role holds only SELECT and INSERT (`grants`). On SQLite two triggers refuse,
and a deletion asks `may_purge()`, which only the owner's command answers with yes.
"""

from alembic import op

APPEND_ONLY = (
    "citizen_identity",
    "access_entry",
    "procedure",
    "attribute",
    "attribute_value",
    "decision_text",
    "decision",
    "receipt",
    "term_extension",
    "log_position",
    "log_subject",
    "inspection",
)
# Wrapped keys: re-wrapped by a rotation, deleted by an erasure, both the owner's.
KEYS = ("citizen_key", "entry_key")


def create_refusal() -> None:
    """Make the function that every append-only trigger calls (PostgreSQL)."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("""
        CREATE FUNCTION refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
    """)


def drop_refusal() -> None:
    """Take that function away again."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_rewrite()")


def append_only(table: str) -> None:
    """From now on rows of this table can be added and read, and nothing else."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"""
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite()
        """)
        return
    op.execute(f"""
        CREATE TRIGGER {table}_is_not_edited BEFORE UPDATE ON {table}
        BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
    """)
    keep(table)


def keep(table: str) -> None:
    """From now on rows of this table go only when the owner's command deletes them (SQLite).

    On PostgreSQL the app role simply has no such privilege.
    """
    if op.get_bind().dialect.name == "postgresql":
        return
    op.execute(f"""
        CREATE TRIGGER {table}_is_kept BEFORE DELETE ON {table} WHEN may_purge() = 0
        BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
    """)
