"""Whether the database has the tables that this code was written for."""

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from identity import database, postgresql

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def fault() -> str | None:
    """Null: the tables are there. Otherwise one line that says what to do.

    A revision that this code does not know is a newer one: the old version goes on serving while
    a newer one migrates (design §10).
    """
    scripts = ScriptDirectory(str(MIGRATIONS))
    try:
        with database.state().engine.connect() as connection:
            if unfit := postgresql.unfit(connection.connection.driver_connection):
                return unfit
            found = MigrationContext.configure(connection).get_current_heads()
    except Exception as error:
        if not database.is_unavailable(error):
            raise
        return _unreached()
    known = {script.revision for script in scripts.walk_revisions()}
    if not found or (set(found) & known) - set(scripts.get_heads()):
        return "the database lacks tables of this version: run `motlan db upgrade`"
    return None


def _unreached() -> str:
    pool = database.state().pool
    url = None if pool is None else pool.conninfo  # it may be a function, which ours is not
    why = postgresql.why_not(url) if isinstance(url, str) else ""
    told = "the database cannot be reached: check MOTLAN_DATABASE_URL and that it runs"
    return f"{told} ({why})" if why else told


def knows(revision: str) -> bool:
    """Whether this code has the migration that made the tables; later ones it does not know."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    return any(script.revision == revision for script in scripts.walk_revisions())
