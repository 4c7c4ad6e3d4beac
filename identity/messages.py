"""The small answer of a machine endpoint, sent alike by Flask's door and the express lane."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from identity.written import json_text

Headers = tuple[tuple[str, str], ...]
StartResponse = Callable[..., Any]

NO_STORE: Headers = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
JSON: Headers = (("Content-Type", "application/json"),)
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers and the whole body; small by design, so it is never streamed."""

    status: int
    body: bytes = b""
    headers: Headers = ()

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        """Hand it to a WSGI server."""
        length = ("Content-Length", str(len(self.body)))
        start_response(_STATUS_LINES[self.status], [*self.headers, length])
        return (self.body,)


def json_response(
    content: Mapping[str, Any] | list[Any], status: int = 200, *, headers: Headers = ()
) -> Response:
    """JSON in UTF-8 with the given further headers."""
    body = json_text(content).encode()
    return Response(status, body, JSON + headers)
