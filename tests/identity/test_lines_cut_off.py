"""A connection that ends while it answers several: nobody is told what may not be so."""

# ruff: noqa: S608 - the table of one test, by a name of our own

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from identity import settings, turns
from identity.together import Clause, all_undone_unless, look, together
from tests.turns import play

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("app")]

# What the server says, by the first byte: an error, and that it is ready for the next question.
MISTAKE, READY = b"E", b"Z"


class Cut:
    """Stands before the server's socket; ends a connection around one of its words.

    That word is passed on, and nothing behind it; `READY` is kept back, once there was an answer.
    """

    def __init__(self, folder: Path, word: bytes) -> None:
        self._told = conninfo_to_dict(settings.current().database_url)
        self._word, self._has_answered = word, False
        here = {"host": str(folder), "port": 5432, "sslmode": "disable"}
        self.url = make_conninfo(settings.current().database_url, **here)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{folder}/.s.PGSQL.5432")
        self._listener.listen()
        threading.Thread(target=self._take, daemon=True).start()

    def close(self) -> None:
        """Nobody more comes through."""
        self._listener.close()

    def _server(self) -> socket.socket:
        host, port = str(self._told["host"]), int(self._told.get("port") or 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        made = socket.socket(socket.AF_UNIX)
        made.connect(f"{host}/.s.PGSQL.{port}")
        return made

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = self._server()
                for act in (self._up, self._down):
                    threading.Thread(target=act, args=(client, server), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while content := client.recv(65536):
                server.sendall(content)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError), client, server:
            for message in _messages(server):
                word = message[:1]
                self._has_answered = self._has_answered or word == b"D"
                is_last = word == self._word and (word != READY or self._has_answered)
                if not (is_last and word == READY):
                    client.sendall(message)
                if is_last:
                    client.shutdown(socket.SHUT_RDWR)
                    server.shutdown(socket.SHUT_RDWR)
                    return


def _messages(server: socket.socket) -> Iterator[bytes]:
    held = b""
    while content := server.recv(65536):
        held += content
        while len(held) > 4 and len(held) > (size := int.from_bytes(held[1:5])):
            yield held[: size + 1]
            held = held[size + 1 :]


@pytest.fixture
def cut(request, tmp_path_factory):
    with closing(Cut(tmp_path_factory.mktemp("cut"), request.param)) as made:
        yield made


class Garbled(Cut):
    """Says something else for an answer, once, and everything else as the server says it."""

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError), client, server:
            for message in _messages(server):
                is_said = self._has_answered or message[:1] != b"D"
                client.sendall(message if is_said else self._word)
                self._has_answered = self._has_answered or not is_said


# Each as the protocol frames it; the first is shorter than it says.
GARBLED = {
    "no row": b"D\0\0\0\6\0\5\0",
    "the end, too early": b"Z\0\0\0\5I",
    "two ends of one answer": b"C\0\0\0\5\0" * 2,
    "another way to go on": b"G\0\0\0\7\0\0\0",
}


@pytest.fixture
def table():
    name = f"cut_{uuid.uuid4().hex}"
    with psycopg.connect(settings.current().database_owner_url, autocommit=True) as owner:
        owner.execute(f"CREATE TABLE {name} (id int)")
        owner.execute(f"GRANT ALL ON {name} TO PUBLIC")
        yield name
        owner.execute(f"DROP TABLE {name}")


class TestAttacker:
    @pytest.mark.parametrize("cut", [MISTAKE], indirect=True)
    def test_a_neighbours_mistake_is_not_told_as_ones_own(self, cut):
        """Who asked beside it hears that the database went away, not that a condition was false."""
        undone = Clause("no", f"SELECT {all_undone_unless('false')} AS it", "", returns={"it": int})
        right = Clause("it", "SELECT 1 AS it", "", returns={"it": int})

        told = play(
            lambda _opened: together(undone), lambda _opened: look(right), url=cut.url, most=1
        )

        assert [type(each) for each in told] == [psycopg.OperationalError] * 2

    @pytest.mark.parametrize("cut", [READY], indirect=True)
    def test_what_was_committed_and_not_answered_is_told_as_neither_and_not_done_twice(
        self, cut, table
    ):
        """All rows had come, and the commit was done: only the last word was lost."""
        put = f"INSERT INTO {table} VALUES ($1) RETURNING id".encode()
        written = []

        def puts(number):
            def act(opened):
                try:
                    return opened.first_row(put, [number], is_writing=True)
                finally:
                    written.append(turns.current().has_written)

            return act

        told = play(*map(puts, range(3)), url=cut.url, most=1)

        assert [type(each) for each in told] == [psycopg.OperationalError] * 3
        assert written == [True] * 3  # so no thread begins one of them anew
        with psycopg.connect(settings.current().database_owner_url) as owner:
            found = owner.execute(f"SELECT id FROM {table} ORDER BY id").fetchall()
        assert found == [(0,), (1,), (2,)]

    @pytest.mark.parametrize("word", GARBLED.values(), ids=GARBLED)
    def test_a_server_that_says_what_nobody_asked_is_let_go(self, word, tmp_path_factory):
        """Or what stands before it; else the loop would read on for ever, or nobody be told."""
        ask = Clause("it", "SELECT 1 AS it", "", returns={"it": int})

        with closing(Garbled(tmp_path_factory.mktemp("cut"), word)) as garbled:
            told = play(*[lambda _opened: look(ask)] * 3, url=garbled.url, most=1)
            after = play(lambda _opened: look(ask), url=garbled.url)

        assert [type(each) for each in told] == [psycopg.OperationalError] * 3
        assert after == [{"it.it": 1}]
