"""Requests that need no page, answered before Flask is asked (RFC 6749 §4.1.2, decision 0003).

Somebody is signed in, everything is decided, and the browser goes straight back. Whatever else
may be the case, the page of the same address answers, and nothing was done before it does.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from identity import ahead, browser, doors
from identity.ahead import PassedOn
from identity.authentication import guard, sessions
from identity.authorization import authorize, response_modes
from identity.authorization.answering import Moved
from identity.authorization.authorize import Visit
from identity.authorization.response_modes import Posted
from identity.doors import Door
from identity.errors import Refusal
from identity.messages import Response
from identity.requested import requests
from identity.requested.wish import Wish


def go_back(request: doors.Request, _caller: None) -> Response:
    """The same as the page's, by the same rules, as far as it is a redirect to who asks.

    Raises:
        PassedOn: it is not.
        Refusal: the page shows it.
    """
    cookie = _cookie(request, browser.cookie_name(guard.COOKIE))
    query = request.query
    if cookie is None or not _BROUGHT_ELSEHOW.isdisjoint(query.names()):
        raise PassedOn
    wish = requests.read(query)
    if not response_modes.is_in_query(wish):
        raise PassedOn
    answer = _at_once(wish, cookie) or _after_a_look(wish, cookie)
    assert isinstance(answer, Response)  # noqa: S101 - the mode is no form
    return answer


def _at_once(wish: Wish, cookie: str) -> Response | Posted | None:
    """A code by the session as it is remembered, in the one statement that asks if it still lives.

    Null: nothing was done. Only a code is told by memory; all else is worth a look.
    """
    session = sessions.recalled(cookie)
    if session is None:
        return None
    try:
        return authorize.look(Visit(wish, session, _wait))
    except (Moved, Refusal, PassedOn):
        return None


def _after_a_look(wish: Wish, cookie: str) -> Response | Posted:
    session = sessions.find(cookie)
    if session is None:
        raise PassedOn
    return authorize.authorize(Visit(wish, session, _wait))


def is_worth_a_try(_body: bytes, environ: Mapping[str, Any]) -> bool:
    """Whether somebody may be signed in: nobody else goes straight back."""
    return browser.cookie_name(guard.COOKIE) in environ.get("HTTP_COOKIE", "")


def _cookie(request: doors.Request, name: str) -> str | None:
    """The first of that name, which is the one that the page would read."""
    for pair in (request.header("Cookie") or "").split(";"):
        told, _, value = pair.partition("=")
        if told.strip() == name:
            return value.strip()
    return None


# Signed or pushed before, or waiting here: each has to be looked up or fetched first.
_BROUGHT_ELSEHOW = frozenset({"request", "request_uri"})


def _wait() -> NoReturn:
    """The request is about to be stored, until a page is answered."""
    raise PassedOn


DOOR = Door(
    method="GET",
    path="/authorize",
    summary="Go straight back where nothing is left to ask",
    function=go_back,
    guard=doors.anyone,
    refusals=ahead.pass_on,
    asks_once=is_worth_a_try,
)
