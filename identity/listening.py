"""Places to listen: taken once by the supervisor, or refused in one clear line."""

import errno
import socket
import time
from contextlib import closing

from identity import readings

LOOK_SECONDS = 0.2
# An orphan of a killed supervisor needs a moment to notice; nobody else's port gets free in it.
FREE_SECONDS = 5.0
# Connections that wait until a web process takes them, or until one runs again.
BACKLOG = 1_024


class PlaceTaken(Exception):
    """Somebody answers where we were told to listen, or we may not listen there."""


def listen(place: str) -> socket.socket:
    """A socket that listens there: whoever connects from now on waits until somebody answers.

    Raises:
        PlaceTaken: says which place and what to do.
    """
    deadline = time.monotonic() + FREE_SECONDS
    while True:
        try:
            return _listening(place)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PlaceTaken(f"cannot listen on {place}: {error.strerror}") from None
            if time.monotonic() > deadline:
                told = f"{place} answers already: stop what runs there, or bind elsewhere"
                raise PlaceTaken(told) from None
        time.sleep(LOOK_SECONDS)


def require_free(place: str) -> None:
    """Nobody answers there and we may listen there.

    Raises:
        PlaceTaken: says which place and what to do.
    """
    listen(place).close()


def _listening(place: str) -> socket.socket:
    host, port = readings.split(place)
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind)
    try:
        # A connection that has just ended is no reason to wait; somebody listening is.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def answers(place: str) -> bool:
    """Whether a request gets an answer: the socket listens before any application is loaded."""
    host, port = readings.split(place)
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - where to look
    try:
        with closing(socket.create_connection((reachable, port), timeout=1.0)) as connection:
            connection.sendall(f"GET /healthz HTTP/1.0\r\nHost: {place}\r\n\r\n".encode())
            return connection.recv(5) == b"HTTP/"
    except OSError:
        return False
