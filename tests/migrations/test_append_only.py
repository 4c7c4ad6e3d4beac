"""The database itself refuses to rewrite history, whoever asks (design §2.3, §9)."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest

from identity import sqlite
from identity.columns import Base
from migrations.protection import APPEND_ONLY, KEYS

pytestmark = pytest.mark.usefixtures("app")  # every table is known
UPDATE, DELETE = "UPDATE {table} SET {column} = {column}", "DELETE FROM {table}"
UPSERT = (
    "INSERT INTO {table} {override} SELECT * FROM {table} WHERE true"
    " ON CONFLICT ({key}) DO UPDATE SET {column} = EXCLUDED.{column}"
)
REPLACE = "REPLACE INTO {table} SELECT * FROM {table}"
UPDATE_OR_REPLACE = "UPDATE OR REPLACE {table} SET {column} = {column}"
TRUNCATE = "TRUNCATE {table} CASCADE"


def written(statement: str, table: str) -> str:
    """The statement about one table: it would touch every row there is."""
    known = Base.metadata.tables[table]
    key = [f'"{column.name}"' for column in known.primary_key.columns]
    last = list(known.columns)[-1].name
    override = "OVERRIDING SYSTEM VALUE" if table == "access_entry" else ""
    return statement.format(table=table, column=last, key=", ".join(key), override=override)


@pytest.fixture(scope="module")
def its_database(databases):
    """A database of this module's own; on SQLite with a row in each: triggers there need one."""
    made = databases.copy()
    if databases.server is None:
        with closing(sqlite3.connect(made.url.removeprefix("sqlite:///"))) as raw, raw:
            for table in (*APPEND_ONLY, *KEYS):
                columns = [f'"{column.name}"' for column in Base.metadata.tables[table].columns]
                numbers = ", ".join(str(n) for n in range(1, len(columns) + 1))
                raw.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({numbers})")  # noqa: S608 - our own names
    return made


@pytest.fixture
def told(databases, its_database) -> Callable[..., str]:
    """What the database answers to a statement, to the app or to the owner; empty: it did it."""

    def ask(statement: str, *, as_owner: bool = False) -> str:
        if databases.server is None:
            return _sqlite(its_database.url, statement, may_purge=as_owner)
        return _postgresql(its_database.owner_url if as_owner else its_database.url, statement)

    return ask


def _sqlite(url: str, statement: str, *, may_purge: bool) -> str:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), **sqlite.CONNECT_ARGS)
    with closing(connection):
        sqlite.prepare(may_purge=may_purge)(connection, None)
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN")
        try:
            connection.execute(statement)
        except sqlite3.Error as refusal:
            return str(refusal)
        finally:
            connection.execute("ROLLBACK")
    return ""


def _postgresql(url: str, statement: str) -> str:
    with psycopg.connect(url) as connection:
        try:
            connection.execute(statement)
        except psycopg.Error as refusal:
            return str(refusal)
        finally:
            connection.rollback()
    return ""


@pytest.mark.sqlite
class TestSqlite:
    @pytest.mark.parametrize("table", APPEND_ONLY)
    @pytest.mark.parametrize("statement", [UPDATE, DELETE, UPSERT, REPLACE, UPDATE_OR_REPLACE])
    def test_no_row_is_rewritten(self, told, table, statement):
        assert told(written(statement.replace("{override} ", ""), table)) == (
            f"{table} is append-only"
        )

    @pytest.mark.parametrize("table", KEYS)
    @pytest.mark.parametrize("statement", [DELETE, REPLACE])
    def test_no_wrapped_key_is_lost(self, told, table, statement):
        """`recursive_triggers`, without which REPLACE deletes in silence."""
        assert told(written(statement, table)) == f"{table} is append-only"

    @pytest.mark.parametrize("table", [*APPEND_ONLY, *KEYS])
    def test_only_the_owners_command_deletes(self, told, table):
        assert told(written(DELETE, table), as_owner=True) == ""

    @pytest.mark.parametrize("table", APPEND_ONLY)
    def test_not_even_the_owners_command_edits(self, told, table):
        assert told(written(UPDATE, table), as_owner=True) == f"{table} is append-only"

    @pytest.mark.parametrize("table", APPEND_ONLY)
    def test_a_connection_that_knows_nothing_of_us_cannot_delete_either(self, its_database, table):
        """Without our function there is nobody to allow it."""
        path = its_database.url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as stranger, pytest.raises(sqlite3.Error):
            stranger.execute(written(DELETE, table))


@pytest.mark.postgresql
class TestPostgresql:
    @pytest.mark.parametrize("table", [*APPEND_ONLY, *KEYS])
    @pytest.mark.parametrize("statement", [UPDATE, DELETE, UPSERT, TRUNCATE])
    def test_the_app_role_has_no_right_to(self, told, table, statement):
        assert "permission denied" in told(written(statement, table))

    @pytest.mark.parametrize("table", APPEND_ONLY)
    @pytest.mark.parametrize("statement", [UPDATE, DELETE, UPSERT, TRUNCATE])
    def test_the_owner_is_refused_by_the_trigger(self, told, table, statement):
        assert "is append-only" in told(written(statement, table), as_owner=True)

    @pytest.mark.parametrize("table", KEYS)
    def test_the_owner_destroys_keys(self, told, table):
        assert told(written(DELETE, table), as_owner=True) == ""

    @pytest.mark.parametrize("table", APPEND_ONLY)
    @pytest.mark.parametrize(
        "statement",
        [
            "ALTER TABLE {table} DISABLE TRIGGER append_only",
            "DROP TRIGGER append_only ON {table}",
            "DROP TABLE {table}",
        ],
    )
    def test_the_app_role_cannot_take_the_protection_away(self, told, table, statement):
        assert "must be owner" in told(statement.format(table=table))

    def test_the_app_role_cannot_act_as_a_replica(self, told):
        """With it, triggers would sleep."""
        assert "permission denied" in told("SET session_replication_role = replica")


def test_the_list_is_of_tables_that_exist():
    assert set(APPEND_ONLY) | set(KEYS) <= set(Base.metadata.tables)
