"""One exchange with a stranger: its connections, and the moment at which they are cut.

A timeout of the HTTP library starts anew with every byte, so a slow sender could hold us for ever.
Here the whole exchange, name look-up included, runs beside its caller, who waits no longer than
agreed and then cuts every socket of it.
"""

import socket
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from threading import Lock, Thread
from typing import TypeVar

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

Result = TypeVar("Result")


class OverdueError(Exception):
    """The exchange was not over when its time was."""


class Line:
    """The sockets of one exchange."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: list[socket.socket] = []
        self._is_cut = False

    def hold(self, opened: socket.socket) -> None:
        """A socket belongs to this exchange. A duplicate is held: TLS takes the first one over."""
        with self._lock:
            self._held.append(opened.dup())
            if self._is_cut:
                self._shut()

    def cut(self) -> None:
        """Whoever reads or writes on this line is woken with an error, now and later."""
        with self._lock:
            self._is_cut = True
            self._shut()

    def release(self) -> None:
        """The exchange is over."""
        with self._lock:
            self._close()

    def _shut(self) -> None:
        for held in self._held:
            with suppress(OSError):  # the other side was first
                held.shutdown(socket.SHUT_RDWR)
        self._close()

    def _close(self) -> None:
        for held in self._held:
            held.close()
        self._held.clear()


_line: ContextVar[Line] = ContextVar("line")


def within(seconds: float, exchange: Callable[[], Result]) -> Result:
    """What the exchange brought, if it was over in time.

    Raises:
        OverdueError: it was not; its sockets are cut, and its thread ends by itself.
    """
    line, outcome = Line(), Future[Result]()
    run = partial(_carry_out, exchange, line, outcome=outcome)
    Thread(target=run, daemon=True).start()
    try:
        return outcome.result(timeout=seconds)
    except TimeoutError:
        if outcome.done():  # the exchange's own timeout
            raise
        line.cut()
        raise OverdueError("the exchange took too long") from None


def _carry_out(exchange: Callable[[], Result], line: Line, *, outcome: Future[Result]) -> None:
    _line.set(line)
    try:
        outcome.set_result(exchange())
    except BaseException as error:  # noqa: BLE001 - the caller's, who waits for it
        outcome.set_exception(error)
    finally:
        line.release()


class _HeldHTTP(HTTPConnection):
    """A connection whose socket is held, and whose Host header names the port, RFC 9110 §7.2."""

    def _new_conn(self) -> socket.socket:
        return _held(super()._new_conn())

    def putheader(self, header: str, *values: str) -> None:  # type: ignore[override] # as urllib3
        if header.lower() == "host":
            values = tuple(_authority(value, self.port, default=80) for value in values)
        super().putheader(header, *values)


class _HeldHTTPS(HTTPSConnection):
    """The same under TLS; the socket is held before the handshake."""

    def _new_conn(self) -> socket.socket:
        return _held(super()._new_conn())

    def putheader(self, header: str, *values: str) -> None:  # type: ignore[override] # as urllib3
        if header.lower() == "host":
            values = tuple(_authority(value, self.port, default=443) for value in values)
        super().putheader(header, *values)


def _held(opened: socket.socket) -> socket.socket:
    _line.get().hold(opened)
    return opened


def _authority(host: str, port: int | None, *, default: int) -> str:
    named = f"[{host}]" if ":" in host else host
    return named if port in {None, default} else f"{named}:{port}"


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HeldHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HeldHTTPS


POOLS = {"http": _HTTPPool, "https": _HTTPSPool}
