"""The least a WSGI service can do behind our server: one constant answer."""

import sys
from collections.abc import Callable, Iterable
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from identity.doors import always
from identity.front import Front

BODY = b'{"keys": []}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def app(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The same for everybody."""
    start_response("200 OK", HEADERS)
    return (BODY,)


front = Front(app, threads=16, body_seconds=30, brief=lambda _method, _path: always)

if __name__ == "__main__":
    Granian(
        "benchmarks.bare:front",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,
        log_level=LogLevels.error,
    ).serve()
