"""Two doors, one function: a machine endpoint is a plain function from Request to Response.

Flask's door and the express lane call the same `serve`; the lane does so before Flask builds a
request context (docs/decisions). One table, `DOORS`, gives routes, guards, limits and OpenAPI.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import structlog
from flask import Flask
from flask import request as flask_request
from flask.wrappers import Response as PageResponse

from identity import ahead, database, errors
from identity.described import Described
from identity.errors import (
    BodyTooLarge,
    InvalidRequest,
    Refusal,
    ServerError,
    UnsupportedMediaType,
)
from identity.messages import Response
from identity.once import once
from identity.parameters import Parameters

log = structlog.get_logger(__name__)
FORM = "application/x-www-form-urlencoded"
BODY_LIMIT = 64 * 1024
LENGTH_DIGITS = 15
# Where a server before us leaves the whole body; absent: it is to be read, as WSGI has it.
BODY = "motlan.body"
_NO_PARAMS: Mapping[str, str] = MappingProxyType({})


class Request:
    """One request to a machine endpoint, read from the WSGI environ; nobody changes it."""

    def __init__(
        self,
        environ: Mapping[str, Any],
        params: Mapping[str, str] = _NO_PARAMS,  # from the path
        *,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self.environ = environ
        self.params = params
        self.body_limit = body_limit

    @property
    def method(self) -> str:
        """The method, upper case."""
        return str(self.environ["REQUEST_METHOD"])

    @property
    def path(self) -> str:
        """The path, decoded."""
        return str(self.environ.get("PATH_INFO", ""))

    @property
    def remote(self) -> str:
        """The peer's address, after the edge has dealt with proxies."""
        return str(self.environ.get("REMOTE_ADDR", ""))

    @property
    def request_id(self) -> str:
        """The id the edge gave this request; it stands in our logs and in the entry."""
        return str(self.environ.get("motlan.request_id", ""))

    def header(self, name: str) -> str | None:
        """A header's value; null when it was not sent."""
        value = self.environ.get(_key(name))
        return None if value is None else str(value)

    @property
    def content_type(self) -> str:
        """The media type alone, lower case."""
        return _media_type(self.environ.get("CONTENT_TYPE") or "")

    @once
    def body(self) -> bytes:
        """The whole body.

        Raises:
            BodyTooLarge: longer than this door takes.
            InvalidRequest: its length is no number, or the body is cut.
        """
        here: bytes | None = self.environ.get(BODY)
        if here is not None and len(here) <= self.body_limit:
            return here
        length = self.environ.get("CONTENT_LENGTH") or ""
        if length and not (length.isascii() and length.isdecimal()):
            raise InvalidRequest("Content-Length is not a number")
        # Python refuses to read a number of thousands of digits; this one is too large anyway.
        if len(length) > LENGTH_DIGITS or (length and int(length) > self.body_limit):
            raise BodyTooLarge(f"at most {self.body_limit} bytes are taken here")
        if not length and not self.environ.get("wsgi.input_terminated"):
            return b""
        wanted = int(length) if length else self.body_limit + 1
        content: bytes = self.environ["wsgi.input"].read(wanted)
        if len(content) > self.body_limit:
            raise BodyTooLarge(f"at most {self.body_limit} bytes are taken here")
        if length and len(content) < int(length):
            raise InvalidRequest("the body ended before its length")
        return content

    @once
    def query(self) -> Parameters:
        """The parameters of the URL."""
        return Parameters(str(self.environ.get("QUERY_STRING", "")))

    @once
    def form(self) -> Parameters:
        """The parameters of a form body.

        Raises:
            UnsupportedMediaType: the body is no form.
        """
        if self.content_type != FORM:
            raise UnsupportedMediaType(f"send the parameters as {FORM}")
        try:
            return Parameters(self.body.decode("ascii"))
        except UnicodeDecodeError as error:
            raise InvalidRequest("the form is not URL-encoded") from error

    def json(self) -> Any:  # noqa: ANN401 - whatever JSON says; a schema looks at it next
        """The body as JSON.

        Raises:
            UnsupportedMediaType: the body is not JSON by its content type.
            InvalidRequest: it cannot be parsed, a member stands twice in it, or a text holds what
                no database keeps (NUL, half a surrogate pair).
        """
        if self.content_type != "application/json":
            raise UnsupportedMediaType("send the body as application/json")
        try:
            encoding = json.detect_encoding(self.body)  # as `json.loads`, which makes a decoder
            read = _DECODER.decode(self.body.decode(encoding, "surrogatepass"))
            if rb"\u" in self.body or b"\x00" in self.body:
                _require_text(read)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest("the body is not valid JSON") from error
        return read


@lru_cache(maxsize=64)
def _media_type(told: str) -> str:
    return told.partition(";")[0].strip().lower()


@lru_cache(maxsize=256)
def _key(name: str) -> str:
    return "HTTP_" + name.upper().replace("-", "_")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_refuse_constant)


def _require_text(value: Any) -> None:  # noqa: ANN401 - whatever JSON says
    told = json.dumps(value, ensure_ascii=False)
    told.encode()  # half a surrogate pair has no UTF-8
    if r"\u0000" in told.replace(r"\\", ""):
        raise ValueError("a text holds the character NUL")


Guard = Callable[[Request], Any]
Function = Callable[[Request, Any], Response]


def anyone(_request: Request) -> None:
    """The guard of what everybody may read."""


# Whether a request with this body and this environ will hardly wait for anybody; then a server
# before us may try to answer it without a thread. Wrong guesses cost time, nothing else.
Brief = Callable[[bytes, Mapping[str, Any]], bool]


def never(_body: bytes, _environ: Mapping[str, Any]) -> bool:
    """It waits for others than the database, or asks it in a transaction."""
    return False


def always(_body: bytes, _environ: Mapping[str, Any]) -> bool:
    """Whatever is asked."""
    return True


@dataclass(frozen=True, kw_only=True)
class Door(Described):
    """One machine endpoint."""

    function: Function
    guard: Guard
    refusals: Callable[[Refusal], Response]
    body_limit: int = BODY_LIMIT
    is_documented: bool = True  # stands in /api/openapi.json
    is_brief: Brief = never  # what is kept in the process is enough
    # It waits for the database alone, by `together` and `look`: where these wait without a
    # thread, it takes none. No lock is held over them, and nothing counted before the first.
    asks_once: Brief = never


def serve(
    door: Door, environ: Mapping[str, Any], *, params: Mapping[str, str] | None = None
) -> Response:
    """The door's answer, whatever happens on the way."""
    request = Request(environ, params or _NO_PARAMS, body_limit=door.body_limit)
    try:
        caller = door.guard(request)
        return door.function(request, caller)
    except Refusal as refusal:
        return door.refusals(refusal)
    except Exception as error:  # noqa: BLE001 - the last resort: a reference instead of a text
        return door.refusals(accident(error, request.request_id))


def accident(error: Exception, request_id: str) -> Refusal:
    """What the caller hears of an exception nobody raised on purpose: a reference, no text."""
    if database.is_unavailable(error):
        log.error("database unavailable", kind=type(error).__name__, request_id=request_id)
        return errors.unavailable()
    reference = request_id or uuid.uuid4().hex
    log.error("unexpected", kind=type(error).__name__, reference=reference, where=_where(error))
    return ServerError(f"quote this reference when you report it: {reference}")


def _where(error: BaseException) -> list[str]:
    """File and line of each frame: a traceback without values, which may be personal."""
    frames, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames[-12:]


def add(app: Flask, doors: Iterable[Door]) -> None:
    """Bind each door to a Flask route and to the express lane's table."""
    table: dict[tuple[str, str], Door] = app.extensions.setdefault("motlan.doors", {})
    for door in doors:
        table[(door.method, door.path)] = door
        name = f"door:{door.method}:{door.path}"
        app.add_url_rule(door.path, name, _view(door), methods=[door.method])


def brief(app: Flask, *, asks_database: bool) -> Callable[[str, str], Brief]:
    """Of a method and a path, whether it may be answered without a thread.

    `asks_database`: whether whoever answers so can wait for the database.
    """
    door_of = _finder(app)

    def find(method: str, path: str) -> Brief:
        door = door_of(method, path)
        if door is None:
            return never
        return door.asks_once if asks_database and door.asks_once is not never else door.is_brief

    return find


def _finder(app: Flask) -> Callable[[str, str], Door | None]:
    table: dict[tuple[str, str], Door] = app.extensions.setdefault("motlan.doors", {})
    of_pages: dict[tuple[str, str], Door] = app.extensions.setdefault(ahead.TABLE, {})
    return lambda method, path: table.get((method, path)) or of_pages.get((method, path))


def describe(app: Flask, pages: Iterable[Described]) -> None:
    """Tell of pages that public services send people to; machines never call them."""
    app.extensions.setdefault("motlan.described", []).extend(pages)


def _view(door: Door) -> Callable[..., PageResponse]:
    def view(**params: str) -> PageResponse:
        return in_flask(serve(door, flask_request.environ, params=params))

    view.guard = door.guard  # type: ignore[attr-defined] # read by the check that every route has one
    return view


def in_flask(answer: Response) -> PageResponse:
    """The answer as Flask sends it, with these headers and no other."""
    sent = PageResponse(answer.body, answer.status, list(answer.headers))
    if not any(name == "Content-Type" for name, _ in answer.headers):
        del sent.headers["Content-Type"]  # Flask would call an empty body a page
    return sent


# The door that is answered from the environ itself, before Flask; null: there is none.
Lane = Callable[[str, str], Door | None]


def no_lane(_method: str, _path: str) -> None:
    """Flask answers everything."""


def lane(app: Flask) -> Lane:
    """The express lane: finds the door that is answered from the environ itself, before Flask."""
    door_of = _finder(app)

    def find(method: str, path: str) -> Door | None:
        door = door_of(method, path)
        # Whoever asks for the very words of a path with a variable is read by Flask as anybody is.
        return None if door is None or "<" in door.path else door

    return find
