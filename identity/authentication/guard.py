"""Who is signed in here: the guard of citizens' pages, and what a request says of its sender."""

from urllib.parse import quote

from flask import current_app, g, request
from werkzeug.exceptions import HTTPException

from identity import browser, devices
from identity.authentication import sessions
from identity.authentication.lockout import Visit
from identity.authentication.sessions import CitizenSession
from identity.guards import Guard
from identity.language import GoElsewhere, request_id

COOKIE = "citizen"


def citizen_session() -> CitizenSession | None:
    """The session of this request's browser; null: nobody is signed in. Looked up once."""
    if "citizen_session" not in g:
        cookie = request.cookies.get(browser.cookie_name(COOKIE), "")
        g.citizen_session = sessions.find(cookie) if cookie else None
    found: CitizenSession | None = g.citizen_session
    return found


def _admit() -> CitizenSession:
    session = citizen_session()
    if session is None:
        raise GoElsewhere("/sign-in?next=" + quote(_way_back(), safe="/"))
    return session


def _way_back() -> str:
    """Where to go after signing in: this page, if it can be opened without sending a form."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    try:
        current_app.url_map.bind("").match(request.path, method="GET")
    except HTTPException:
        return "/my"
    return request.path


citizen = Guard("citizen", _admit)


def visit() -> Visit:
    """From where this request comes, for the budgets and the entry."""
    device = devices.read(request.headers.get("User-Agent", ""))
    return Visit(browser.digest(), request.remote_addr or "", request_id(), device=device)
