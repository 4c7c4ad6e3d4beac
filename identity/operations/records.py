"""What a backup needs of the database itself, and what the operator's page asks of messages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Row, func, inspect, select, text

from identity import database, sqlite
from identity.database import transaction
from identity.outbox import OutboxMessage

VERSIONS = "alembic_version"


def unheard(*, limit: int) -> Sequence[Row[Any]]:
    """Messages that nobody has acknowledged, by what they are and whom they are for."""
    waits = OutboxMessage.next_at.is_not(None)  # one more try, some time
    oldest = func.min(OutboxMessage.created_at)
    whose = (OutboxMessage.kind, OutboxMessage.public_service_id)
    told = (
        func.count().filter(waits).label("waiting"),
        func.count().filter(~waits).label("given_up"),
        oldest.label("oldest_at"),
    )
    open_ones = OutboxMessage.delivered_at.is_(None), OutboxMessage.target.is_not(None)
    grouped = select(*whose, *told).where(*open_ones).group_by(*whose)
    return database.rows(grouped.order_by(oldest).limit(limit))


class DamagedError(Exception):
    """The copy of the database is not whole; its text says what SQLite found."""


def copy_file(source: Path, copy: Path) -> None:
    """The copy is the SQLite database at one moment, in one file.

    Raises:
        DamagedError: the copy does not hold together, so neither does the database.
    """
    if (verdict := sqlite.copy(source, copy)) != "ok":
        raise DamagedError(f"{source} is damaged ({verdict}): keep it, and restore a backup")


def revision() -> str:
    """The newest migration that the database has; empty: none."""
    if VERSIONS not in _tables():
        return ""
    found = database.row(text(f"SELECT version_num FROM {VERSIONS}"))  # noqa: S608 - our own name
    return "" if found is None else str(found.version_num)


def server() -> str:
    """Which database it is, with its version: a dump is read by the same version or a later one."""
    if not database.is_postgresql():
        return f"SQLite {sqlite.VERSION}"
    found = database.row(text("SELECT current_setting('server_version') AS version"))
    return f"PostgreSQL {'' if found is None else found.version}"


def is_empty() -> bool:
    """Whether there is not one table."""
    return not _tables()


def forget_transactions() -> None:
    """No entry waits for a transaction of the server that it was written on.

    The sequencer compares an entry's transaction with those that run now (design §7). Numbers of
    another server would say that old ones run for ever, and that new ones have ended.
    """
    with transaction():
        database.write(text("UPDATE access_entry SET xid = 0"))
        database.write(text("UPDATE sequencer_state SET left_behind = 0"))


def foreign_server() -> str | None:
    """Whether entries were written on another PostgreSQL server than this one; null: they were not.

    Then the sequencer would wait for transactions that never end here, and pass over new ones.
    """
    if not database.is_postgresql():
        return None
    query = (
        "SELECT max(xid) >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS is_foreign"
        " FROM access_entry"
    )
    found = database.row(text(query))
    if found is None or not found.is_foreign:
        return None
    return "the database was loaded into another server by hand: make a new one, `motlan restore`"


def _tables() -> list[str]:
    return inspect(database.state().engine).get_table_names()
