"""A server in a thread of this process, and somebody who speaks to it byte by byte."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BufferedIOBase, BytesIO
from typing import Self

from flask import Flask

from identity.listening import listen
from identity.server import serving
from identity.settings import Settings
from tests.serving import free_port

PATIENCE_SECONDS = 10.0


class Answering:
    """The server of a web process on a port of its own, as long as the block runs."""

    def __init__(self, application: Flask, chosen: Settings) -> None:
        self._application, self._chosen = application, chosen
        self._listener = listen(f"127.0.0.1:{free_port()}")
        self._port = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        is_ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(is_ready),))
        self._thread.start()
        is_ready.wait()
        return self

    def __exit__(self, *_told: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self, is_ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        is_ready.set()
        await serving.serve_on(
            self._listener, self._application, chosen=self._chosen, stop=self._stop
        )

    def connected(self) -> "Link":
        """Somebody comes."""
        return Link(self._port)

    def answer(self, said: bytes) -> "Answer":
        """What somebody is told who says one thing."""
        with self.connected() as link:
            link.say(said)
            return link.answer()


@dataclass(frozen=True)
class Answer:
    """One answer, as it came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The one of this name; null: there is none."""
        return next((text for told, text in self.headers if told.lower() == name), None)


class Link:
    """One connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._come = self._socket.makefile("rb")
        self.patience(PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_told: object) -> None:
        self._come.close()
        self._socket.close()

    def patience(self, seconds: float) -> None:
        """How long we wait for the other side; TimeoutError after it."""
        self._socket.settimeout(seconds)

    def say(self, said: bytes) -> None:
        """Send it; a server that has hung up already is not told."""
        try:
            self._socket.sendall(said)
        except (BrokenPipeError, ConnectionResetError):
            return

    def says_no_more(self) -> None:
        """We have ended our half."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def is_torn(self) -> None:
        """It ends at once, as when a phone loses its network: RST instead of FIN."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def answer(self, *, is_head: bool = False) -> Answer:
        """The next one."""
        found = _answer(self._come, is_head=is_head)
        assert found is not None, "the connection ended"
        return found

    def rest(self) -> list[Answer]:
        """All that come until the other side ends the connection.

        Raises:
            TimeoutError: it does not.
        """
        come, found = BytesIO(b"".join(self._pieces())), []
        while (one := _answer(come)) is not None:
            found.append(one)
        return found

    def _pieces(self) -> Iterator[bytes]:
        try:
            while piece := self._come.read1():
                yield piece
        except ConnectionResetError:  # it did not want to hear the rest of us
            return


def _answer(come: BufferedIOBase, *, is_head: bool = False) -> Answer | None:
    """The next answer; null: nothing more came. A piece of one is a mistake of the server's."""
    line = come.readline()
    if not line:
        return None
    version, status, *_ = line.decode().split()
    assert version == "HTTP/1.1", line
    headers = []
    while line := come.readline().rstrip(b"\r\n"):
        name, _, text = line.decode("latin-1").partition(": ")
        headers.append((name, text))
    made = Answer(int(status), tuple(headers), b"")
    length = int(made.header("content-length") or 0)
    body = b"" if is_head else come.read(length)
    assert is_head or len(body) == length, "an answer was cut"
    return replace(made, body=body)
