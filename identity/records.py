"""What the database says about itself: its clock, its roles, what it protects."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, text

from identity import database

# What nobody may do who serves: `append_only` triggers refuse it too, so each is a second lock.
_REWRITING = ("UPDATE", "DELETE", "TRUNCATE")


def present() -> datetime | None:
    """The moment by the database server's clock; null on SQLite, which has none of its own."""
    if not database.is_postgresql():
        return None
    found = database.row(text("SELECT clock_timestamp() AS at"))
    return None if found is None else found.at


def room() -> int | None:
    """How many connections the server lets the role that serves have; null on SQLite."""
    if not database.is_postgresql():
        return None
    found = database.row(
        text(
            "SELECT least(CAST(current_setting('max_connections') AS int)"
            " - CAST(current_setting('superuser_reserved_connections') AS int)"
            # Since PostgreSQL 16 some may be kept for other roles.
            " - coalesce(CAST(current_setting('reserved_connections', true) AS int), 0),"
            " nullif(rolconnlimit, -1), nullif(datconnlimit, -1)) AS room"
            " FROM pg_roles, pg_database"
            " WHERE rolname = current_user AND datname = current_database()"
        )
    )
    return None if found is None else found.room


def owns_everything() -> bool:
    """Whether who serves could grant themselves anything: a superuser, or the tables' owner."""
    if not database.is_postgresql():
        return True
    found = database.row(
        text(
            "SELECT rolsuper OR pg_has_role(current_user, c.relowner, 'USAGE') AS may"
            " FROM pg_roles, pg_class c WHERE rolname = current_user"
            " AND c.oid = to_regclass('access_entry')"
        )
    )
    return found is None or bool(found.may)


def excess_rights(tables: Sequence[str]) -> list[str]:
    """Which of these tables the role that serves could rewrite."""
    query = text(
        "SELECT t.name FROM unnest(CAST(:tables AS text[])) AS t(name)"
        " WHERE has_table_privilege(current_user, t.name, CAST(:rights AS text)) ORDER BY 1"
    )
    found = database.rows(query, {"tables": list(tables), "rights": ", ".join(_REWRITING)})
    return [row.name for row in found]


def missing_rights(tables: Sequence[str]) -> list[str]:
    """Which of these tables the role that serves cannot read or add to."""
    query = text(
        "SELECT t.name FROM unnest(CAST(:tables AS text[])) AS t(name)"
        " WHERE NOT has_table_privilege(current_user, t.name, 'SELECT')"
        " OR NOT has_table_privilege(current_user, t.name, 'INSERT') ORDER BY 1"
    )
    return [row.name for row in database.rows(query, {"tables": list(tables)})]


def unprotected(tables: Sequence[str]) -> list[str]:
    """Which of these tables lack the trigger that refuses to rewrite them, or have it off."""
    if database.is_postgresql():
        query = text(
            "SELECT tgrelid::regclass::text AS name FROM pg_trigger"
            " WHERE tgname = 'append_only' AND tgenabled IN ('O', 'A')"
        )
        kept = {row.name for row in database.rows(query)}
    else:
        edited = text(
            "SELECT tbl_name AS name FROM sqlite_master WHERE type = 'trigger'"
            " AND name IN (tbl_name || '_is_not_edited', tbl_name || '_is_kept')"
            " AND tbl_name IN :tables GROUP BY tbl_name HAVING count(*) = 2"
        ).bindparams(bindparam("tables", expanding=True))
        kept = {row.name for row in database.rows(edited, {"tables": list(tables)})}
    return [name for name in tables if name not in kept]
