"""A request as WSGI tells it (PEP 3333), put together from what the parser of HTTP calls out."""

import io
import sys
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from identity import doors
from identity.doors import BODY
from identity.edge import LENGTH, PLAIN, REFUSED
from identity.messages import Response
from identity.single_use import SPENT

MOST_NAMES = 1_024  # names of headers whose key is kept; anybody may invent more

# The connection ends with each of these, and says so itself.
LATE = Response(408, b"the request did not come in time\n", PLAIN)
CUT = Response(400, b"the request ended before its length\n", PLAIN)
UNREADABLE = Response(400, b"this is no request as RFC 9112 has it\n", PLAIN)
UNKNOWN = Response(501, b"this method is not known here\n", PLAIN)
TOO_LONG = Response(431, b"the headers are too long\n", PLAIN)
EXPECTED = Response(417, b"nothing but 100-continue can be expected here\n", PLAIN)
CODED = Response(501, b"this transfer coding is not known here\n", PLAIN)
OTHER_VERSION = Response(505, b"HTTP/1.1 is spoken here\n", PLAIN)

Environ = dict[str, Any]


class Request(NamedTuple):
    """What came whole, or as much of it as is needed to refuse it."""

    environ: Environ
    content: bytes
    is_last: bool  # the connection ends with its answer
    is_whole: bool = True

    def for_door(self) -> Environ:
        """As a door of the lane reads it: the body beside it, or what came of one that is refused.

        The same each time, so that a second try goes on from what the first one found out.
        """
        environ = self.environ
        if self.is_whole:
            environ[BODY] = self.content
        else:
            environ["wsgi.input"] = io.BytesIO(self.content)
        return environ

    def for_wsgi(self) -> Environ:
        """As WSGI tells it, with the body to be read from the beginning.

        A new one each time, for whoever reads it writes into it; but what a first try has spent
        (`single_use`) is spent for the second, too.
        """
        self.environ.setdefault(SPENT, set())
        return _WSGI | self.environ | {"wsgi.input": io.BytesIO(self.content)}


_WSGI: Environ = {
    "SCRIPT_NAME": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}
SAME_FOR_ALL: Environ = {
    "REQUEST_METHOD": "GET",  # until it is known
    "PATH_INFO": "/",
    "QUERY_STRING": "",
    "wsgi.url_scheme": "http",  # the edge knows better
    "wsgi.input_terminated": True,
    REFUSED: None,
    LENGTH: 0,
}
_KEYS = {b"Content-Type": "CONTENT_TYPE", b"Content-Length": "CONTENT_LENGTH"}
_ONCE = frozenset(_KEYS.values())
_METHODS = {m.encode(): m for m in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")}
_NOBODY = ""  # where headers go that nobody may read


def add_header(environ: Environ, name: bytes, *, value: bytes) -> None:
    """One header more; of several of one name one text, and of its type and length the first."""
    key = _KEYS.get(name)
    if key is None:
        key = _key(name)
    text = value.decode("latin-1").rstrip(" \t")  # RFC 9112 §5.1; before it llhttp has done so
    if key not in environ:
        environ[key] = text
    elif key not in _ONCE:
        # RFC 9110 §5.3; cookies are parted by semicolons (RFC 6265 §4.2.1)
        environ[key] += (";" if key == "HTTP_COOKIE" else ",") + text


def _key(name: bytes) -> str:
    plain = name.decode("latin-1")
    if "_" in plain:  # it would pass for the header that is written with a dash
        return _NOBODY
    key = plain.upper().replace("-", "_")
    key = key if key in _ONCE else "HTTP_" + key
    if len(_KEYS) < MOST_NAMES:
        _KEYS[name] = key
    return key


def add_line(environ: Environ, method: bytes, *, target: bytes) -> None:
    """The request line, as origins are asked: a path and a query (RFC 9112 §3.2.1)."""
    known = _METHODS.get(method)
    environ["REQUEST_METHOD"] = method.decode("latin-1") if known is None else known
    path, _, query = target.partition(b"?")
    if b"%" in path:
        path = unquote_to_bytes(path)
    environ["PATH_INFO"] = path.decode("latin-1")
    if query:
        environ["QUERY_STRING"] = query.decode("latin-1")
    environ.pop(_NOBODY, None)


def origin_form(environ: Environ, target: bytes) -> bytes | None:
    """A path and query, also out of an absolute address; null: neither.

    Whose address it is stands in the Host header, unless the address says it (RFC 9112 §3.2.2).
    """
    if b"#" in target:
        return None
    if target.startswith(b"/") or target == b"*":
        return target
    scheme, _, rest = target.partition(b"://")
    host, slash, path = rest.partition(b"/")
    if scheme.lower() not in {b"http", b"https"} or not host:
        return None
    environ["HTTP_HOST"] = host.decode("latin-1")
    return slash + path if slash else b"/"


def unfit(environ: Environ, version: str) -> Response | None:
    """What is said to one who speaks otherwise than we do; null: we read it as it is meant.

    Another coding below `chunked`, or one in HTTP/1.0, is where a server before us may have seen
    another end of the body (RFC 9112 §6.1).
    """
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    if version != "1.1" and (version != "1.0" or coding is not None):
        return OTHER_VERSION
    if coding is not None and coding.lower() != "chunked":
        return CODED
    expected = environ.get("HTTP_EXPECT")  # RFC 9110 §10.1.1
    if expected is not None and expected.lower() != "100-continue":
        return EXPECTED
    return None


BODY_LIMIT = doors.BODY_LIMIT


def is_too_long(length: str) -> bool:
    """Whether no door takes a body of that length."""
    return len(length) > doors.LENGTH_DIGITS or int(length) > doors.BODY_LIMIT
