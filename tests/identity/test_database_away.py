"""The database is busy, gone or restarted: 503 with `Retry-After`, and well again by itself."""

import shutil
import socket
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from identity import database, health, postgresql, schema
from identity.public_services import registered
from tests.people import lan, sign_in
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app")


@contextmanager
def no_connection_free(monkeypatch):
    """Somebody holds every connection of this process; nobody waits long for one."""
    held, state = ExitStack(), database.state()
    with held:
        if state.pool is not None:
            monkeypatch.setattr(state.pool, "timeout", 0.1)
            for _ in range(state.pool.max_size):
                connection = postgresql.checkout(state.pool)
                held.callback(state.pool.putconn, connection)
        else:
            pool = state.engine.pool
            monkeypatch.setattr(pool, "_timeout", 0.1)
            for _ in range(pool.size() + pool._max_overflow):
                held.enter_context(state.engine.connect())
        yield


class Visitor:
    """A citizen at a page and a public service at a door, both of which ask the database."""

    def __init__(self, client):
        self.client, self.played = client, a_service(grant_types=["client_credentials"])
        sign_in(client, lan())

    def page(self):
        return self.client.get("/my")

    def door(self):
        registered.forget()
        form = {"grant_type": "client_credentials"}
        return self.client.post("/token", data=form, headers=self.played.basic())


@pytest.fixture
def visitor(client):
    return Visitor(client)


def is_told_later(answer):
    return answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0


def test_a_page_without_a_free_connection_says_so_and_when_to_come_again(visitor, monkeypatch):
    with no_connection_free(monkeypatch):
        answer = visitor.page()

    assert is_told_later(answer)
    assert 'id="error"' in answer.text
    assert visitor.page().status_code == 200


def test_a_door_without_a_free_connection_says_so_in_its_own_format(visitor, monkeypatch):
    with no_connection_free(monkeypatch):
        answer = visitor.door()

    assert is_told_later(answer)
    assert answer.json["error"] == "temporarily_unavailable"
    assert visitor.door().status_code == 200


class Wire:
    """Between us and PostgreSQL: a socket that somebody can pull, and plug in again."""

    def __init__(self, folder, server):
        self.path, self.server = folder / ".s.PGSQL.5432", server
        self.ends = []

    def plug_in(self):
        self.path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def pull(self):
        for end in (self.listener, *self.ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.ends.clear()

    def _accept(self, listener):
        with suppress(OSError):
            while True:
                ours, _ = listener.accept()
                theirs = socket.socket(socket.AF_UNIX)
                theirs.connect(self.server)
                self.ends += [ours, theirs]
                for pair in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source, target):
        with suppress(OSError):
            while some := source.recv(65_536):
                target.sendall(some)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(another_app, settings, monkeypatch):
    """An app whose only way to PostgreSQL is the wire; nobody in it waits long."""
    folder = Path(tempfile.mkdtemp(prefix="wire-"))  # short, as a socket's path must be
    parts = urlsplit(settings.database_url)
    (there,) = parse_qs(parts.query)["host"]
    made = Wire(folder, f"{there}/.s.PGSQL.5432")
    made.plug_in()
    monkeypatch.setattr(postgresql, "PATIENCE", 0.3)
    url = urlunsplit(parts._replace(query=urlencode({"host": str(folder)})))
    made.client = another_app(replace(settings, database_url=url)).test_client()
    yield made
    database.close()
    made.pull()
    shutil.rmtree(folder)


@pytest.mark.postgresql
def test_connections_that_the_server_ended_meanwhile_cost_nobody_an_answer(wire):
    """As a restart at night does: the pool's connections are dead, and the server is back."""
    visitor = Visitor(wire.client)
    pool = database.state().pool
    busy = [postgresql.checkout(pool) for _ in range(3)]
    for connection in busy:
        pool.putconn(connection)

    wire.pull()
    wire.plug_in()

    assert [visitor.door().status_code, visitor.page().status_code] == [200, 200]


@pytest.mark.postgresql
@pytest.mark.slow  # the pool tries again with longer and longer pauses
def test_while_the_database_is_away_everybody_is_told_later_and_afterwards_all_is_well(wire):
    visitor = Visitor(wire.client)

    wire.pull()
    door, page = visitor.door(), visitor.page()

    assert is_told_later(door)
    assert is_told_later(page)
    assert door.json["error"] == "temporarily_unavailable"
    assert 'id="error"' in page.text
    wire.plug_in()
    end = time.monotonic() + 20
    while (visitor.door().status_code, visitor.page().status_code) != (200, 200):
        assert time.monotonic() < end, "it did not recover"


@pytest.mark.postgresql
@pytest.mark.slow  # as above
def test_readiness_waits_once_for_a_database_that_is_away(wire, monkeypatch):
    """Each of its looks would wait as long; a balancer asks again and again."""
    wire.client.get("/readyz")
    wire.pull()
    looks = []
    last = health.worker.last
    monkeypatch.setattr(health.worker, "last", lambda duty: looks.append(duty) or last(duty))

    told = wire.client.get("/readyz")

    words = {name: word for name, word in told.json["checks"].items() if name != "keys"}
    assert told.status_code == 503
    assert set(words.values()) == {health.UNREACHED}
    assert len(words) == 3
    assert len(looks) == 1


@pytest.mark.postgresql
@pytest.mark.slow  # as above
def test_the_operator_is_told_why_it_cannot_be_reached(wire, settings):
    """The role, the password, the name, the port: what the server says, and no password."""
    parts = urlsplit(settings.database_url)
    wrong = parts._replace(netloc=f"{parts.username}:wrong@").geturl()

    wire.pull()

    assert "onnection" in schema.fault()
    assert "MOTLAN_DATABASE_URL" in schema.fault()
    assert postgresql.why_not(settings.database_url) == ""
    assert "password authentication failed" in postgresql.why_not(wrong)
    assert "wrong" not in postgresql.why_not(wrong)


@pytest.mark.postgresql
def test_a_statement_that_was_under_way_is_the_databases_fault_and_not_the_requests(wire):
    lost = []

    def ask():
        try:
            database.rows(text("SELECT pg_sleep(5)"))
        except DBAPIError as error:
            lost.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not wire.ends:
        time.sleep(0.01)
    time.sleep(0.2)
    wire.pull()
    asking.join()

    assert database.is_unavailable(lost[0])
