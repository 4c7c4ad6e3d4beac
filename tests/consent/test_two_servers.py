"""A backup put into another PostgreSQL server, of which nothing is known there yet."""

import subprocess
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import func, select

from identity import database, doctor, postgresql
from identity.trail import AccessEntry
from tests import postgres
from tests.databases import Database
from tests.restoring import client_programs, runs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.postgresql,
    pytest.mark.usefixtures("programs"),
]
OWNER, APP = "another_owner", "another_app"
SECRET = "pass/word of 'another'"
NEWEST = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"


@pytest.fixture
def folder(own_log, tmp_path):
    own_log.grows(3)
    done = runs(own_log.app, "backup", tmp_path / "backup")
    assert done.exit_code == 0, done.output
    return tmp_path / "backup"


@pytest.fixture
def there(restoring):
    """Its superuser."""
    with psycopg.connect(restoring.databases.server.admin_url, autocommit=True) as connection:
        yield connection


def test_its_transactions_are_younger_and_the_order_goes_on(own_log, folder, restoring, there):
    """Design §7: the order waits for transactions of the server that it runs on, of no other."""
    (last,) = own_log.vandal.tells("SELECT max(xid) FROM access_entry")[0]
    app = restoring("second")

    back = runs(app, "restore", folder)

    assert back.exit_code == 0, back.output
    assert there.execute(NEWEST).fetchone()[0] < last
    assert own_log.vandal.databases.server != restoring.databases.server
    own_log.is_told(2)
    own_log.is_placed()
    placed = database.row(select(func.count()).select_from(AccessEntry))[0]
    assert placed == 6  # three, `database:restored`, two
    assert runs(app, "log", "verify").output.startswith("whole: 6 entries")


def test_roles_that_are_not_there_yet_are_asked_for(folder, restoring, there, monkeypatch):
    """Other names than where it was made: rights are granted to whoever serves here."""
    place = restoring.databases.server.url(postgres.OWNER, "moved")
    made = Database(_as(place, APP), _as(place, OWNER))
    with monkeypatch.context() as hasty:
        hasty.setattr(postgresql, "PATIENCE", 0.2)
        app = restoring("too-early", database=made)

    before = runs(app, "restore", folder)
    for role in (OWNER, APP):
        there.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(role), sql.Literal(SECRET)
            )
        )
    there.execute(sql.SQL("CREATE DATABASE moved OWNER {}").format(sql.Identifier(OWNER)))
    after = runs(restoring("second", database=made), "restore", folder)

    assert (before.exit_code, "MOTLAN_DATABASE_URL" in before.output) == (1, True), before.output
    assert f'"{APP}"' in before.output  # which one is missing
    assert "Traceback" not in before.output
    assert after.exit_code == 0, after.output
    assert [line for line in doctor.faults() if line.startswith(("roles", "protection"))] == []
    with pytest.raises(Exception, match="permission denied"):
        database.rows(AccessEntry.__table__.delete())


def test_a_dump_that_was_loaded_by_hand_is_not_served(own_log, folder, restoring):
    """Its order would wait for transactions of the old server, and pass over new ones."""
    made = restoring.databases.empty()
    secrets = str(own_log.settings.secrets)
    app = restoring("second", database=made, MOTLAN_SECRETS=secrets)
    done = subprocess.run(
        [client_programs() / "pg_restore", "--no-owner", "--no-acl", f"--dbname={made.owner_url}",
         folder / "data" / "motlan.dump"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert runs(app, "db", "upgrade").exit_code == 0

    worker, told = runs(app, "worker"), runs(app, "doctor")

    for each in (worker, told):
        assert (each.exit_code, "loaded into another server by hand" in each.output) == (1, True)


def _as(url, role):
    """The same place for another role."""
    place = urlsplit(url)
    login = f"{role}:{SECRET.replace('/', '%2F').replace(' ', '%20')}"
    return place._replace(netloc=f"{login}@{place.netloc.rpartition('@')[2]}").geturl()
