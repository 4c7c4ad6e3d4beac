"""The provider's pages: `/authorize`, and sign-out asked for by a public service."""

import uuid

import structlog
from flask import Blueprint, g, make_response, redirect, render_template, request
from flask.wrappers import Response as PageResponse
from werkzeug.wrappers import Response as AnyResponse

from identity import browser, doors, language
from identity.authentication import asking, guard, sessions
from identity.described import HTML, Answer, Described
from identity.errors import NotFound, Refusal
from identity.guards import anyone, enter
from identity.messages import Response
from identity.parameters import Parameter, Parameters
from identity.provider import authorize, logout, pending, requests, wish
from identity.provider.authorize import Visit
from identity.provider.logout import SignOut
from identity.provider.pending import AlreadyAnswered, Pending

log = structlog.get_logger(__name__)
pages = Blueprint("provider", __name__)


def _described(path: str, method: str, *, takes: tuple[Parameter, ...], summary: str) -> Described:
    moved = {"Location": "the public service, or a page of ours"}
    return Described(
        method=method,
        path=path,
        summary=summary,
        query=takes if method == "GET" else (),
        form=(takes,) if method == "POST" else (),
        answers={
            200: Answer("a page that asks the person", {"type": "string"}, HTML),
            303: Answer("the browser goes on", headers=moved),
        },
        refuses=(NotFound, AlreadyAnswered),
    )


_ASK = "Send a person's browser here to sign in and to decide"
_LEAVE = "Send a person's browser here to sign out"
DESCRIBED = tuple(
    _described(path, method, takes=takes, summary=summary)
    for path, takes, summary in (
        ("/authorize", wish.PARAMETERS, _ASK),
        ("/end-session", logout.PARAMETERS, _LEAVE),
    )
    for method in ("GET", "POST")
)


@pages.get("/authorize")
@enter(anyone)
def take_request() -> AnyResponse:
    """A new request of a public service, or a person coming back to one that waits."""
    query = doors.Request(request.environ).query
    waiting = _waiting(query)
    if waiting is None:
        asked = requests.read(query)
        g.ui_locales = asked.ui_locales
        return _sent(authorize.authorize(Visit(asked, guard.citizen_session(), browser.digest)))
    g.ui_locales = waiting.ui_locales
    session = guard.citizen_session()
    return _sent(authorize.authorize(Visit(waiting.wish, session, browser.digest, waiting)))


@pages.post("/authorize")
@enter(anyone, cross_site=True)
def take_posted_request() -> AnyResponse:
    """The same as a form of another site: kept, and opened by GET."""
    asked = requests.read(doors.Request(request.environ).form)
    g.ui_locales = asked.ui_locales
    return _sent(authorize.receive(asked))


@pages.get("/end-session")
@enter(anyone)
def ask_to_end_session() -> AnyResponse:
    """A public service asks; the person confirms, so that no link can sign anybody out."""
    query = doors.Request(request.environ).query
    carried = query.one("sign_out")
    return _confirm(logout.unseal(carried) if carried else logout.read(query))


@pages.post("/end-session")
@enter(anyone, cross_site=True)
def ask_to_end_session_by_form() -> AnyResponse:
    """The same by a form of another site; shown by GET, where our cookies come along."""
    sign_out = logout.read(doors.Request(request.environ).form)
    return redirect("/end-session?sign_out=" + logout.seal(sign_out), 303)


@pages.post("/end-session/confirm")
@enter(anyone)
def end_session() -> AnyResponse:
    """The person's own yes: the session is over, and the browser goes where it may."""
    sign_out = logout.unseal(browser.field("sign_out"))
    session = guard.citizen_session()
    if session is not None:
        sessions.end(session)
    answer = redirect(sign_out.way_back or "/sign-out", 303)
    browser.forget_cookie(answer, guard.COOKIE)  # type: ignore[arg-type] # werkzeug's base
    return answer


@pages.app_errorhandler(requests.NotSentBack)
@pages.app_errorhandler(logout.InvalidLogout)
@pages.app_errorhandler(pending.RequestOver)
def show_refused(refusal: Refusal) -> PageResponse:
    """In place and never a redirect; the sentence is the contract's, the detail a developer's."""
    log.info("refused", slug=refusal.slug, note=refusal.note or refusal.detail)
    page = render_template("provider/refused.html", refusal=refusal)
    return make_response(page, refusal.status)


@pages.app_errorhandler(pending.AlreadyAnswered)
def show_answered(refusal: Refusal) -> PageResponse:
    """The back button or a second click: said plainly, with a way on."""
    page = render_template("provider/answered.html", way_back=g.get("way_back"))
    return make_response(page, refusal.status)


def find_asking(request_id: str, digest: bytes, _language: str) -> asking.Asking | None:
    """Who sent the person to sign in; the page then speaks the language that was asked for."""
    found = _found(request_id, digest)
    if found is None or found.is_answered:
        return None
    g.ui_locales = found.ui_locales
    service = found.public_service
    return asking.Asking(
        service_name=service.name(language.chosen()),
        organisation_name=service.organisation.name,
        public_service_id=service.id,
        form_target=pending.form_target(found),
    )


def _found(request_id: str, digest: bytes) -> Pending | None:
    try:
        return pending.find(uuid.UUID(hex=request_id), digest)
    except (ValueError, requests.NotSentBack):
        return None


def _waiting(query: Parameters) -> Pending | None:
    """The stored request that the address names; null: it is a new one.

    RFC 9101 has a parameter of the same name, which always comes with a client_id.
    """
    if query.names() != ["request"]:
        return None
    try:
        request_id = uuid.UUID(hex=query.one("request") or "")
    except ValueError:
        return None
    found = pending.open_in(request_id, browser.digest())
    g.way_back = pending.origin(found.wish.redirect_uri)
    return found


def _confirm(sign_out: SignOut) -> AnyResponse:
    g.ui_locales = sign_out.ui_locales
    if guard.citizen_session() is None:
        return redirect(sign_out.way_back or "/sign-out", 303)
    if sign_out.way_back is not None:
        g.form_target = pending.origin(sign_out.way_back)
    page = render_template(
        "provider/end_session.html",
        service_name=logout.service_name(sign_out, language.chosen()),
        sealed=logout.seal(sign_out),
    )
    return make_response(page)


def _sent(answer: Response) -> PageResponse:
    return PageResponse(answer.body, answer.status, list(answer.headers))
