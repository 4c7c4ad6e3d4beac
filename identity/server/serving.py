"""One web process: it serves a socket that listens already until it is told to stop."""

import asyncio
import gc
import resource
import signal
import socket
from collections.abc import Callable
from typing import Any

import structlog

from identity import doors
from identity.lines import Lines
from identity.server.answering import Answering, IsForLoop
from identity.server.connection import Connection
from identity.server.requests import Request
from identity.settings import Settings

log = structlog.get_logger(__name__)
# Connections a web process keeps open, whatever they do; others wait until one of them ends.
CONNECTIONS = 4_096
FILES_OF_OURS = 256
# Bodies being read at one time. A further one cuts the one that has been on its way for longest:
# whoever is honest is done in moments, so newcomers must not pay for those who never finish.
READING = 1_024
# Answers made in one turn of the loop leave together behind it, so that whoever reads them, as a
# proxy does, is woken once and finds several: waking it costs more than sending (decision 0049).
# None waits for more of the others than these.
TOGETHER = 32
IDLE_SECONDS = 75  # longer than proxies keep one to us, so that they never use one just closed
SWEEP_SECONDS = 5
GRACE_SECONDS = 8
NO_ROOM_SECONDS = 0.1
# Of those that listen to one socket whoever wakes first would take all that come at once, and the
# others stand idle: who took some lets them take the next. Who has more takes more.
OTHERS_SECONDS = 0.001
TAKEN_AT_ONCE = 4  # or a quarter of what it has
# A search for garbage among the young begins at so many more than there were. Requests that wait
# for the database hold some hundreds: at Python's 700 their comings and goings alone would do it.
YOUNG_OBJECTS = 20_000


def run(listener: socket.socket, application: Any, *, chosen: Settings) -> None:  # noqa: ANN401 - a WSGI application
    """Serve until SIGTERM or SIGINT; what is on its way then has its grace to be finished."""
    # What was loaded stays: no later search for garbage needs to look at it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    asyncio.run(_until_told(listener, application, chosen=chosen))


async def _until_told(listener: socket.socket, application: Any, *, chosen: Settings) -> None:  # noqa: ANN401 - a WSGI application
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve_on(listener, application, chosen=chosen, stop=stop)


async def serve_on(
    listener: socket.socket,
    application: Any,  # noqa: ANN401 - a WSGI application
    *,
    chosen: Settings,
    stop: asyncio.Event,
) -> None:
    """Serve on this loop until the event is set."""
    loop = asyncio.get_running_loop()
    url, most = chosen.database_url, chosen.pool_size
    lines = Lines(loop, url, most=most) if chosen.is_postgresql else None
    answering = Answering(
        application.wsgi_app,
        threads=threads(chosen),
        is_for_loop=for_loop(application, asks_database=lines is not None),
        loop=loop,
        lines=lines,
    )
    server = Serving(
        loop,
        answering.answer,
        body_seconds=chosen.body_seconds,
        is_shared=chosen.processes > 1,
    )
    answering.start()
    server.listen(listener)
    await stop.wait()
    await server.stop()
    if lines is not None:
        lines.close()


def threads(chosen: Settings) -> int:
    """How many answer what the loop does not."""
    # More than the pool: some sign, seal or wait for Argon2 while others hold a connection.
    return chosen.pool_size * 2


def for_loop(application: Any, *, asks_database: bool) -> IsForLoop:  # noqa: ANN401 - a WSGI application
    """Which requests the loop tries: those whose door says it waits for nobody, or once."""
    find = doors.brief(application, asks_database=asks_database)

    def is_for_loop(request: Request) -> bool:
        environ = request.environ
        is_brief = find(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        return is_brief(request.content, environ)

    return is_for_loop


class Serving:
    """The connections of one process."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        answer: Callable[[Request, Connection], None],
        *,
        body_seconds: float,
        is_shared: bool = False,
    ) -> None:
        self.loop, self.answer, self.body_seconds = loop, answer, body_seconds
        self._is_shared = is_shared
        self.is_stopping = False
        self._connections: set[Connection] = set()
        self._reading: dict[Connection, None] = {}  # the eldest first
        self._speaking: list[Connection] = []
        self._listener: socket.socket | None = None
        self._accepting: set[asyncio.Task[Any]] = set()
        self._most = make_room(CONNECTIONS)
        self._empty = asyncio.Event()

    def listen(self, listener: socket.socket) -> None:
        """Take connections from a socket that others may share."""
        listener.setblocking(False)  # noqa: FBT003 - its name in the standard library
        self._listener = listener
        self.loop.add_reader(listener, self._accept)
        self.loop.call_later(SWEEP_SECONDS, self._sweep)

    async def stop(self) -> None:
        """No connection more; each ends with the answer that is on its way, or with the grace."""
        self.is_stopping = True
        if self._listener is not None:
            self.loop.remove_reader(self._listener)
            self._listener.close()  # where nobody else listens, who comes now may go elsewhere
        for connection in list(self._connections):
            connection.stop()
        if self._connections:
            try:
                await asyncio.wait_for(self._empty.wait(), GRACE_SECONDS)
            except TimeoutError:
                for connection in list(self._connections):
                    connection.abort()

    # What a connection tells

    def begun(self, connection: Connection) -> None:
        """It is open."""
        self._connections.add(connection)

    def ended(self, connection: Connection) -> None:
        """It is closed."""
        self._connections.discard(connection)
        self._reading.pop(connection, None)
        if self.is_stopping and not self._connections:
            self._empty.set()

    def reads_body(self, connection: Connection, *, is_done: bool = False) -> None:
        """A body is on its way that did not come at once, or no longer is."""
        if is_done:
            self._reading.pop(connection, None)
            return
        self._reading[connection] = None
        if len(self._reading) > READING:
            next(iter(self._reading)).late()

    def speaks(self, connection: Connection) -> None:
        """It has something to send: it is told soon to do so."""
        self._speaking.append(connection)
        if len(self._speaking) == 1:
            self.loop.call_soon(self._flush)
        elif len(self._speaking) >= TOGETHER:
            self._flush()

    def _flush(self) -> None:
        speaking, self._speaking = self._speaking, []
        for connection in speaking:
            connection.flush()

    # Connections

    def _accept(self) -> None:
        assert self._listener is not None  # noqa: S101 - it is what calls
        taken = 0
        for _ in range(max(TAKEN_AT_ONCE, len(self._connections) // 4)):
            if len(self._connections) + len(self._accepting) >= self._most:
                self._pause(NO_ROOM_SECONDS)
                return
            try:
                accepted, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                break
            except OSError as error:  # no file is left: the next may be
                log.warning("no connection could be taken", errno=error.errno)
                self._pause(NO_ROOM_SECONDS)
                return
            taken += 1
            made = self.loop.connect_accepted_socket(self._connection, accepted)
            task = self.loop.create_task(made)
            self._accepting.add(task)
            task.add_done_callback(self._accepting.discard)
        if taken and self._is_shared:
            self._pause(OTHERS_SECONDS)

    def _pause(self, seconds: float) -> None:
        assert self._listener is not None  # noqa: S101 - who listens pauses
        self.loop.remove_reader(self._listener)
        self.loop.call_later(seconds, self._accept_again)

    def _accept_again(self) -> None:
        if self._listener is not None and not self.is_stopping:
            self.loop.add_reader(self._listener, self._accept)

    def _connection(self) -> Connection:
        return Connection(self)

    def _sweep(self) -> None:
        """Close what nobody used for long."""
        before = self.loop.time() - IDLE_SECONDS
        for connection in list(self._connections):
            if connection.is_idle and connection.last_used < before:
                connection.abort()
        if not self.is_stopping:
            self.loop.call_later(SWEEP_SECONDS, self._sweep)


def make_room(connections: int) -> int:
    """So many connections a process, or as many as it may open files besides its own."""
    wanted = connections + FILES_OF_OURS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(soft - FILES_OF_OURS, soft // 2)
    return connections
