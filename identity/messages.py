"""The small answer of a machine endpoint, sent alike by Flask's door and the express lane."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from identity.written import json_text

Headers = tuple[tuple[str, str], ...]
StartResponse = Callable[..., Any]

NO_STORE: Headers = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
JSON: Headers = (("Content-Type", "application/json"),)
WITHOUT_BODY = frozenset({204, 304})  # RFC 9110 §8.6: nor a length
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Response(NamedTuple):
    """Status, headers and the whole body; small by design, so it is never streamed."""

    status: int
    body: bytes = b""
    headers: Headers = ()

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        """Hand it to a WSGI server."""
        headers = list(self.headers)
        if self.status not in WITHOUT_BODY:
            headers.append(("Content-Length", str(len(self.body))))
        start_response(_STATUS_LINES[self.status], headers)
        return (self.body,)


def head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """A status line and headers in HTTP/1.1, without the empty line that ends them.

    Raises:
        ValueError: a header would end its line and begin another, or is not Latin-1.
    """
    lines = [f"HTTP/1.1 {_STATUS_LINES[status]}", *[f"{name}: {told}" for name, told in headers]]
    text = "\r\n".join(lines)
    ends = len(lines) - 1
    if text.count("\n") != ends or text.count("\r") != ends or "\x00" in text:
        raise ValueError("a header has more than one line")
    return text.encode("latin-1") + b"\r\n"


def json_response(
    content: Mapping[str, Any] | list[Any], status: int = 200, *, headers: Headers = ()
) -> Response:
    """JSON in UTF-8 with the given further headers."""
    body = json_text(content).encode()
    return Response(status, body, JSON + headers)
