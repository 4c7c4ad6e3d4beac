"""Who answers a request: the event loop itself, in a turn, or one of the threads."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from identity import doors, meters
from identity.edge import PLAIN, REFUSED, REQUEST_ID, STREAMED, Edge, interaction
from identity.messages import Response
from identity.server import answers
from identity.server.answers import Answer
from identity.server.requests import Request
from identity.turns import Turns
from identity.waiting import MustWait

if TYPE_CHECKING:
    from identity.lines import Lines
    from identity.server.connection import Connection

# Whole requests that wait for a thread.
WAITING = 1_024
# A client that does not take the next piece of a long answer for so long gets no more of it.
PIECE_SECONDS = 30
BUSY = Response(
    HTTPStatus.SERVICE_UNAVAILABLE,
    b"too many requests wait here; try again\n",
    (*PLAIN, ("Retry-After", "5")),
)
# Of a whole request, whether the loop should try to answer it.
IsForLoop = Callable[[Request], bool]


class Answering:
    """All that stands behind the edge, and the threads and turns in which it answers."""

    def __init__(
        self,
        edge: Edge,
        *,
        threads: int,
        is_for_loop: IsForLoop,
        loop: asyncio.AbstractEventLoop,
        lines: "Lines | None" = None,
    ) -> None:
        self._edge, self._is_for_loop = edge, is_for_loop
        self._threads, self._loop, self._turns = threads, loop, Turns(loop, lines)
        self._jobs: SimpleQueue[tuple[Request, Connection]] = SimpleQueue()

    def start(self) -> None:
        """The threads run; they end with the process."""
        for number in range(self._threads):
            threading.Thread(target=self._work, name=f"answer-{number}", daemon=True).start()

    def answer(self, request: Request, connection: "Connection") -> None:
        """On the loop: the connection is told the answer, now or later."""
        if request.environ[REFUSED] is not None or self._is_for_loop(request):
            self._turns.begin(partial(self._in_turn, request, connection))
        else:
            self._by_thread(request, connection)

    def _in_turn(self, request: Request, connection: "Connection") -> None:
        try:
            answer = self._whole(request)
        except MustWait:
            self._by_thread(request, connection)
        else:
            connection.answered(answer)

    def _by_thread(self, request: Request, connection: "Connection") -> None:
        if self._jobs.qsize() < WAITING:
            self._jobs.put((request, connection))
            return
        meters.TURNED_AWAY.inc()
        connection.answered(answers.of(BUSY.status, BUSY.headers, content=BUSY.body))

    def _work(self) -> None:
        while True:
            request, connection = self._jobs.get()
            answer = self._whole(request)
            if answer.pieces is None:
                self._tell(connection.answered, answer)
            else:
                self._stream(answer, connection)
            del request, connection, answer

    def _tell(self, what: Callable[..., None], *told: Any) -> None:  # noqa: ANN401 - as asyncio has it
        """From a thread to the loop; after its end nobody is there to be told."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what, *told)

    def _whole(self, request: Request) -> Answer:
        """What the application says, whatever happens on the way."""
        try:
            return self._of_door(request.for_door()) or self._of_page(request.for_wsgi())
        except Exception as error:  # noqa: BLE001 - a thread that ends would be missing for ever
            doors.accident(error, "")
            return answers.BROKEN

    def _of_door(self, environ: dict[str, Any]) -> Answer | None:
        """What the door of a machine endpoint says, without WSGI; null: there is none."""
        answer = self._edge.answer(environ)
        if answer is None:
            return None
        head = self._edge.head(answer, environ[REQUEST_ID], named=interaction(environ))
        return Answer(head, answer.body)

    def _of_page(self, environ: dict[str, Any]) -> Answer:
        told: list[tuple[int, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_more: object) -> None:
            told.append((int(status[:3]), headers))

        said = self._edge(environ, start_response)
        if environ.get(STREAMED):
            return answers.streamed(*told[-1], pieces=said)
        try:
            content = b"".join(said)
        finally:
            _close(said)
        return answers.of(*told[-1], content=content)

    def _stream(self, answer: Answer, connection: "Connection") -> None:
        """Send a long answer: no piece is made before there is room for it.

        What breaks on the way ends the answer short of its length, so that no part passes for all.
        """
        pieces = answer.pieces or ()
        self._tell(connection.begin, answer)
        try:
            for piece in pieces:
                sent: Future[None] = Future()
                self._tell(connection.send, piece, sent)
                sent.result(PIECE_SECONDS)
        except ConnectionError:  # the client went away
            self._tell(connection.abort)
        except Exception as error:  # noqa: BLE001 - the status has gone, so no other answer is left
            doors.accident(error, "")
            self._tell(connection.abort)
        finally:
            _close(pieces)
        self._tell(partial(connection.finished, is_last=True))


def _close(said: Iterable[bytes]) -> None:
    close = getattr(said, "close", None)
    if close is not None:
        close()
