"""The page `/authorize`, and what it says where it cannot send anybody back."""

import uuid
from contextlib import suppress
from datetime import datetime

import structlog
from flask import Blueprint, g, make_response, render_template, request
from flask.wrappers import Response as PageResponse
from werkzeug.wrappers import Response as AnyResponse

from identity import ahead, browser, doors, language
from identity.authentication import asking, guard
from identity.authorization import authorize
from identity.authorization.authorize import Visit
from identity.authorization.response_modes import Posted
from identity.described import HTML, Answer, Described
from identity.errors import NotFound, Refusal
from identity.guards import anyone, enter
from identity.messages import NO_STORE, Response
from identity.parameters import Parameters
from identity.requested import pending, pushed, request_objects, requests, wish
from identity.requested.pending import AlreadyAnswered, Pending
from identity.requested.wish import Wish

log = structlog.get_logger(__name__)
pages = Blueprint("authorization", __name__)


def _described(method: str) -> Described:
    moved = {"Location": "the public service, or a page of ours"}
    return Described(
        method=method,
        path="/authorize",
        summary="Send a person's browser here to sign in and to decide",
        query=wish.OF_BROWSERS if method == "GET" else (),
        form=(wish.OF_BROWSERS,) if method == "POST" else (),
        answers={
            200: Answer("a page whose button posts the answer", {"type": "string"}, HTML),
            303: Answer("the browser goes on", headers=moved),
        },
        refuses=(NotFound, AlreadyAnswered),
    )


DESCRIBED = tuple(_described(method) for method in ("GET", "POST"))


@pages.get("/authorize")
@enter(anyone)
def take_request() -> AnyResponse:
    """A new request of a public service, or a person coming back to one that waits."""
    ahead.raise_passed_on(request.environ)
    query = doors.Request(request.environ).query
    waiting = _waiting(query)
    if waiting is None:
        asked = _asked(query)
        g.ui_locales = asked.ui_locales
        return _sent(authorize.authorize(Visit(asked, guard.citizen_session(), browser.digest)))
    g.ui_locales = waiting.ui_locales
    session = guard.citizen_session()
    return _sent(authorize.authorize(Visit(waiting.wish, session, browser.digest, waiting)))


@pages.post("/authorize")
@enter(anyone, cross_site=True)
def take_posted_request() -> AnyResponse:
    """The same as a form of another site: kept, and opened by GET."""
    form = doors.Request(request.environ).form
    asked = _asked(form)
    g.ui_locales = asked.ui_locales
    return _sent(authorize.receive(asked))


def _asked(sent: Parameters) -> Wish:
    """A new request: one that was pushed, one that came signed, or as it stands."""
    return pushed.find(sent) or request_objects.find(sent) or requests.read(sent)


@pages.app_errorhandler(requests.NotSentBack)
@pages.app_errorhandler(pending.RequestOver)
def show_refused(refusal: Refusal) -> PageResponse:
    """In place and never a redirect; the sentence is the contract's, the detail a developer's."""
    log.info("refused", slug=refusal.slug, note=refusal.note or refusal.detail)
    page = render_template("refused.html", refusal=refusal)
    return make_response(page, refusal.status)


@pages.app_errorhandler(pending.AlreadyAnswered)
def show_answered(refusal: Refusal) -> PageResponse:
    """The back button or a second click: said plainly, with a way on."""
    page = render_template("authorization/answered.html", way_back=g.get("way_back"))
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
        links=service.told_links(language.chosen()),
        form_target=pending.form_target(found),
    )


def keep_asking(request_id: str, digest: bytes, *, until: datetime) -> None:
    """Who sent the person waits until they have what signing in needs."""
    with suppress(ValueError):
        pending.wait(uuid.UUID(hex=request_id), digest, until=until)


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


def _sent(answer: Response | Posted) -> PageResponse:
    if isinstance(answer, Posted):
        g.form_target = pending.origin(answer.redirect_uri)
        page = make_response(render_template("authorization/form_post.html", answer=answer))
        page.headers.extend(NO_STORE)
        return page
    return doors.in_flask(answer)
