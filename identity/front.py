"""In front of WSGI: a body is here whole, by its deadline, before a thread is taken (RSGI 1.6).

Threads answer and never wait for a client: the event loop does, for thousands at a time.
"""

import asyncio
import io
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from queue import SimpleQueue
from typing import Any, NamedTuple, Protocol

from granian.rsgi import (  # type: ignore[attr-defined] # renamed there, documented so
    ProtocolClosed,
    ProtocolError,
)

from identity import doors, meters, waiting
from identity.doors import Brief
from identity.edge import LENGTH, PLAIN, REFUSED, STREAMED
from identity.messages import Response
from identity.waiting import MustWait

# Bodies being read at one time. A further one cuts the one that has been on its way for longest:
# whoever is honest is done in moments, so newcomers must not pay for those who never finish.
READING = 1_024
# Whole requests that wait for a thread.
WAITING = 1_024
SETTLE_SECONDS = 0.5
# A client that does not take the next piece of a long answer for so long gets no more of it.
PIECE_SECONDS = 30

_CLOSE = (*PLAIN, ("Connection", "close"))
LATE = Response(HTTPStatus.REQUEST_TIMEOUT, b"the body did not come in time\n", _CLOSE)
CUT = Response(HTTPStatus.BAD_REQUEST, b"the body ended before its length\n", _CLOSE)
BUSY = Response(
    HTTPStatus.SERVICE_UNAVAILABLE,
    b"too many requests wait here; try again\n",
    (*PLAIN, ("Retry-After", "5")),
)
_SAME_FOR_ALL: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",  # the edge knows better
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}
_WITHOUT_PREFIX = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_NOBODY = ""  # where headers go that nobody may read


class Headers(Protocol):
    """What granian tells of a request's headers."""

    def get(self, name: str) -> str | None:
        """The first of that name."""

    def items(self) -> list[tuple[str, str]]:
        """All of them, also those of one name."""


class Scope(Protocol):
    """What granian tells of a request."""

    headers: Headers
    method: str
    path: str
    query_string: str
    authority: str | None
    client: str
    server: str


class Body(NamedTuple):
    """What came of a body."""

    content: bytes = b""
    refusal: Response | None = None  # null: answer the request


class Job(NamedTuple):
    """A request that a thread can answer without waiting for anybody outside."""

    scope: Scope
    headers: Headers
    body: Body
    connection: Any  # granian's protocol object; any thread may answer on it
    answered: "asyncio.Future[None] | None"  # null: the event loop itself answers


class Front:
    """An RSGI application around a WSGI application."""

    def __init__(
        self,
        behind: Callable[..., Iterable[bytes]],
        *,
        threads: int,
        body_seconds: float,
        brief: Callable[[str, str], Brief] = lambda _method, _path: doors.never,
    ) -> None:
        self._behind = behind
        self._brief = brief
        self._threads = threads
        self._body_seconds = body_seconds
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._answered: deque[asyncio.Future[None]] = deque()
        self._reading: dict[asyncio.Timeout, None] = {}  # the eldest first

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """The threads run; granian calls this once, in the web process."""
        for number in range(self._threads):
            threading.Thread(target=self._work, name=f"answer-{number}", daemon=True).start()
        self._settle_later(loop)

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Granian has stopped serving."""
        self._settle()

    async def __rsgi__(self, scope: Scope, connection: Any) -> None:  # noqa: ANN401 - granian's
        """Wait for the body here, then let a thread answer; or answer, if that waits for nobody."""
        self._settle()
        headers = scope.headers
        body = await self._body(headers, connection)
        is_brief = self._brief(scope.method, scope.path)
        if body.refusal is None and is_brief(body.content, {"HTTP_DPOP": headers.get("dpop")}):
            job = Job(scope, headers, body, connection, None)
            if self._answered_at_once(job):
                return
        if self._jobs.qsize() >= WAITING:
            meters.TURNED_AWAY.inc()
            connection.response_bytes(BUSY.status, list(BUSY.headers), BUSY.body)
            return
        answered = asyncio.get_running_loop().create_future()
        self._jobs.put(Job(scope, headers, body, connection, answered))
        await answered

    async def _body(self, headers: Headers, connection: Any) -> Body:  # noqa: ANN401 - granian's
        length = headers.get("content-length")
        if length is None and headers.get("transfer-encoding") is None:
            return Body()
        if length is not None and (length == "0" or _is_too_long(length)):
            return Body()  # too long: refused by its length, unread, in the form of its door
        try:
            async with asyncio.timeout(self._body_seconds) as limit:
                self._begin_reading(limit)
                try:
                    return Body(await (connection() if length else _pieces(connection)))
                finally:
                    self._reading.pop(limit, None)
        except TimeoutError:
            return Body(refusal=LATE)
        except (ProtocolClosed, ProtocolError):  # the client went away in the middle
            return Body(refusal=CUT)

    def _begin_reading(self, limit: asyncio.Timeout) -> None:
        if len(self._reading) >= READING:
            eldest = next(iter(self._reading))
            del self._reading[eldest]
            if not eldest.expired():
                eldest.reschedule(0)
        self._reading[limit] = None

    def _settle(self) -> None:
        """Let requests end whose answer was sent: later and together, as waking us costs more."""
        while self._answered:
            answered = self._answered.popleft()
            if not answered.done():
                answered.set_result(None)

    def _settle_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._settle()
        loop.call_later(SETTLE_SECONDS, self._settle_later, loop)

    def _answered_at_once(self, job: Job) -> bool:
        """Whether it could be done without waiting for anybody; if not, nothing was done."""
        try:
            with waiting.for_nobody():
                self._finish(job)
        except MustWait:
            return False
        return True

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            self._finish(job)
            if job.answered is not None:
                self._answered.append(job.answered)
            del job

    def _finish(self, job: Job) -> None:
        try:
            _answer(self._behind, job)
        except Exception as error:  # noqa: BLE001 - a thread that ends would be missing for ever
            doors.accident(error, "")
            job.connection.response_empty(HTTPStatus.INTERNAL_SERVER_ERROR, [])


def _is_too_long(length: str) -> bool:
    return len(length) > doors.LENGTH_DIGITS or int(length) > doors.BODY_LIMIT


async def _pieces(connection: Any) -> bytes:  # noqa: ANN401 - granian's
    """A body that does not tell its length, up to one byte more than anybody takes.

    Raises:
        ProtocolClosed: it was cut.
    """
    content, ends = bytearray(), 0
    async for piece in connection:
        content += piece
        ends += not piece
        if len(content) > doors.BODY_LIMIT:
            return bytes(content[: doors.BODY_LIMIT + 1])
    if ends != 1:  # its end is one empty piece; before it, an error is another one
        raise ProtocolClosed
    return bytes(content)


def _answer(behind: Callable[..., Iterable[bytes]], job: Job) -> None:
    told: list[tuple[int, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_more: object) -> None:
        told.append((int(status[:3]), headers))

    environ = _environ(job)
    answer = behind(environ, start_response)
    try:
        if environ.get(STREAMED):
            _stream(job, told[-1], pieces=answer)
            return
        content = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    job.connection.response_bytes(*told[-1], content)


def _stream(job: Job, head: tuple[int, list[tuple[str, str]]], *, pieces: Iterable[bytes]) -> None:
    """Send a long answer: no piece is made before the one ahead of it has gone.

    What breaks on the way ends the answer short of its length, so that no part passes for all.
    """
    transport = job.connection.response_stream(*head)
    assert job.answered is not None  # noqa: S101 - no door of those that are brief streams
    loop = job.answered.get_loop()
    try:
        for piece in pieces:
            sent = asyncio.run_coroutine_threadsafe(_send(transport, piece), loop)
            sent.result(PIECE_SECONDS)
    except Exception as error:  # noqa: BLE001 - the status has gone, so no other answer is left
        doors.accident(error, "")


async def _send(transport: Any, piece: bytes) -> None:  # noqa: ANN401 - granian's
    await transport.send_bytes(piece)


def _environ(job: Job) -> dict[str, Any]:
    """The request as WSGI tells it (PEP 3333); nothing of the process's own environment."""
    scope = job.scope
    environ = _SAME_FOR_ALL | _headers(job.headers.items())
    environ["REQUEST_METHOD"] = scope.method
    environ["PATH_INFO"] = scope.path.encode().decode("latin-1")
    environ["QUERY_STRING"] = scope.query_string
    environ["REMOTE_ADDR"] = scope.client.rpartition(":")[0].strip("[]")
    environ["SERVER_NAME"], _, environ["SERVER_PORT"] = scope.server.rpartition(":")
    environ.setdefault("HTTP_HOST", scope.authority or "")
    environ["wsgi.input"] = io.BytesIO(job.body.content)
    environ[REFUSED] = job.body.refusal
    return environ


def _headers(told: Iterable[tuple[str, str]]) -> dict[str, Any]:
    environ: dict[str, Any] = {}
    length = 0
    for name, value in told:
        key = _key(name)
        length += len(value)
        if key not in environ:
            environ[key] = value
        elif key not in _WITHOUT_PREFIX.values():
            environ[key] += (";" if name == "cookie" else ",") + value
    environ.pop(_NOBODY, None)
    environ[LENGTH] = length
    return environ


@lru_cache(maxsize=256)
def _key(name: str) -> str:
    if "_" in name:  # it would pass for the header that is written with a dash
        return _NOBODY
    return _WITHOUT_PREFIX.get(name) or "HTTP_" + name.upper().replace("-", "_")
