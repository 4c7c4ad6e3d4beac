"""The pages of whoever holds the phone: the code on the device, and whether it is really theirs."""

from flask import Blueprint, g, make_response, redirect, render_template, request
from flask.wrappers import Response
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from identity import browser, sealing
from identity.authentication.guard import citizen, visit
from identity.authentication.lockout import TooManyTries, block
from identity.authentication.pages import Errors, answered, told
from identity.authentication.sessions import CitizenSession
from identity.device import guesses, requests, user_code
from identity.device.requests import Waiting
from identity.guards import enter
from identity.polled import pages as polled_pages
from identity.requested import pending
from identity.requested.pending import RequestOver

pages = Blueprint("device", __name__, url_prefix="/device")

PURPOSE = "device-page"
DIGEST = 32  # bytes, of the device code and of the browser


@pages.get("")
@enter(citizen)
def ask_code(_session: CitizenSession) -> Response:
    """The field for the code; the address that a device shows as a picture has filled it in."""
    return _code_page(typed=user_code.typed(request.args.get("user_code", "")) or "")


@pages.post("")
@enter(citizen)
def take_code(session: CitizenSession) -> AnyResponse:
    """The device is found; then what it asks for."""
    text = browser.text("user_code")
    if not text:
        return _code_page([("user-code", _("Nhập mã đang hiện trên thiết bị."))], status=400)
    try:
        found = guesses.find(text, session, visit=visit())
    except TooManyTries as refusal:
        return answered(_code_page([told(refusal)], status=refusal.status), refusal)
    except guesses.WrongUserCode as refusal:
        wrong = _("Mã không đúng hoặc đã hết hạn. Xem lại mã đang hiện trên thiết bị.")
        return _code_page([("user-code", wrong)], status=refusal.status, typed=text[:40])
    return redirect(f"/device/{_place(found, user_code.typed(text) or '')}", 303)


@pages.get("/allowed")
@enter(citizen)
def show_allowed(_session: CitizenSession) -> str:
    """The device goes on by itself."""
    return render_template("device/answered.html", is_allowed=True)


@pages.get("/refused")
@enter(citizen)
def show_refused(_session: CitizenSession) -> str:
    """The device gets nothing."""
    return render_template("device/answered.html", is_allowed=False)


@pages.get("/<told_place>")
@enter(citizen)
def ask(_session: CitizenSession, told_place: str) -> str:
    """Who asks, from which device, and since when: RFC 8628 §5.4."""
    found, code = _found(told_place)
    is_near = found.asked_from == block(request.remote_addr or "")
    return render_template("device/ask.html", one=found, code=code, is_near=is_near)


@pages.post("/<told_place>")
@enter(citizen)
def answer(session: CitizenSession, told_place: str) -> AnyResponse:
    """Not theirs: the end. Theirs: the same way as any other request, from here on."""
    found, _code = _found(told_place)
    return polled_pages.answered(
        deny=lambda: requests.deny(found.polled, session),
        refused="/device/refused",
        keep=lambda: pending.keep(found.wish, browser.digest()),
    )


def _place(found: Waiting, code: str) -> str:
    """The address of its page, which opens in this browser alone; the code to compare in it."""
    told = found.polled.digest + browser.digest() + code.encode()
    return sealing.ring().seal_token(PURPOSE, told)


def _found(told_place: str) -> tuple[Waiting, str]:
    try:
        told = sealing.ring().open_token(PURPOSE, told_place)
    except sealing.Unreadable:
        told = b""
    is_here = told[DIGEST : 2 * DIGEST] == browser.digest()
    found = requests.find(told[:DIGEST]) if is_here else None
    if found is None:
        raise RequestOver("no device waits here; start again at the device")
    g.ui_locales = found.wish.ui_locales
    return found, told[2 * DIGEST :].decode()


def _code_page(errors: Errors | None = None, *, status: int = 200, typed: str = "") -> Response:
    page = render_template("device/code.html", errors=errors or [], typed=typed)
    return make_response(page, status)
