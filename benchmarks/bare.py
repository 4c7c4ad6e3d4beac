"""The least a WSGI service can do behind our server: one constant answer."""

import sys
from collections.abc import Callable, Iterable
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

BODY = b'{"keys": []}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def app(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The same for everybody."""
    start_response("200 OK", HEADERS)
    return (BODY,)


if __name__ == "__main__":
    Granian(
        "benchmarks.bare:app",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,
        blocking_threads=16,
        log_level=LogLevels.error,
    ).serve()
