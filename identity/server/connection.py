"""One connection: its requests are answered in turn, within limits of time (RFC 9112 §9)."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from identity.server import answers, requests
from identity.server.answers import Answer
from identity.server.reading import Reading
from identity.server.requests import SAME_FOR_ALL, Request

HEADER_SECONDS = 30
LINGER_SECONDS = 2
# Bytes of one answer that waits for those of others: a longer one leaves at once, so that it is
# known whether the client takes it before the next one is made.
WAITS = 16 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Server(Protocol):
    """What a connection asks of the server it belongs to."""

    loop: asyncio.AbstractEventLoop
    body_seconds: float
    is_stopping: bool

    def begun(self, connection: "Connection") -> None:
        """It is open."""

    def ended(self, connection: "Connection") -> None:
        """It is closed."""

    def reads_body(self, connection: "Connection", *, is_done: bool = False) -> None:
        """A body is on its way that did not come at once, or no longer is."""

    def speaks(self, connection: "Connection") -> None:
        """It has something to send: it is told soon to do so."""

    @property
    def answer(self) -> Callable[[Request, "Connection"], None]:
        """Whoever answers a request; the connection is told the answer, now or later."""


class Connection(asyncio.Protocol):
    """One client, as asyncio tells of it; everything here runs on the loop."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._answering: Request | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_body_timed = self._is_ending = False
        self._is_full = self._is_ahead = False  # either way nothing is read
        self._is_expecting = False
        self._unsent: list[bytes] = []  # what leaves when others' answers do
        self._sent: Future[None] | None = None  # whoever makes the pieces of a long answer
        self.last_used = server.loop.time()

    # What asyncio tells

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - asyncio's transports share no type
        """A client is there."""
        self._transport = transport
        peer, here = (transport.get_extra_info(name) for name in ("peername", "sockname"))
        theirs = {
            "REMOTE_ADDR": _plain(peer[0]) if peer else "",
            "SERVER_NAME": here[0] if here else "",
            "SERVER_PORT": str(here[1]) if here else "",
        }
        self._reading = Reading(SAME_FOR_ALL | theirs, self._expects)
        self._server.begun(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """It went away; what is being done for it is finished, and told to nobody."""
        self._reading.end()
        self._reading.held.clear()
        self._stop_timer()
        self._server.ended(self)
        self._tell_sent()

    def data_received(self, data: bytes) -> None:
        """Some bytes of one request, or of several."""
        reading = self._reading
        reading.take(data)
        if reading.is_begun or self._timer is not None:
            self._keep_time()
        self._go_on()
        if reading.held:
            # It asks faster than it is answered: what it sends meanwhile waits outside.
            self._is_ahead = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The client sends no more: what is half is refused, what is whole is still answered."""
        if self._reading.is_begun:
            self._reading.refuse(requests.CUT)
        self._reading.end()
        self._stop_timer()
        self._go_on()
        return self._answering is not None or bool(self._reading.held)

    def pause_writing(self) -> None:
        """The client does not take what we send: it may not ask for more either."""
        self._is_full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It took it: what it asked for meanwhile has its turn."""
        self._is_full = False
        if not self._is_ahead:
            self._transport.resume_reading()
        self._tell_sent()
        self._go_on()

    # What whoever answers tells

    def answered(self, answer: Answer) -> None:
        """The answer to the request in turn leaves; then the next one's turn comes."""
        request, reading = self._answering, self._reading
        if request is None:
            return
        is_last = request.is_last or self._server.is_stopping
        is_last = is_last or (reading.is_over and not reading.held)
        is_head = request.environ["REQUEST_METHOD"] == "HEAD"
        self._say(answers.as_bytes(answer, is_last=is_last, is_head=is_head))
        self.finished(is_last=is_last)

    def begin(self, answer: Answer) -> None:
        """The head of a long answer leaves; its pieces follow, and the end of the connection."""
        self._say(answers.as_bytes(answer, is_last=True, is_head=True))

    def send(self, piece: bytes, sent: Future[None]) -> None:
        """A piece leaves; whoever makes them hears when there is room for the next one.

        It hears a `ConnectionError` where nobody takes them any more.
        """
        self._say(piece)
        self.flush()  # whether there is room for more is known when it was sent
        self._sent = sent
        if not self._is_full or self._transport.is_closing():
            self._tell_sent()

    def finished(self, *, is_last: bool) -> None:
        """The request in turn is done with."""
        self._answering = None
        self.last_used = self._server.loop.time()
        if is_last:
            self._hang_up()
        else:
            self._go_on()

    # What the server tells

    def flush(self) -> None:
        """What it has to say leaves."""
        unsent, self._unsent = self._unsent, []
        if unsent and not (self._is_ending or self._transport.is_closing()):
            self._transport.write(b"".join(unsent))

    def abort(self) -> None:
        """Nothing more is sent, not even what waits to be."""
        self._transport.abort()

    def stop(self) -> None:
        """The server stops: what is on its way is finished, nothing more is taken."""
        if self.is_idle:
            self.flush()
            self._transport.close()

    def late(self) -> None:
        """What did not come in time is not waited for any longer."""
        if self._reading.is_begun:
            self._reading.refuse(requests.LATE)
            self._stop_timer()
            self._go_on()

    @property
    def is_idle(self) -> bool:
        """Whether no request is on its way, nor its answer made."""
        return self._answering is None and not self._reading.is_begun

    def _say(self, content: bytes) -> None:
        """It leaves soon, behind what was said before."""
        self._unsent.append(content)
        if len(content) > WAITS:
            self.flush()
        elif len(self._unsent) == 1:
            self._server.speaks(self)

    def _expects(self) -> None:
        """The client waits for a word before it sends a body, and for the answers before that."""
        self._is_expecting = True

    def _go_on(self) -> None:
        """The next request's turn, if it is nobody's, and the client takes what it asked for."""
        held = self._reading.held
        while held and self._answering is None and not self._is_full:
            self._answering = request = held.popleft()
            self._server.answer(request, self)
        if self._is_ahead and not held:
            self._is_ahead = False
            if not self._is_full:
                self._transport.resume_reading()
        if held or self._answering is not None:
            return
        if self._is_expecting:
            self._is_expecting = False
            if self._reading.is_body:  # else it did not wait
                self._say(_CONTINUE)
        if self._reading.is_over:
            self._hang_up()

    def _keep_time(self) -> None:
        """Headers have their time, and the body its own from then on."""
        reading = self._reading
        if reading.is_begun and self._timer is not None and reading.is_body == self._is_body_timed:
            return
        self._stop_timer()
        if not reading.is_begun:
            return
        self._is_body_timed = reading.is_body
        seconds = self._server.body_seconds if reading.is_body else HEADER_SECONDS
        self._timer = self._server.loop.call_later(seconds, self.late)
        if reading.is_body:
            self._server.reads_body(self)

    def _stop_timer(self) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        if self._is_body_timed:
            self._server.reads_body(self, is_done=True)

    def _tell_sent(self) -> None:
        sent, self._sent = self._sent, None
        if sent is None or not sent.set_running_or_notify_cancel():
            return
        if self._transport.is_closing():
            sent.set_exception(ConnectionResetError())
        else:
            sent.set_result(None)

    def _hang_up(self) -> None:
        """Close; who still sends has some time to read first, or a reset would take the answer."""
        self._reading.end()
        self._reading.held.clear()
        self._stop_timer()
        if self._is_ending or self._transport.is_closing():
            return
        self.flush()
        self._is_ending = True
        try:
            self._transport.write_eof()
        except OSError:  # it is gone already, and asyncio has not told us yet
            self._transport.abort()
        self._server.loop.call_later(LINGER_SECONDS, self._transport.close)


def _plain(address: str) -> str:
    """An IPv4 address as such, also where it came to a socket for both (RFC 4291 §2.5.5.2)."""
    return address.removeprefix("::ffff:") if "." in address else address
