"""One web process's server over real connections: whom it cuts, and what its threads survive."""

import asyncio
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from email.message import Message
from http.client import HTTPConnection
from typing import NamedTuple

import pytest

from identity import waiting
from identity.edge import REFUSED, STREAMED
from identity.server import answering, connection, requests, serving
from identity.server.answering import Answering
from identity.server.serving import Serving

HOST = b"Host: localhost\r\n"


class Behind:
    """An application, as the edge would stand before it."""

    def __init__(self, application: Callable) -> None:
        self._application = application

    def answer(self, _environ: dict) -> None:
        """There are no doors here."""

    def __call__(self, environ: dict, start_response: Callable):
        refusal = environ[REFUSED]
        if refusal is not None:
            return refusal.send(start_response)
        return self._application(environ, start_response)


def echo(environ: dict, start_response: Callable) -> list[bytes]:
    start_response("200 OK", [])
    return [environ["wsgi.input"].read(), b"<", environ["PATH_INFO"].encode("latin-1")]


@contextmanager
def server(application: Callable = echo, **more) -> Iterator[int]:
    """It serves on this port until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    told = {"threads": 2, "is_for_loop": lambda _request: False, "body_seconds": 5} | more
    begun, ends = threading.Event(), []

    async def run() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        body_seconds = told.pop("body_seconds")
        answers = Answering(Behind(application), loop=loop, **told)
        made = Serving(loop, answers.answer, body_seconds=body_seconds)
        answers.start()
        made.listen(listener)
        ends.append(lambda: loop.call_soon_threadsafe(stop.set))
        begun.set()
        await stop.wait()
        await made.stop()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    begun.wait(5)
    try:
        yield listener.getsockname()[1]
    finally:
        ends[0]()
        thread.join(10)
        listener.close()
        assert not thread.is_alive()


def connected(port: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port))
    made.settimeout(5)
    return made


class Told(NamedTuple):
    status: int
    headers: Message
    body: bytes


def ask(port: int, path: str = "/", method: str = "GET", **more) -> Told:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as client:
        client.request(method, path, **more)
        answer = client.getresponse()
        return Told(answer.status, answer.headers, answer.read())


def heard(client: socket.socket) -> bytes:
    """All until the other side ends."""
    told = b""
    while piece := client.recv(65536):
        told += piece
    return told


def half(length: int = 9) -> bytes:
    return b"POST /half HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % length


def test_of_too_many_bodies_the_eldest_is_cut_and_the_newest_is_answered(monkeypatch):
    monkeypatch.setattr(serving, "READING", 3)
    with server() as port:
        slow = [connected(port) for _ in range(4)]
        for one in slow:
            one.sendall(half())
            assert ask(port).status == 200  # by now the bytes before were read
        assert heard(slow[0]).startswith(b"HTTP/1.1 408 ")
        assert ask(port, method="POST", body=b"whole").body == b"whole</"
        slow[3].sendall(b"it came so")
        assert slow[3].recv(4096).startswith(b"HTTP/1.1 200 ")
        for one in slow:
            one.close()


@pytest.mark.parametrize("begun", [b"POST / HTTP/1.1\r\nHo", half() + b"half"])
def test_what_does_not_come_in_time_is_told_so(begun: bytes, monkeypatch):
    monkeypatch.setattr("identity.server.connection.HEADER_SECONDS", 0.2)
    with server(body_seconds=0.2) as port, connected(port) as client:
        client.sendall(begun)
        told = heard(client)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nConnection: close\r\n" in told


def test_who_leaves_in_the_middle_is_answered_where_it_still_listens():
    with server() as port, connected(port) as client:
        client.sendall(half() + b"half")
        client.shutdown(socket.SHUT_WR)
        assert heard(client).startswith(b"HTTP/1.1 400 ")


def test_requests_beyond_those_that_may_wait_are_told_when_to_come_again(monkeypatch):
    monkeypatch.setattr(answering, "WAITING", 0)
    with server() as port:
        answer = ask(port)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


def test_a_thread_survives_what_it_answers(capfd: pytest.CaptureFixture[str]):
    def broken(*_told: object) -> list[bytes]:
        raise ValueError("secret")

    with server(broken, threads=1) as port:
        assert [ask(port).status for _ in range(3)] == [500] * 3
    assert "secret" not in capfd.readouterr().err


@pytest.mark.parametrize("name", ["X-Told\r\nSet-Cookie", "X\x00"])
def test_a_header_that_would_be_two_is_an_accident(name: str):
    def two(_environ: dict, start_response: Callable) -> list[bytes]:
        start_response("200 OK", [(name, "1")])
        return [b"told"]

    with server(two) as port:
        answer = ask(port)
        assert (answer.status, answer.body) == (500, b"")


def test_an_answer_is_closed_when_it_was_read():
    class Answer(io.BytesIO):
        pass

    answer = Answer(b"one\ntwo\n")

    def behind(_environ: dict, start_response: Callable) -> Answer:
        start_response("200 OK", [("X-Told", "1"), ("Connection", "close"), ("Date", "never")])
        return answer

    with server(behind) as port:
        told = ask(port)
        assert (told.body, told.headers["X-Told"]) == (b"one\ntwo\n", "1")
        assert told.headers["Content-Length"] == "8"
        assert told.headers["Connection"] is None
        assert told.headers.get_all("Date") != ["never"]
    assert answer.closed


def test_answers_leave_in_the_order_of_their_requests():
    """RFC 9112 §9.3.2; the first one takes longer than all others."""
    let = threading.Event()

    def late(environ: dict, start_response: Callable) -> list[bytes]:
        if environ["PATH_INFO"] == "/0":
            let.wait(5)
        return echo(environ, start_response)

    asked = b"".join(b"GET /%d HTTP/1.1\r\n%b\r\n" % (n, HOST) for n in range(5))
    with server(late) as port, connected(port) as client:
        client.sendall(asked)
        assert ask(port, "/other").status == 200
        let.set()
        client.sendall(b"GET /5 HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        told = heard(client)
    bodies = [part.rpartition(b"<")[2][:2] for part in told.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"/%d" % n for n in range(6)]


def test_nobody_is_held_more_requests_for_than_a_few():
    let = threading.Event()

    def late(environ: dict, start_response: Callable) -> list[bytes]:
        let.wait(5)
        return echo(environ, start_response)

    with server(late) as port, connected(port) as client:
        client.sendall((b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") * 100)
        let.set()
        told = heard(client)
    assert 1 <= told.count(b"HTTP/1.1 200 OK") <= 17  # the one in turn, and those that are held


def test_who_asks_faster_than_we_answer_waits_outside():
    """Nothing is kept in the process for it but what came with the first that had to wait."""
    let = threading.Event()

    def late(environ: dict, start_response: Callable) -> list[bytes]:
        let.wait(5)
        return echo(environ, start_response)

    whole = b"POST / HTTP/1.1\r\n%bContent-Length: 60000\r\n\r\n%b" % (HOST, b"x" * 60_000)
    with server(late) as port, connected(port) as client:
        client.settimeout(0.3)
        sent = 0
        with suppress(TimeoutError):
            for _ in range(1_000):
                sent += client.send(whole[sent % len(whole) :])
        let.set()
        client.settimeout(5)
        client.shutdown(socket.SHUT_WR)
        told = heard(client)
    assert len(whole) * 3 < sent < 20_000_000  # what systems take where nobody reads
    assert told.count(b"HTTP/1.1 200 OK") == sent // len(whole)


@pytest.mark.parametrize(
    ("told", "address"),
    [("::ffff:192.0.2.1", "192.0.2.1"), ("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::1")],
)
def test_an_address_is_the_same_through_a_socket_for_both_protocols(told: str, address: str):
    """Networks of MOTLAN_TRUSTED_PROXIES are compared with it."""
    assert connection._plain(told) == address


def test_a_request_is_told_as_wsgi_tells_it():
    """PEP 3333: bytes as latin-1; cookies by semicolons (RFC 6265 §4.2.1), others by commas."""
    environ = dict(requests.SAME_FOR_ALL)
    for name, value in (
        (b"host", b"localhost:8000"),
        (b"Content-type", b"text/plain"),
        (b"content-type", b"text/html"),
        (b"cookie", b"a=1"),
        (b"Cookie", b"b=2"),
        (b"X-Forwarded-For", b"192.0.2.1"),
        (b"x_forwarded_for", b"192.0.2.9"),
        (b"x-forwarded-for", b"192.0.2.2"),
    ):
        requests.add_header(environ, name, value=value)
    requests.add_line(environ, b"GET", target="/h%E1%BB%99-tịch?a=%20".encode())

    assert environ["PATH_INFO"].encode("latin-1").decode() == "/hộ-tịch"
    assert environ["QUERY_STRING"] == "a=%20"
    assert environ["HTTP_COOKIE"] == "a=1;b=2"
    assert environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.1,192.0.2.2"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert "" not in environ
    assert "PATH" not in environ


@pytest.mark.parametrize(
    ("target", "read", "host"),
    [
        (b"/a?b", b"/a?b", "y"),
        (b"*", b"*", "y"),
        (b"HTTP://x/a?b", b"/a?b", "x"),
        (b"https://x", b"/", "x"),
        (b"x:1", None, "y"),
        (b"ftp://x/a", None, "y"),
        (b"http:///a", None, "y"),
        (b"/a#b", None, "y"),
        (b"", None, "y"),
    ],
)
def test_a_target_is_a_path_or_an_address_with_one(target: bytes, read: bytes | None, host: str):
    """RFC 9112 §3.2.2: what an address says of the host counts."""
    environ = {"HTTP_HOST": "y"}

    assert requests.origin_form(environ, target) == read
    assert environ["HTTP_HOST"] == host


def test_a_long_answer_is_made_as_it_is_taken_and_stops_when_nobody_takes_it():
    made: list[int] = []
    big = b"ab" * 500_000

    def long(environ: dict, start_response: Callable):
        environ[STREAMED] = True
        start_response("200 OK", [("Content-Length", str(20 * len(big)))])
        return (made.append(n) or big for n in range(20))

    with server(long, threads=1) as port:
        with connected(port) as leaving:
            leaving.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
            leaving.recv(1024)
        assert ask(port).body == big * 20  # by the same thread, when the other one was left
    assert 1 <= len(made) - 20 < 20


def test_a_long_answer_that_breaks_is_shorter_than_it_said():
    def breaks(environ: dict, start_response: Callable):
        environ[STREAMED] = True
        start_response("200 OK", [("Content-Length", "4")])
        return (b"ab" if n else 1 / 0 for n in (1, 0))

    with server(breaks) as port, connected(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert heard(client).endswith(b"\r\n\r\nab")


def _named(_environ: dict, start_response: Callable) -> list[bytes]:
    start_response("200 OK", [])
    return [threading.current_thread().name.encode()]


def _that_waits(environ: dict, start_response: Callable) -> list[bytes]:
    waiting.require()
    return _named(environ, start_response)


@pytest.mark.parametrize("is_tried", [True, False])
@pytest.mark.parametrize("behind", [_named, _that_waits])
def test_what_the_loop_may_try_takes_no_thread_unless_it_has_to_wait(behind, is_tried):
    with server(behind, is_for_loop=lambda _request: is_tried) as port:
        told = ask(port).body
    assert told.startswith(b"answer-") is (behind is _that_waits or not is_tried)


def test_what_breaks_while_the_loop_answers_is_an_accident_like_any_other():
    def breaks(_environ: dict, _start: Callable) -> list[bytes]:
        raise ZeroDivisionError

    with server(breaks, is_for_loop=lambda _request: True) as port:
        assert [ask(port).status for _ in range(2)] == [500, 500]


def test_who_stops_finishes_what_is_on_its_way():
    asked, let = threading.Event(), threading.Event()
    told: list[bytes] = []

    def late(environ: dict, start_response: Callable) -> list[bytes]:
        asked.set()
        let.wait(5)
        return echo(environ, start_response)

    def play(port: int) -> None:
        told.append(ask(port, "/late").body)

    with server(late) as port:
        idle = connected(port)
        client = threading.Thread(target=play, args=(port,))
        client.start()
        asked.wait(5)
        threading.Timer(0.1, let.set).start()
    client.join(5)
    assert told == [b"</late"]
    assert heard(idle) == b""
    idle.close()
