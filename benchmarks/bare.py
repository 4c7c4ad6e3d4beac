"""The least a WSGI service can do behind our server: one constant answer, from its event loop."""

import asyncio
import socket
import sys
from collections.abc import Callable, Iterable
from typing import Any

from identity.server.answering import Answering
from identity.server.serving import Serving

BODY = b'{"keys": []}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


class Nothing:
    """Where the edge and all our doors would be: the same for everybody."""

    def answer(self, _environ: dict[str, Any]) -> None:
        """There are no doors."""

    def __call__(
        self, _environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """The constant answer."""
        start_response("200 OK", HEADERS)
        return (BODY,)


async def serve(port: int) -> None:
    """Answer until the process ends."""
    loop = asyncio.get_running_loop()
    answering = Answering(Nothing(), threads=1, is_for_loop=lambda _request: True, loop=loop)  # type: ignore[arg-type] # as much of an edge as is asked here
    answering.start()
    Serving(loop, answering.answer, body_seconds=30).listen(
        socket.create_server(("127.0.0.1", port), backlog=1024)
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
