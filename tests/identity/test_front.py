"""The front alone: whom it cuts when too many send at once, and what a thread survives."""

import asyncio
import io
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from identity import doors, front, waiting
from identity.edge import REFUSED, STREAMED
from identity.front import Front


class Headers(dict):
    """As granian tells them."""


class Connection:
    """A client; its body comes when the event is set, or never."""

    def __init__(self, body: bytes = b"") -> None:
        self.body, self.is_here = body, asyncio.Event()
        self.status: int | None = None
        self.content, self.headers = b"", []

    async def __call__(self) -> bytes:
        await self.is_here.wait()
        return self.body

    def response_bytes(self, status: int, headers: list, content: bytes) -> None:
        self.status, self.headers, self.content = int(status), headers, content

    def response_empty(self, status: int, headers: list) -> None:
        self.response_bytes(status, headers, b"")


def scope(**headers: str) -> SimpleNamespace:
    told = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return SimpleNamespace(
        headers=told,
        method="POST",
        path="/hộ-tịch",
        query_string="a=1",
        authority=None,
        client="[::1]:4711",
        server="127.0.0.1:8000",
    )


def echo(environ: dict, start_response: Callable) -> list[bytes]:
    refusal = environ[REFUSED]
    if refusal is not None:
        return refusal.send(start_response)
    start_response("200 OK", [])
    return [environ["wsgi.input"].read(), environ["REMOTE_ADDR"].encode()]


def play(play: Callable[[Front], Awaitable[None]], behind: Callable = echo, **more: float) -> None:
    made = Front(behind, **{"threads": 2, "body_seconds": 5} | more)

    async def run() -> None:
        made.__rsgi_init__(asyncio.get_running_loop())
        await asyncio.wait_for(play(made), 10)

    # In a thread of its own: a browser test before us leaves its event loop in this one.
    with ThreadPoolExecutor(1) as own:
        own.submit(lambda: asyncio.run(run())).result()


def test_of_too_many_bodies_the_eldest_is_cut_and_the_newest_is_answered(monkeypatch):
    monkeypatch.setattr(front, "READING", 3)

    async def crowd(made: Front) -> None:
        slow = [Connection() for _ in range(4)]
        tasks = []
        for one in slow:
            tasks.append(asyncio.create_task(made.__rsgi__(scope(content_length="9"), one)))
            await asyncio.sleep(0)
        await tasks[0]
        assert [one.status for one in slow] == [408, None, None, None]
        quick = Connection(b"whole")
        quick.is_here.set()
        await made.__rsgi__(scope(content_length="5"), quick)
        assert (quick.status, quick.content) == (200, b"whole::1")
        assert len(made._reading) <= 3
        slow[3].is_here.set()
        await tasks[3]
        assert slow[3].status == 200
        for task in tasks:
            task.cancel()

    play(crowd)


def test_requests_beyond_those_that_may_wait_are_told_when_to_come_again(monkeypatch):
    monkeypatch.setattr(front, "WAITING", 0)

    async def one_too_many(made: Front) -> None:
        client = Connection()
        await made.__rsgi__(scope(), client)
        assert client.status == 503
        assert ("Retry-After", "5") in client.headers

    play(one_too_many)


def test_a_thread_survives_what_it_answers(capfd: pytest.CaptureFixture[str]):
    def broken(*_told: object) -> list[bytes]:
        raise ValueError("secret")

    async def thrice(made: Front) -> None:
        for _ in range(3):
            client = Connection()
            await made.__rsgi__(scope(), client)
            assert client.status == 500

    play(thrice, broken, threads=1)

    assert "secret" not in capfd.readouterr().err


def test_an_answer_is_closed_when_it_was_read():
    class Answer(io.BytesIO):
        pass

    answer = Answer(b"one\ntwo\n")

    def behind(_environ: dict, start_response: Callable) -> Answer:
        start_response("200 OK", [("X-Told", "1")])
        return answer

    async def ask(made: Front) -> None:
        client = Connection()
        await made.__rsgi__(scope(), client)
        assert (client.content, client.headers) == (b"one\ntwo\n", [("X-Told", "1")])

    play(ask, behind)

    assert answer.closed


def test_a_request_is_told_as_wsgi_tells_it():
    """PEP 3333: bytes as latin-1; cookies by semicolons (RFC 9113 §8.2.3), others by commas."""
    told = Headers()
    told.items = lambda: [
        ("host", "localhost:8000"),
        ("content-type", "text/plain"),
        ("content-type", "text/html"),
        ("cookie", "a=1"),
        ("cookie", "b=2"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x_forwarded_for", "192.0.2.9"),
        ("x-forwarded-for", "192.0.2.2"),
    ]

    environ = front._environ(front.Job(scope(), told, front.Body(), None, None))

    assert environ["PATH_INFO"].encode("latin-1").decode() == "/hộ-tịch"
    assert environ["HTTP_COOKIE"] == "a=1;b=2"
    assert environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.1,192.0.2.2"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert environ["REMOTE_ADDR"] == "::1"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("127.0.0.1", "8000")
    assert "" not in environ
    assert "PATH" not in environ


class Stream(Connection):
    """A client that takes a long answer piece by piece, and may stop taking it."""

    def __init__(self, *, takes: int = 99) -> None:
        super().__init__()
        self.pieces, self.takes = [], takes

    def response_stream(self, status: int, headers: list) -> "Stream":
        self.response_bytes(status, headers, b"")
        return self

    async def send_bytes(self, piece: bytes) -> None:
        if len(self.pieces) >= self.takes:
            raise ConnectionError
        self.pieces.append(piece)


def test_a_long_answer_is_made_as_it_is_taken_and_survives_who_leaves():
    made: list[int] = []

    def long(environ: dict, start_response: Callable):
        environ[STREAMED] = True
        start_response("200 OK", [("Content-Length", "6")])
        return (made.append(n) or b"ab" for n in range(3))

    async def take(front: Front) -> None:
        whole, leaving, after = Stream(), Stream(takes=1), Stream()
        for one in (whole, leaving, after):
            await asyncio.wait_for(front.__rsgi__(scope(), one), 5)
        assert (whole.status, whole.pieces) == (200, [b"ab"] * 3)
        assert leaving.pieces == [b"ab"]
        assert after.pieces == whole.pieces
        assert made == [0, 1, 2, 0, 1, 0, 1, 2]

    play(take, long, threads=1)


def _named(_environ: dict, start_response: Callable) -> list[bytes]:
    start_response("200 OK", [])
    return [threading.current_thread().name.encode()]


def _that_waits(environ: dict, start_response: Callable) -> list[bytes]:
    waiting.require()
    return _named(environ, start_response)


@pytest.mark.parametrize(
    ("behind", "brief", "is_by_a_thread"),
    [
        (_named, doors.always, False),
        (_named, doors.never, True),
        (_that_waits, doors.always, True),
        (_that_waits, doors.never, True),
    ],
)
def test_what_is_brief_takes_no_thread_unless_it_has_to_wait(behind, brief, is_by_a_thread):
    async def ask(made: Front) -> None:
        one = Connection()
        await asyncio.wait_for(made.__rsgi__(scope(), one), 5)
        assert one.status == 200
        assert one.content.startswith(b"answer-") is is_by_a_thread

    play(ask, behind=behind, brief=lambda _method, _path: brief)


def test_what_breaks_while_it_is_answered_at_once_is_an_accident_like_any_other():
    def breaks(_environ: dict, _start: Callable) -> list[bytes]:
        raise ZeroDivisionError

    async def ask(made: Front) -> None:
        one = Connection()
        await asyncio.wait_for(made.__rsgi__(scope(), one), 5)
        assert one.status == 500

    play(ask, behind=breaks, brief=lambda _method, _path: doors.always)
