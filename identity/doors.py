"""Two doors, one function: a machine endpoint is a plain function from Request to Response.

Flask's door and the express lane call the same `serve`; the lane does so before Flask builds a
request context (docs/decisions). One table, `DOORS`, gives routes, guards, limits and OpenAPI.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask
from flask import request as flask_request
from flask.wrappers import Response as PageResponse

from identity import ahead, database, errors
from identity.asked import BODY, BODY_LIMIT, FORM, LENGTH_DIGITS, NO_PARAMS, Request
from identity.described import Described
from identity.errors import Refusal, ServerError
from identity.messages import Response

__all__ = [
    "BODY",
    "BODY_LIMIT",
    "FORM",
    "LENGTH_DIGITS",
    "Brief",
    "Door",
    "Function",
    "Guard",
    "Lane",
    "Request",
    "accident",
    "add",
    "always",
    "anyone",
    "brief",
    "describe",
    "in_flask",
    "lane",
    "never",
    "no_lane",
    "serve",
]

log = structlog.get_logger(__name__)

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
    request = Request(environ, params or NO_PARAMS, body_limit=door.body_limit)
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
