"""An address of a public service that the provider posts to, and what it heard there."""

import queue
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

PATIENCE_SECONDS = 20.0


class Heard(NamedTuple):
    """One request: its body, and the credential that came with it."""

    body: str
    authorization: str | None


class Listener:
    """Takes everything, and keeps it for whoever asks."""

    def __init__(self) -> None:
        self._heard: defaultdict[str, queue.Queue[Heard]] = defaultdict(queue.Queue)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def address(self, name: str) -> str:
        """Where it listens for this; what is said twice is no other's."""
        return f"http://localhost:{self._server.server_port}/{name}"

    def heard(self, name: str) -> Heard:
        """What came there next; what never comes is waited for in vain."""
        return self._heard[name].get(timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        """Nobody listens any more."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(listener: "Listener") -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                listener._heard[self.path[1:]].put(Heard(body, self.headers.get("Authorization")))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_said: object) -> None:
                """Forms carry tokens, so nothing is written down."""

        return Handler
