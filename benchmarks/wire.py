"""A load generator: closed loop, keep-alive, one thread; each connection plays a journey."""

import re
import select
import socket
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

FORM = "application/x-www-form-urlencoded"


class Ask(NamedTuple):
    """A request as a journey says it; the host is the connection's."""

    method: str
    path: str
    body: str = ""
    kind: str = FORM
    headers: tuple[tuple[str, str], ...] = ()


class Answer(NamedTuple):
    """What came back."""

    status: int
    head: str  # the status line, then the headers
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name, null when there is none."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        """Every header of that name."""
        start, found = f"\r\n{name.lower()}:", []
        if start not in (low := self.head.lower()):
            return []
        at = low.find(start)
        while at >= 0:
            begun = at + len(start)
            end = low.find("\r\n", begun)
            found.append(self.head[begun : end if end >= 0 else None].strip())
            at = low.find(start, begun)
        return found


class Wrong(Exception):
    """An answer that no benchmark may count as work done."""


# Null: ready, or one operation more is done.
Journey = Generator[Ask | None, Answer, None]


@dataclass
class Measured:
    """What one run has shown."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    processor_seconds: float = 0.0  # of whoever answered

    @property
    def rate(self) -> float:
        """Operations a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0


class _Line:
    """One connection and its journey."""

    def __init__(self, port: int, journey: Journey) -> None:
        self.host = f"localhost:{port}"
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.journey = journey
        self.received = b""
        self.begun = 0.0

    def send(self, ask: Ask) -> None:
        self.socket.sendall(encoded(ask, self.host))

    def receive(self) -> Answer | None:
        """The whole answer, or null when more must come."""
        more = self.socket.recv(65536)
        if not more:
            raise Wrong("the connection was closed")
        self.received += more
        answer = _parsed(self.received)
        if answer is not None:
            self.received = b""
        return answer


@lru_cache(maxsize=256)
def encoded(ask: Ask, host: str) -> bytes:
    """A request of HTTP/1.1."""
    lines = [f"{ask.method} {ask.path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {text}" for name, text in ask.headers]
    body = ask.body.encode()
    if body:
        lines += [f"Content-Type: {ask.kind}", f"Content-Length: {len(body)}"]
    elif ask.method == "POST":
        lines.append("Content-Length: 0")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _parsed(received: bytes) -> Answer | None:
    raw, found, body = received.partition(b"\r\n\r\n")
    if not found:
        return None
    head = raw.decode("latin-1")
    answer = Answer(int(head[9:12]), head, body)
    if (length := _LENGTH.search(raw)) is not None:
        return answer if len(body) >= int(length[1]) else None
    if not body.endswith(b"0\r\n\r\n"):  # chunked; none of our texts ends like that by itself
        return None
    return answer._replace(body=_joined(body))


_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")


def _joined(chunked: bytes) -> bytes:
    whole = b""
    while chunked:
        size, _, rest = chunked.partition(b"\r\n")
        length = int(size, 16)
        whole, chunked = whole + rest[:length], rest[length + 2 :]
    return whole


class Run:
    """Journeys side by side: all get ready first, then all are measured."""

    def __init__(
        self, port: int, journeys: Iterable[Journey], *, meter: Callable[[], float] = float
    ) -> None:
        self._meter = meter  # the processor time of whoever answers, so far
        self._lines = [_Line(port, journey) for journey in journeys]
        self._measured = Measured()
        self._deadline: float | None = None  # null: still getting ready

    def measure(self, seconds: float) -> Measured:
        """Prepare, then count operations until the time is over or every journey has ended."""
        ready = self._play(self._lines)
        spent, started = self._meter(), time.perf_counter()
        self._deadline = started + seconds
        for line in ready:
            line.begun = started
        self._play(ready)
        self._measured.seconds = time.perf_counter() - started
        self._measured.processor_seconds = self._meter() - spent
        for line in self._lines:
            line.socket.close()
        return self._measured

    def _play(self, lines: Sequence[_Line]) -> list[_Line]:
        """Those that stand at a mark when nothing is under way any more."""
        waiting: list[_Line] = []
        known = {line.socket.fileno(): line for line in lines}
        with select.epoll() as ready:
            for number in known:
                ready.register(number, select.EPOLLIN)
            underway = sum(self._go_on(line, None, waiting=waiting) for line in lines)
            while underway:
                for number, _ in ready.poll():
                    underway += self._hear(known[number], waiting)
        return waiting

    def _hear(self, line: _Line, waiting: list[_Line]) -> int:
        try:
            answer = line.receive()
        except (OSError, Wrong) as fault:
            self._measured.errors.append(str(fault))
            return -1
        return 0 if answer is None else self._go_on(line, answer, waiting=waiting) - 1

    def _go_on(self, line: _Line, answer: Answer | None, *, waiting: list[_Line]) -> int:
        """1 if the journey asks on, 0 if it stands."""
        try:
            ask = line.journey.send(answer)  # type: ignore[arg-type] # null starts a generator
            while ask is None:
                if self._is_enough(line):
                    waiting.append(line)
                    return 0
                ask = next(line.journey)
        except StopIteration:
            return 0
        except Wrong as fault:
            self._measured.errors.append(str(fault))
            return 0
        line.send(ask)
        return 1

    def _is_enough(self, line: _Line) -> bool:
        """At a mark: ready, or another operation is done and perhaps was the last."""
        now = time.perf_counter()
        if self._deadline is None:
            return True
        self._measured.latencies.append(now - line.begun)
        line.begun = now
        return now >= self._deadline
