"""The pages of a sign-out that a public service asks for."""

import structlog
from flask import Blueprint, g, make_response, redirect, render_template, request
from flask.wrappers import Response as PageResponse
from werkzeug.wrappers import Response as AnyResponse

from identity import browser, doors, language
from identity.authentication import guard, sessions
from identity.described import HTML, Answer, Described
from identity.errors import Refusal
from identity.guards import anyone, enter
from identity.logout import rp_initiated
from identity.logout.rp_initiated import InvalidLogout, SignOut
from identity.requested.pending import origin

log = structlog.get_logger(__name__)
pages = Blueprint("logout", __name__)


def _described(method: str) -> Described:
    moved = {"Location": "the public service, or a page of ours"}
    return Described(
        method=method,
        path="/end-session",
        summary="Send a person's browser here to sign out",
        query=rp_initiated.PARAMETERS if method == "GET" else (),
        form=(rp_initiated.PARAMETERS,) if method == "POST" else (),
        answers={
            200: Answer("a page that asks the person", {"type": "string"}, HTML),
            303: Answer("the browser goes on", headers=moved),
        },
        refuses=(InvalidLogout,),
    )


DESCRIBED = tuple(_described(method) for method in ("GET", "POST"))


@pages.get("/end-session")
@enter(anyone)
def ask_to_end_session() -> AnyResponse:
    """A public service asks; the person confirms, so that no link can sign anybody out."""
    query = doors.Request(request.environ).query
    carried = query.one("sign_out")
    return _confirm(rp_initiated.unseal(carried) if carried else rp_initiated.read(query))


@pages.post("/end-session")
@enter(anyone, cross_site=True)
def ask_to_end_session_by_form() -> AnyResponse:
    """The same by a form of another site; shown by GET, where our cookies come along."""
    sign_out = rp_initiated.read(doors.Request(request.environ).form)
    return redirect("/end-session?sign_out=" + rp_initiated.seal(sign_out), 303)


@pages.post("/end-session/confirm")
@enter(anyone)
def end_session() -> AnyResponse:
    """The person's own yes: the session is over, and the browser goes where it may."""
    sign_out = rp_initiated.unseal(browser.field("sign_out"))
    session = guard.citizen_session()
    if session is not None:
        sessions.end(session)
    answer = redirect(sign_out.way_back or "/sign-out", 303)
    browser.forget_cookie(answer, guard.COOKIE)  # type: ignore[arg-type] # werkzeug's base
    return answer


@pages.app_errorhandler(InvalidLogout)
def show_refused(refusal: Refusal) -> PageResponse:
    """In place and never a redirect; the sentence is the contract's, the detail a developer's."""
    log.info("refused", slug=refusal.slug, note=refusal.note or refusal.detail)
    return make_response(render_template("refused.html", refusal=refusal), refusal.status)


def _confirm(sign_out: SignOut) -> AnyResponse:
    g.ui_locales = sign_out.ui_locales
    if guard.citizen_session() is None:
        return redirect(sign_out.way_back or "/sign-out", 303)
    if sign_out.way_back is not None:
        g.form_target = origin(sign_out.way_back)
    page = render_template(
        "logout/end_session.html",
        service_name=rp_initiated.service_name(sign_out, language.chosen()),
        sealed=rp_initiated.seal(sign_out),
    )
    return make_response(page)
