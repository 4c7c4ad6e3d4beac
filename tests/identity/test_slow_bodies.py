"""Case 62: a body that never ends holds nobody up, and is ended; one web process, real sockets."""

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.serving import Serving

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

FORM = "application/x-www-form-urlencoded"
BODY = b"grant_type=client_credentials"
SECONDS = 3  # the deadline, for tests
MANY = 1_000


@pytest.fixture(scope="module")
def served(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    home = tmp_path_factory.mktemp("slow") / "home"
    environ = {"MOTLAN_PROCESSES": "1", "MOTLAN_BODY_SECONDS": str(SECONDS)}
    serving = Serving(databases, databases.copy(), home, **environ)
    yield serving.start()
    serving.clear()


def head(served: Serving, *lines: str, ask: str = "POST /token") -> bytes:
    usual = [f"{ask} HTTP/1.1", f"Host: localhost:{served.port}", f"Content-Type: {FORM}"]
    return "\r\n".join([*usual, *lines, "", ""]).encode()


def connected(served: Serving, said: bytes) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", served.port), timeout=30)
    link.sendall(said)
    return link


def heard(link: socket.socket) -> bytes:
    """Everything that comes until the other side ends it."""
    said = b""
    while piece := link.recv(65_536):
        said += piece
    return said


def answer(link: socket.socket) -> tuple[int, bytes]:
    got = http.client.HTTPResponse(link)
    got.begin()
    return got.status, got.read()


def ask(served: Serving) -> float:
    """How long somebody else waits who sends a body."""
    began = time.perf_counter()
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)) as other:
        other.request("POST", "/token", BODY, {"Host": served.issuer[7:], "Content-Type": FORM})
        assert other.getresponse().status == 401
    return time.perf_counter() - began


def memory(served: Serving) -> int:
    """Of the web process, in MB."""
    (pid,) = served.web_processes()
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


class TestAttacker:
    def test_a_thousand_unfinished_requests_hold_nobody_up_and_are_ended(self, served):
        """Of each kind a part: a body with a length, one in pieces, headers that go on."""
        unfinished = [
            head(served, "Content-Length: 60000") + b"x" * 30_000,
            head(served, "Transfer-Encoding: chunked", ask="POST /sign-in") + b"5\r\ngrant\r\n",
            head(served, "X-Slow: a").removesuffix(b"\r\n\r\n"),
        ]
        before = memory(served)
        with ExitStack() as stack:
            links = [
                stack.enter_context(connected(served, unfinished[number % 3]))
                for number in range(MANY)
            ]
            ask(served)  # all of them have arrived
            waits = [ask(served) for _ in range(20)]
            statuses = [served.status("/jwks") for _ in range(20)]
            grown = memory(served) - before
            bodies = [heard(link) for number, link in enumerate(links) if number % 3 != 2]

        assert max(waits) < SECONDS - 1
        assert statuses == [200] * 20
        assert {body[:12] for body in bodies} == {b"HTTP/1.1 408"}
        assert all(b"\r\nConnection: close\r\n" in body for body in bodies)
        assert grown < 150

    def test_a_byte_now_and_then_does_not_move_the_deadline(self, served):
        began = time.monotonic()
        with connected(served, head(served, "Content-Length: 2000")) as link:
            link.settimeout(0.5)
            said = b""
            while not said and time.monotonic() - began < 3 * SECONDS:
                link.sendall(b"x")
                try:
                    said = link.recv(65_536)
                except TimeoutError:
                    continue

        assert said.startswith(b"HTTP/1.1 408 ")
        assert SECONDS - 0.5 < time.monotonic() - began < 2 * SECONDS + 2

    def test_a_length_too_great_is_refused_unread_and_without_waiting(self, served):
        began = time.monotonic()
        with connected(served, head(served, "Content-Length: 99999999")) as link:
            status, _ = answer(link)

        assert status == 413
        assert time.monotonic() - began < SECONDS - 0.5

    def test_pieces_that_grow_too_long_are_refused_before_they_end(self, served):
        piece = b"%x\r\n%s\r\n" % (40_000, b"x" * 40_000)
        with connected(served, head(served, "Transfer-Encoding: chunked") + piece * 2) as link:
            assert answer(link)[0] == 413

    def test_a_body_cut_in_pieces_is_not_taken_for_a_whole_one(self, served):
        with connected(
            served, head(served, "Transfer-Encoding: chunked") + b"3\r\na=1\r\n"
        ) as link:
            link.shutdown(socket.SHUT_WR)

            assert heard(link)[:12] in {b"HTTP/1.1 400", b""}

        assert served.status() == 200


def test_an_honest_slow_sender_loses_nothing(served: Serving):
    """A phone on a bad line: the form arrives in parts, within the deadline."""
    with connected(served, head(served, f"Content-Length: {len(BODY)}")) as link:
        for byte in BODY:
            link.sendall(bytes([byte]))
            time.sleep(0.05)
        status, said = answer(link)

    assert (status, b"invalid_client" in said) == (401, True)


def test_who_asks_first_is_told_to_go_on_only_where_the_body_is_wanted(served: Serving):
    """RFC 9110 §10.1.1."""
    expect = "Expect: 100-continue"
    with connected(served, head(served, expect, f"Content-Length: {len(BODY)}")) as link:
        assert link.recv(1_000).startswith(b"HTTP/1.1 100 ")
        link.sendall(BODY)
        assert answer(link)[0] == 401
    with connected(served, head(served, expect, "Content-Length: 99999999")) as link:
        assert link.recv(1_000).startswith(b"HTTP/1.1 413 ")


def test_one_connection_carries_many_requests_with_and_without_bodies(served: Serving):
    whole = head(served, f"Content-Length: {len(BODY)}") + BODY
    pieces = head(served, "Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (
        len(BODY),
        BODY,
    )
    with connected(served, head(served, ask="HEAD /jwks")) as link:
        got = http.client.HTTPResponse(link, method="HEAD")
        got.begin()
        assert (got.status, int(got.headers["Content-Length"]) > 100, got.read()) == (
            200,
            True,
            b"",
        )
        for said, status in [(whole, 401), (head(served, ask="GET /healthz"), 200), (pieces, 401)]:
            link.sendall(said)
            assert answer(link)[0] == status


def test_a_client_that_leaves_before_its_answer_troubles_nobody(served: Serving):
    for _ in range(50):
        connected(served, head(served, f"Content-Length: {len(BODY)}") + BODY).close()
        connected(served, head(served, "Content-Length: 900") + BODY).close()

    assert ask(served) < 1
    assert '"unexpected"' not in served.said()
    assert "Traceback" not in served.said()
