"""A PostgreSQL that somebody has set up otherwise: for every session, or for good."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from psycopg import sql
from sqlalchemy import select, text

from identity import clock, database, doctor, postgresql, schema
from identity.settings import SettingsError
from identity.worker import WorkerState
from tests.databases import Database
from tests.postgres import APP, OWNER

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("app")]
Sets = Callable[..., Database]

# What a database may be told for every session; the first says why it is pinned.
ODD = {
    "datestyle": "'SQL, DMY'",  # times that the driver cannot read
    "client_encoding": "latin1",  # letters that it cannot write
    "quote_all_identifiers": "on",  # tables that are not found by their names
    "default_transaction_isolation": "'repeatable read'",  # whoever comes second fails
    "timezone": "'Asia/Kathmandu'",
    "intervalstyle": "sql_standard",
    "bytea_output": "escape",
    "standard_conforming_strings": "off",
}


@pytest.fixture
def server(databases) -> Iterator[psycopg.Connection]:
    with psycopg.connect(databases.server.admin_url, autocommit=True) as connection:
        yield connection


def told(server: psycopg.Connection, made: Database, words: str) -> None:
    """One ALTER DATABASE of it."""
    name = sql.Identifier(urlsplit(made.url).path[1:])
    server.execute(sql.SQL("ALTER DATABASE {} ").format(name) + sql.SQL(words))  # type: ignore[arg-type] # our own words


@pytest.fixture
def on(another_app, settings) -> Callable[[Database], Flask]:
    """An app on that database."""

    def make(made: Database) -> Flask:
        urls = {"database_url": made.url, "database_owner_url": made.owner_url}
        return another_app(replace(settings, **urls))

    return make


@pytest.fixture
def upgrade(on) -> Callable[[Database], Result]:
    return lambda made: on(made).test_cli_runner().invoke(args=["db", "upgrade"])


def test_what_a_database_says_to_every_session_changes_nothing(databases, server, on):
    """Times, texts, names and turns are as they are everywhere."""
    made = databases.copy()
    for name, value in ODD.items():
        told(server, made, f"SET {name} TO {value}")
    on(made)
    now = clock.now()

    with database.transaction():
        database.write(WorkerState.__table__.insert().values(duty="ắ", at=now, detail=""))

    found = database.row(select(WorkerState.duty, WorkerState.at).where(WorkerState.duty == "ắ"))
    assert (found.duty, found.at) == ("ắ", now)
    assert doctor._protection() is None
    assert database.row(text("SHOW transaction_isolation"))[0] == "read committed"


def test_so_it_is_for_what_the_loop_asks(databases, server):
    made = databases.copy()
    for name, value in ODD.items():
        told(server, made, f"SET {name} TO {value}")

    with postgresql.connect(made.url) as connection:
        asked = [b"SELECT now() AS at", b"SHOW transaction_isolation", b"SELECT chr(7855)"]
        rows = [postgresql.first_row(connection, each, values=[]) for each in asked]

    assert abs((rows[0][0] - clock.now()).total_seconds()) < 60
    assert [row[0] for row in rows[1:]] == ["read committed", "ắ"]


def test_what_an_environment_says_to_every_session_changes_nothing(settings, monkeypatch):
    """PGTZ and PGDATESTYLE are said by libpq after our own options."""
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    monkeypatch.setenv("PGDATESTYLE", "German")
    monkeypatch.setenv("PGCLIENTENCODING", "latin1")

    with postgresql.connect(settings.database_url) as connection:
        asked = [b"SHOW timezone", b"SHOW datestyle", b"SELECT chr(7855)"]
        rows = [postgresql.first_row(connection, each, values=[]) for each in asked]

    assert [row[0].split(",")[0] for row in rows] == ["UTC", "ISO", "ắ"]


def test_what_the_address_says_to_every_session_is_heard(databases, server, on):
    """The `options` of libpq: a schema of one's own, say; what ours are written for stays."""
    made = databases.copy()
    told(server, made, "SET search_path TO nowhere")
    mark = "&" if "?" in made.url else "?"
    more = f"{mark}options=-csearch_path%3Dpublic%20-cdatestyle%3DGerman"

    on(Database(made.url + more, made.owner_url + more))

    assert schema.fault() is None
    assert database.row(text("SHOW datestyle"))[0].startswith("ISO")
    with postgresql.connect(made.url + more) as connection:
        assert postgresql.first_row(connection, b"SHOW search_path", values=[]) == ("public",)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_keep_any_text_is_refused_before_it_is_used(
    databases, server, upgrade, encoding
):
    """`createdb` makes one where the locale is C; a name would fail much later."""
    made = databases.empty()
    name, owner = sql.Identifier(urlsplit(made.url).path[1:]), sql.Identifier(OWNER)
    server.execute(sql.SQL("DROP DATABASE {}").format(name))
    create = "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING {} LOCALE 'C'"
    server.execute(sql.SQL(create).format(name, owner, sql.Literal(encoding)))

    result = upgrade(made)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: the database's encoding is {encoding}: make it anew")
    assert encoding in schema.fault()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("SET search_path TO ''", "no schema has been selected to create in"),
        ("SET default_transaction_read_only TO on", "in a read-only transaction"),
        (f"OWNER TO {APP}", "permission denied for schema public"),
    ],
)
def test_what_the_server_forbids_is_told_and_not_that_db_upgrade_is_needed(
    databases, server, upgrade, words, why
):
    """Whoever runs `db upgrade` is not told to run it."""
    made = databases.empty()
    told(server, made, words)

    result = upgrade(made)

    assert result.exit_code == 1
    assert why in result.stderr
    assert "run `motlan db upgrade`" not in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("more", ["foo=geheim", "options=%zzgeheim", "sslmode"])
@pytest.mark.parametrize("name", ["database_url", "database_owner_url"])
def test_an_option_that_no_server_knows_is_told_before_anything_is_asked(
    settings, another_app, name, more
):
    """Neither the address nor the driver's words are repeated: both may hold a password."""
    chosen = replace(settings, **{name: f"{getattr(settings, name)}&{more}"})

    with pytest.raises(SettingsError, match=f"^MOTLAN_{name.upper()} has an option") as refusal:
        another_app(chosen)

    assert "geheim" not in str(refusal.value)


def test_a_server_with_too_little_room_is_told_of(databases, server, another_app, settings):
    """Four web processes with both kinds of connections, and the worker: 8 x (2 x 4 + 1)."""
    made = databases.copy()
    urls = {"database_url": made.url, "database_owner_url": made.owner_url}
    another_app(replace(settings, pool_size=8, processes=4, **urls))

    told(server, made, "CONNECTION LIMIT 71")
    fault = doctor._connections()
    told(server, made, "CONNECTION LIMIT 72")

    assert "PostgreSQL lets 71 in, and this machine may want 72: raise" in fault
    assert doctor._connections() is None
