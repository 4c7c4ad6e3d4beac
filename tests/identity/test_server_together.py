"""Answers made in one turn of the loop leave together behind it, in the order of the requests."""

import asyncio
from collections.abc import Callable

import pytest

from identity.server import answers, serving
from identity.server.connection import Connection
from identity.server.requests import Request
from identity.server.serving import Serving
from tests.turns import on_a_loop

pytestmark = [pytest.mark.sqlite]

ASKED = b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
EXPECTING = (
    b"POST /%d HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
)


class Wire:
    """A transport that writes down what leaves."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_ended = False

    def get_extra_info(self, _name: str) -> None:
        """It leads nowhere."""

    def is_closing(self) -> bool:
        return False

    def write(self, content: bytes) -> None:
        assert not self.is_ended
        self.sent.append(content)

    def write_eof(self) -> None:
        self.is_ended = True

    def close(self) -> None:
        self.is_ended = True


def echo(request: Request, connection: Connection) -> None:
    path = request.environ["PATH_INFO"].encode()
    connection.answered(answers.of(200, (), content=b"<" + path + b">"))


def played(part: Callable[[Serving], Callable[[], None]]) -> None:
    """What is said, then what is to be seen when the loop has had its turn."""

    async def play() -> None:
        server = Serving(asyncio.get_running_loop(), echo, body_seconds=5)
        look = part(server)
        await asyncio.sleep(0)
        look()

    on_a_loop(play)


def connected(server: Serving) -> tuple[Connection, Wire]:
    made, wire = Connection(server), Wire()
    made.connection_made(wire)
    return made, wire


def paths(content: bytes) -> list[bytes]:
    """The paths that were answered."""
    return [part.partition(b">")[0] for part in content.split(b"<")[1:]]


def test_nothing_leaves_before_everybody_of_the_turn_was_answered():
    def part(server: Serving) -> Callable[[], None]:
        pairs = [connected(server) for _ in range(3)]
        for number, (made, _) in enumerate(pairs):
            made.data_received(ASKED % number)
        assert [wire.sent for _, wire in pairs] == [[], [], []]
        return lambda: _each_heard(pairs)

    def _each_heard(pairs: list[tuple[Connection, Wire]]) -> None:
        assert [[paths(one) for one in wire.sent] for _, wire in pairs] == [
            [[b"/0"]],
            [[b"/1"]],
            [[b"/2"]],
        ]

    played(part)


def test_nobody_waits_for_more_than_a_few_others():
    def part(server: Serving) -> Callable[[], None]:
        pairs = [connected(server) for _ in range(serving.TOGETHER + 1)]
        for made, _ in pairs:
            made.data_received(ASKED % 0)
        assert [len(wire.sent) for _, wire in pairs] == [1] * serving.TOGETHER + [0]
        return lambda: _all_heard(pairs)

    def _all_heard(pairs: list[tuple[Connection, Wire]]) -> None:
        assert {len(wire.sent) for _, wire in pairs} == {1}

    played(part)


def test_what_was_asked_at_once_is_answered_in_one_piece():
    def part(server: Serving) -> Callable[[], None]:
        made, wire = connected(server)
        made.data_received(b"".join(ASKED % number for number in range(4)))
        return lambda: _heard(wire)

    def _heard(wire: Wire) -> None:
        assert [paths(one) for one in wire.sent] == [[b"/0", b"/1", b"/2", b"/3"]]

    played(part)


def test_who_is_told_to_go_on_was_answered_before():
    def part(server: Serving) -> Callable[[], None]:
        made, wire = connected(server)
        made.data_received(ASKED % 1)
        made.data_received(EXPECTING % 2)
        return lambda: _heard(made, wire)

    def _heard(made: Connection, wire: Wire) -> None:
        said = b"".join(wire.sent)
        assert said.index(b"</1>") < said.index(b"100 Continue")
        made.data_received(b"body")
        made.flush()
        assert paths(b"".join(wire.sent)) == [b"/1", b"/2"]

    played(part)


def test_who_is_told_to_go_on_hears_the_answers_before_that_first():
    """RFC 9112 §9.3.2; also where they were sent at once and the first is answered later."""
    waiting: list[Connection] = []

    def later(_request: Request, connection: Connection) -> None:
        waiting.append(connection)

    async def play() -> list[bytes]:
        made, wire = connected(Serving(asyncio.get_running_loop(), later, body_seconds=5))
        made.data_received(ASKED % 1 + EXPECTING % 2)
        made.flush()
        assert wire.sent == []
        waiting.pop().answered(answers.of(200, (), content=b"first"))
        made.flush()
        return wire.sent

    said = b"".join(on_a_loop(play))
    assert said.index(b"first") < said.index(b"100 Continue")


def test_a_body_that_nobody_waits_for_any_more_counts_as_none_that_is_read():
    """Or such would take the places of those that are, until their connections are closed."""
    older = b"GET /1 HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n"

    async def play() -> list[object]:
        server = Serving(asyncio.get_running_loop(), echo, body_seconds=5)
        made, wire = connected(server)
        made.data_received(older + (EXPECTING % 2) + b"bo")
        assert wire.is_ended
        return list(server._reading)

    assert on_a_loop(play) == []


def test_who_has_ended_takes_nothing_from_those_who_leave_with_it():
    """Whatever is said of it then: its transport would raise, and they would wait for ever."""

    def part(server: Serving) -> Callable[[], None]:
        (ended, gone), (other, wire) = connected(server), connected(server)
        ended.data_received(LAST)
        ended.begin(answers.of(200, ()))
        other.data_received(ASKED % 1)
        return lambda: _heard(gone, wire)

    def _heard(gone: Wire, wire: Wire) -> None:
        assert [paths(one) for one in (*gone.sent, *wire.sent)] == [[b"/last"], [b"/1"]]

    played(part)


@pytest.mark.parametrize("asked", [LAST, ASKED % 1], ids=["by the client", "by us"])
def test_the_last_answer_leaves_before_the_connection_is_ended(asked: bytes):

    def part(server: Serving) -> Callable[[], None]:
        made, wire = connected(server)
        made.data_received(asked)
        made.stop()
        assert wire.is_ended
        assert len(wire.sent) == 1
        return lambda: None

    played(part)


class Narrow(Wire):
    """A transport whose client takes one answer at a time, when the test says so."""

    takes: Connection

    def write(self, content: bytes) -> None:
        super().write(content)
        self.takes.pause_writing()

    def pause_reading(self) -> None:
        """Nothing comes."""

    def resume_reading(self) -> None:
        """It may come again."""


def long_echo(request: Request, connection: Connection) -> None:
    path = request.environ["PATH_INFO"].encode()
    content = b"<" + path + b">" + b" " * 100_000
    connection.answered(answers.of(200, (), content=content))


class TestAttacker:
    @pytest.mark.parametrize("has_said_all", [False, True])
    def test_who_takes_nothing_is_not_answered_on_and_who_takes_it_late_misses_nothing(
        self, has_said_all
    ):
        """Long answers to many requests sent at once would all wait in memory."""
        asked, wire = 5, Narrow()

        async def play() -> None:
            server = Serving(asyncio.get_running_loop(), long_echo, body_seconds=5)
            wire.takes = made = Connection(server)
            made.connection_made(wire)
            made.data_received(b"".join(ASKED % number for number in range(asked)))
            assert not has_said_all or made.eof_received()
            for number in range(asked):
                await asyncio.sleep(0)
                assert len(wire.sent) == number + 1
                made.resume_writing()

        on_a_loop(play)

        assert [paths(one) for one in wire.sent] == [[b"/%d" % n] for n in range(asked)]
        assert wire.is_ended is has_said_all
        assert (b"\r\nConnection: close\r\n" in wire.sent[-1]) is has_said_all
