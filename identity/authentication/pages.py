"""Citizens' pages: signing in, and signing out. Every one works without script."""

import re
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from flask import Blueprint, g, make_response, redirect, render_template, request
from flask.wrappers import Response
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from identity import browser, language
from identity.authentication import asking, guard, sessions, sign_in
from identity.authentication.lockout import TooManyTries, Visit
from identity.authentication.second_factor import WrongCode
from identity.citizens.national_id import MalformedNationalId, NationalId
from identity.citizens.passwords import SignInBusy
from identity.errors import Refusal
from identity.guards import anyone, enter
from identity.steps.half import StepEnded

pages = Blueprint("authentication", __name__)

STEP = "step"  # the cookie between password and code
# A place of ours and nothing else: no host, no backslash, no control character (RFC 9700 §4.11).
_OURS = re.compile(r"/(?![/\\])[A-Za-z0-9._~/%?&=+,:@-]{0,1000}")
_OPAQUE = re.compile(r"[A-Za-z0-9_-]{1,200}")

Errors = list[tuple[str, str]]  # the field's id, or "" for the whole form, and a sentence


@pages.get("/")
@enter(anyone)
def home() -> AnyResponse:
    """The first page is one's own."""
    return redirect("/my", 303)


@pages.get("/sign-in")
@enter(anyone)
def ask_password() -> AnyResponse:
    """The form; who is signed in and was not sent here by a service goes on."""
    if _asked_request() is None and guard.citizen_session() is not None:
        return redirect(destination(), 303)
    return _password_page()


@pages.post("/sign-in")
@enter(anyone)
def take_password() -> AnyResponse:
    """Number and password; then the page of the code."""
    number, password, errors = _credentials()
    if number is None or errors:
        return _password_page(errors, status=400)
    try:
        step = sign_in.prove_password(number, password, visit=visit_here())
    except (sign_in.WrongCredentials, sign_in.AccountBarred, TooManyTries, SignInBusy) as refusal:
        return answered(_password_page([told(refusal)], status=refusal.status), refusal)
    answer = redirect("/sign-in/code" + carried(), 303)
    browser.set_cookie(answer, STEP, value=step)  # type: ignore[arg-type] # werkzeug's base
    return answer


@pages.get("/sign-in/code")
@enter(anyone)
def ask_code() -> AnyResponse:
    """The form for the one-time code, for who has proved a password in this browser."""
    if not _step():
        return redirect("/sign-in" + carried(), 303)
    return _code_page()


@pages.post("/sign-in/code")
@enter(anyone)
def take_code() -> AnyResponse:
    """The code; then where the person wanted to go."""
    code = browser.field("one_time_code")
    if not code.strip():
        who_asks()  # as for the password
        return _code_page([no_code()], status=400)
    before = guard.citizen_session()
    if before is not None and not _step():  # the form came twice: the first one signed in
        return redirect(destination(), 303)
    try:
        started = sign_in.finish(_step(), code, visit=visit_here(), before=before)
    except StepEnded as refusal:
        answer = _password_page([told(refusal)], status=refusal.status)
        browser.forget_cookie(answer, STEP)
        return answer
    except (WrongCode, TooManyTries, sign_in.AccountBarred) as refusal:
        return answered(_code_page([told(refusal)], status=refusal.status), refusal)
    onward = redirect(destination(), 303)
    browser.set_cookie(onward, guard.COOKIE, value=started.cookie)  # type: ignore[arg-type] # werkzeug's base
    browser.forget_cookie(onward, STEP)  # type: ignore[arg-type] # werkzeug's base
    return onward


@pages.get("/sign-out")
@enter(anyone)
def ask_sign_out() -> str:
    """Signing out is confirmed, so that no link of another site can do it."""
    session = guard.citizen_session()
    return render_template("authentication/sign_out.html", is_signed_in=session is not None)


@pages.post("/sign-out")
@enter(anyone)
def sign_out() -> AnyResponse:
    """The session is over: here, or wherever this person is signed in."""
    session = guard.citizen_session()
    if session is not None and browser.field("everywhere"):
        sessions.end_everywhere(session.citizen_id, "sign-out-everywhere")
    elif session is not None:
        sessions.end(session)
    answer = redirect("/sign-out", 303)
    browser.forget_cookie(answer, guard.COOKIE)  # type: ignore[arg-type] # werkzeug's base
    return answer


def _credentials() -> tuple[NationalId | None, str, Errors]:
    """Number and password as they were sent, and everything that has to be mended."""
    who_asks()  # the language of whoever sent the person here, before a sentence is said in it
    errors, number, password = [], None, browser.field("password")
    try:
        number = NationalId.typed(browser.field("national_id"))
    except MalformedNationalId:
        text = _("Số định danh cá nhân gồm đúng 12 chữ số. Nhập lại số.")
        errors.append(("national-id", text))
    if not password:
        errors.append(("password", _("Nhập mật khẩu.")))
    return number, password, errors


def told(refusal: Refusal) -> tuple[str, str]:
    """The field to look at and the sentence; the same for a wrong password and for nobody."""
    wait = dict(refusal.headers).get("Retry-After", "60")
    minutes = -(-int(wait) // 60)  # rounded up, so that who comes back then may try
    sentences = {
        sign_in.WrongCredentials: (
            "national-id",
            _("Số định danh cá nhân hoặc mật khẩu không đúng. Kiểm tra rồi nhập lại."),
        ),
        sign_in.AccountBarred: ("", _("Tài khoản này hiện không đăng nhập được. Xem Trợ giúp.")),
        TooManyTries: ("", _("Đã thử quá nhiều lần. Đợi %(n)s phút rồi thử lại.", n=minutes)),
        SignInBusy: ("", _("Đang có quá nhiều người đăng nhập. Đợi một phút rồi thử lại.")),
        StepEnded: ("national-id", _("Đã quá lâu từ lúc nhập mật khẩu. Đăng nhập lại từ đầu.")),
        WrongCode: ("one-time-code", _("Mã không đúng hoặc đã dùng rồi. Đợi mã mới rồi nhập lại.")),
    }
    return sentences[type(refusal)]


def no_code() -> tuple[str, str]:
    """The field of the code was left open, which is no try."""
    return "one-time-code", _("Nhập mã 6 chữ số trong ứng dụng, hoặc một mã dự phòng.")


def _password_page(errors: Errors | None = None, *, status: int = 200) -> Response:
    page = render_template(
        "authentication/sign_in.html", errors=errors or [], asking=who_asks(), carried=carried()
    )
    return make_response(page, status)


def _code_page(errors: Errors | None = None, *, status: int = 200) -> Response:
    restart = "/sign-in" + carried()
    who_asks()
    left = sign_in.codes_left(_step(), browser.digest())
    page = render_template(
        "authentication/code.html", errors=errors or [], restart=restart, codes=left
    )
    return make_response(page, status)


def answered(page: Response, refusal: Refusal) -> Response:
    """The page with what the refusal says in headers."""
    page.headers.extend(refusal.headers)
    return page


def _asked_request() -> str | None:
    """The pending request that sent the person here; null: none, or nonsense."""
    told_id = request.args.get("request", "")
    return told_id if _OPAQUE.fullmatch(told_id) else None


def who_asks() -> asking.Asking | None:
    """Who asks, looked up once. After its form the page may be followed by a redirect to them."""
    request_id = _asked_request()
    if request_id is None:
        return None
    if "asking" not in g:
        g.asking = asking.find(request_id, browser.digest(), language=language.chosen())
        if g.asking is not None:
            g.form_target = g.asking.form_target
    found: asking.Asking | None = g.asking
    return found


def keep_waiting(*, until: datetime) -> None:
    """Who sent the person here waits for them until then, and as long as they then need."""
    if (request_id := _asked_request()) is not None:
        asking.keep_waiting(request_id, browser.digest(), until=until)


def visit_here() -> Visit:
    """From where this request comes, and which service sent the person."""
    found, here = who_asks(), guard.visit()
    return here if found is None else replace(here, public_service_id=found.public_service_id)


def _step() -> str:
    return request.cookies.get(browser.cookie_name(STEP), "")


def _next() -> str | None:
    place = request.args.get("next", "")
    return place if _OURS.fullmatch(place) else None


def carried() -> str:
    """What every page of signing in hands on to the next: where the person wanted to go."""
    if request_id := _asked_request():
        return "?request=" + request_id
    place = _next()
    return "" if place is None else "?next=" + quote(place, safe="/")


def destination() -> str:
    """Where the person wanted to go."""
    if request_id := _asked_request():
        return "/authorize?request=" + request_id
    return _next() or "/my"
