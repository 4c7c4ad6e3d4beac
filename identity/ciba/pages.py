"""The pages of whoever is asked for elsewhere: who asks, with which words, and the answer."""

import uuid

from flask import Blueprint, g, render_template
from werkzeug.wrappers import Response as AnyResponse

from identity import browser
from identity.authentication.guard import citizen
from identity.authentication.sessions import CitizenSession
from identity.ciba import requests
from identity.ciba.requests import Waiting
from identity.guards import enter
from identity.polled import pages as polled_pages
from identity.requested import pending
from identity.requested.pending import RequestOver

pages = Blueprint("ciba", __name__, url_prefix="/my/requests")


@pages.get("")
@enter(citizen)
def show_waiting(session: CitizenSession) -> str:
    """Everything that waits for this person."""
    return render_template("ciba/waiting.html", waiting=requests.waiting(session.citizen_id))


@pages.get("/allowed")
@enter(citizen)
def show_allowed(_session: CitizenSession) -> str:
    """The service goes on by itself."""
    return render_template("ciba/answered.html", is_allowed=True)


@pages.get("/refused")
@enter(citizen)
def show_refused(_session: CitizenSession) -> str:
    """The service gets nothing."""
    return render_template("ciba/answered.html", is_allowed=False)


@pages.get("/<uuid:request_id>")
@enter(citizen)
def ask(session: CitizenSession, request_id: uuid.UUID) -> str:
    """Who asks, since when, and the words that must be the same there and here."""
    return render_template("ciba/ask.html", one=_found(session, request_id))


@pages.post("/<uuid:request_id>")
@enter(citizen)
def answer(session: CitizenSession, request_id: uuid.UUID) -> AnyResponse:
    """No: the end. Yes: the same way as any other request, from here on."""
    found = _found(session, request_id)
    return polled_pages.answered(
        deny=lambda: requests.deny(found.polled, session),
        refused="/my/requests/refused",
        keep=lambda: pending.keep(found.wish, browser.digest()),
    )


def _found(session: CitizenSession, request_id: uuid.UUID) -> Waiting:
    found = requests.find(session.citizen_id, request_id)
    if found is None:
        raise RequestOver("this request is over; start again at the public service")
    g.ui_locales = found.wish.ui_locales
    return found
