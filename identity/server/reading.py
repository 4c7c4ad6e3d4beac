"""The bytes of one connection become requests: whole ones, or such as are refused (RFC 9112)."""

from collections import deque
from collections.abc import Callable

import httptools

from identity.edge import HEADERS_LIMIT, LENGTH, REFUSED
from identity.messages import Response
from identity.server import requests
from identity.server.requests import Environ, Request

# Of one request, besides its body: what the edge takes of headers and address, and a little more.
HEAD_LIMIT = 64 * 1024
# Requests of one client that wait for the answer of the one before (RFC 9112 §9.3.2).
HELD = 16
_AROUND = len(b": \r\n")


class Reading:
    """What one client sends; llhttp reads it, the same parser as Node's, and calls `on_…`."""

    def __init__(self, same: Environ, go_on: Callable[[], None]) -> None:
        self._same, self._go_on = same, go_on
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._environ: Environ | None = None  # null: between two requests
        self._target = b""
        self._length = self._come = self._taken = self._begun = 0
        self._pieces: list[bytes] | None = None  # of a body; null: none is on its way
        self.held: deque[Request] = deque()

    @property
    def is_over(self) -> bool:
        """Whether nothing more is read: what comes is nobody's."""
        return self._parser is None

    @property
    def is_begun(self) -> bool:
        """Whether a request is on its way that is not whole yet."""
        return self._environ is not None

    @property
    def is_body(self) -> bool:
        """Whether it is its body that is."""
        return self._pieces is not None

    def take(self, data: bytes) -> None:
        """Some bytes of one request, or of several."""
        if self._parser is None:
            return
        self._begun = 0 if self._environ is None else 1
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        except httptools.HttpParserInvalidMethodError:
            self.refuse(requests.UNKNOWN)
        except httptools.HttpParserError:
            self.refuse(requests.UNREADABLE)
        # Of what came with the end of another request nobody knows how much is of this one.
        if self._environ is not None and self._begun == 1:
            self._come += len(data)
            if self._come - self._taken > HEAD_LIMIT:
                self.refuse(requests.TOO_LONG)

    def _stay(self, rest: bytes) -> None:
        """Nothing is spoken here but HTTP/1.1: the request is answered as any other, as the last.

        llhttp leaves the body to the protocol that was asked for; it is ours (RFC 9110 §7.8).
        """
        environ = self._environ
        if environ is None:
            self.end()
            return
        length = environ.get("CONTENT_LENGTH")
        told = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        self._parser = httptools.HttpRequestParser(_Body(self))
        self._parser.feed_data(f"POST / HTTP/1.1\r\nConnection: close\r\n{told}\r\n\r\n".encode())
        self.take(rest)

    def refuse(self, refusal: Response) -> None:
        """What is on its way is answered so, and nothing more is read."""
        environ = self._environ or self._same.copy()
        environ[REFUSED] = refusal
        self._environ = environ
        self._leave_unread()

    def end(self) -> None:
        """Nothing more is read; what is whole is still answered."""
        self._parser = self._environ = self._pieces = None
        self._go_on = _nothing  # or a connection that is gone would be held by itself

    # What the parser tells

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begun += 1
        if len(self.held) >= HELD:
            self.end()
        if self._parser is None:
            return
        self._environ, self._target = self._same.copy(), b""
        self._length = self._come = self._taken = 0

    def on_url(self, target: bytes) -> None:
        """Some bytes of its target."""
        self._target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers; what follows its body is none (RFC 9112 §7.1.2)."""
        if self._environ is not None and self._pieces is None:
            self._length += len(name) + len(value) + _AROUND
            if self._length <= HEADERS_LIMIT:  # beyond it the edge refuses what it need not see
                requests.add_header(self._environ, name, value=value)

    def on_headers_complete(self) -> None:
        """Its headers are here: a body may follow."""
        environ, parser = self._environ, self._parser
        if environ is None or parser is None:
            return
        target = requests.origin_form(environ, self._target)
        if target is None:
            self.refuse(requests.UNREADABLE)
            return
        requests.add_line(environ, parser.get_method(), target=target)
        environ[LENGTH] = self._length
        length, is_expecting = environ.get("CONTENT_LENGTH"), "HTTP_EXPECT" in environ
        is_coded = "HTTP_TRANSFER_ENCODING" in environ
        # Who leaves the connection open, and says nothing of either, speaks as we do.
        if is_coded or is_expecting or not parser.should_keep_alive():
            refusal = requests.unfit(environ, parser.get_http_version())
            if refusal is not None:
                self.refuse(refusal)
                return
        if length is not None and requests.is_too_long(length):
            # Its door refuses it by its length, in its own form; nothing of it is read.
            self._leave_unread()
        elif length is not None or is_coded:
            self._pieces = []
            if is_expecting:
                self._go_on()

    def on_body(self, piece: bytes) -> None:
        """Some bytes of its body, its transfer coding undone."""
        if self._pieces is None:
            return
        self._taken += len(piece)
        self._pieces.append(piece)
        if self._taken > requests.BODY_LIMIT:
            self._leave_unread()

    def on_message_complete(self) -> None:
        """It is whole: it is answered when its turn comes."""
        environ, parser = self._environ, self._parser
        if environ is None or parser is None:
            return
        if self._pieces is not None and parser.should_upgrade():
            return  # its body is still to come
        content = b"".join(self._pieces) if self._pieces else b""
        self._environ = self._pieces = None
        is_last = not parser.should_keep_alive()
        if not is_last and "HTTP_CONNECTION" in environ:
            # An older client that asks for it waits for a header that we do not send.
            is_last = parser.get_http_version() == "1.0"
        self.held.append(Request(environ, content, is_last=is_last))

    def _leave_unread(self) -> None:
        """It is answered by what is known of it, and nothing more is read."""
        environ, pieces = self._environ, self._pieces
        self.end()
        if environ is not None:
            content = b"".join(pieces or ())[: requests.BODY_LIMIT + 1]
            self.held.append(Request(environ, content, is_last=True, is_whole=False))


def _nothing() -> None:
    """Nobody is to go on."""


class _Body:
    """What llhttp calls of a request whose head was read before: its body alone."""

    def __init__(self, reading: Reading) -> None:
        self.on_body, self.on_message_complete = reading.on_body, reading.on_message_complete
