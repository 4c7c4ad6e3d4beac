"""Pages of `/sign-in/activate`: number and letter code, a password, a second factor.

What was chosen before waits on the server, so every page can be opened again and every form sent
twice; what the person was about to do is carried along in the address.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from flask.wrappers import Response
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from identity import browser, clock, language, presentation
from identity.activation import activate
from identity.authentication import guard
from identity.authentication.lockout import TooManyTries
from identity.authentication.pages import (
    answered,
    carried,
    destination,
    keep_waiting,
    told,
    visit_here,
    who_asks,
)
from identity.authentication.second_factor import WrongCode
from identity.citizens import people
from identity.citizens.national_id import MalformedNationalId, NationalId
from identity.citizens.passwords import SignInBusy
from identity.factors import printed_code, setups
from identity.factors.pages import (
    Errors,
    app_facts,
    are_shown,
    kind,
    new_password,
    no_shown_code,
    not_shown,
    other_codes,
    weakness,
)
from identity.factors.password_rules import SHORTEST, WeakPassword
from identity.factors.setups import Kind, Setup, SetupEnded
from identity.guards import anyone, enter

pages = Blueprint("activation", __name__, url_prefix="/sign-in")

STEP = "activation"  # the cookie between the pages
START = "/sign-in/activate"
PASSWORD, FACTOR = f"{START}/password", f"{START}/second-factor"
Page = Callable[[Setup], AnyResponse]


@pages.get("/activate")
@enter(anyone)
def ask_letter() -> AnyResponse:
    """The form for the number and the code of the letter."""
    return _letter_page()


@pages.post("/activate")
@enter(anyone)
def take_letter() -> AnyResponse:
    """Number and code; then the page of the password."""
    number, code, errors = _typed()
    if number is None or code is None:
        return _letter_page(errors, status=400)
    try:
        step = activate.prove_letter(number, code, visit=visit_here())
    except activate.WrongLetter as refusal:
        return _letter_page([_wrong_letter()], status=refusal.status)
    except activate.EarlyLetter as refusal:
        return _letter_page([_early(refusal)], status=refusal.status)
    except TooManyTries as refusal:
        return answered(_letter_page([told(refusal)], status=refusal.status), refusal)
    keep_waiting(until=clock.now() + setups.LIFETIME)
    answer = redirect(PASSWORD + carried(), 303)
    browser.set_cookie(answer, STEP, value=step)  # type: ignore[arg-type] # werkzeug's base
    return answer


def between(page: Page) -> Callable[[], AnyResponse]:
    """A page for who is activating in this browser; who has just finished goes on."""

    @wraps(page)
    def entered() -> AnyResponse:
        who_asks()  # its language, and its address for the form's last redirect
        try:
            return page(activate.activation(_step(), guard.visit()))
        except (SetupEnded, activate.WrongLetter) as refusal:
            if not _step() and guard.citizen_session() is not None:  # the form came twice
                return redirect(destination(), 303)
            is_late = isinstance(refusal, SetupEnded)
            error = _too_late() if is_late else _wrong_letter()
            answer = _letter_page([error], status=refusal.status)
            browser.forget_cookie(answer, STEP)
            return answer

    return entered


@pages.get("/activate/password")
@enter(anyone)
@between
def ask_password(_begun: Setup) -> AnyResponse:
    """The form for a password of one's own."""
    return _page("password", shortest=SHORTEST)


@pages.post("/activate/password")
@enter(anyone)
@between
def take_password(begun: Setup) -> AnyResponse:
    """The password; then the choice of a second factor."""
    new, errors = new_password()
    if errors:
        return _page("password", errors, status=400, shortest=SHORTEST)
    try:
        activate.choose_password(begun, new)
    except WeakPassword as refusal:
        error = weakness(refusal.fault)
        return _page("password", [error], status=refusal.status, shortest=SHORTEST)
    except SignInBusy as refusal:
        page = _page("password", [told(refusal)], status=refusal.status, shortest=SHORTEST)
        return answered(page, refusal)
    return redirect(FACTOR + carried(), 303)


@pages.get("/activate/second-factor")
@enter(anyone)
@between
def ask_factor(begun: Setup) -> AnyResponse:
    """An app, or codes on paper."""
    if begun.password_hash is None:
        return redirect(PASSWORD + carried(), 303)
    return _page("factor")


@pages.post("/activate/second-factor")
@enter(anyone)
@between
def take_factor(begun: Setup) -> AnyResponse:
    """The kind; then its page."""
    if begun.password_hash is None:
        return redirect(PASSWORD + carried(), 303)
    chosen = kind()
    activate.choose_factor(begun, chosen)
    return redirect(f"{START}/{chosen}{carried()}", 303)


@pages.get("/activate/authenticator")
@enter(anyone)
@between
def ask_app(begun: Setup) -> AnyResponse:
    """The secret for the app, and the form for the code that it shows."""
    return _app_page(begun)


@pages.post("/activate/authenticator")
@enter(anyone)
@between
def take_app(begun: Setup) -> AnyResponse:
    """A code that the app shows; the person is signed in and goes where they wanted to."""
    code = browser.field("one_time_code")
    if not code.strip():
        return _app_page(begun, [no_shown_code()], status=400)
    if begun.kind is not Kind.AUTHENTICATOR:
        return redirect(FACTOR + carried(), 303)
    try:
        return _finished(begun, code)
    except WrongCode as refusal:
        return _app_page(begun, [not_shown()], status=refusal.status)


@pages.get("/activate/recovery-codes")
@enter(anyone)
@between
def show_codes(begun: Setup) -> AnyResponse:
    """The ten codes, to be printed; they count once the person says to have kept them."""
    if begun.kind is not Kind.RECOVERY_CODES:
        return redirect(FACTOR + carried(), 303)
    return _codes_page(begun)


@pages.post("/activate/recovery-codes")
@enter(anyone)
@between
def take_codes(begun: Setup) -> AnyResponse:
    """The codes are kept; the person is signed in and goes where they wanted to."""
    if begun.kind is not Kind.RECOVERY_CODES:
        return redirect(FACTOR + carried(), 303)
    if not are_shown(begun.codes, owner=begun.citizen_id):
        return _codes_page(begun, [other_codes()], status=409)
    return _finished(begun, "")


def _finished(begun: Setup, code: str) -> AnyResponse:
    before = guard.citizen_session()
    started = activate.finish(begun, code, visit=visit_here(), before=before)
    onward = redirect(destination(), 303)
    browser.set_cookie(onward, guard.COOKIE, value=started.cookie)  # type: ignore[arg-type] # werkzeug's base
    browser.forget_cookie(onward, STEP)  # type: ignore[arg-type] # werkzeug's base
    return onward


def _typed() -> tuple[NationalId | None, str | None, Errors]:
    """Number and code as they were sent, and everything that has to be mended."""
    who_asks()  # its language, before a sentence is said in it
    errors, number = [], None
    try:
        number = NationalId.typed(browser.field("national_id"))
    except MalformedNationalId:
        text = _("Số định danh cá nhân gồm đúng 12 chữ số. Nhập lại số.")
        errors.append(("national-id", text))
    code = printed_code.typed(browser.field("letter_code"))
    if code is None:
        errors.append(("letter-code", _("Mã trong thư gồm đúng 16 chữ số. Nhập lại mã.")))
    return number, code, errors


def _wrong_letter() -> tuple[str, str]:
    text = _("Số định danh cá nhân và mã không khớp, hoặc thư đã hết hạn. Kiểm tra rồi nhập lại.")
    return "national-id", text


def _early(refusal: activate.EarlyLetter) -> tuple[str, str]:
    at = presentation.moment(refusal.good_from, language=language.chosen())
    return "letter-code", _("Mã trong thư này dùng được từ %(at)s. Hãy đợi đến lúc đó.", at=at)


def _too_late() -> tuple[str, str]:
    text = _("Đã quá lâu từ lúc nhập mã trong thư. Nhập lại số và mã từ đầu.")
    return "national-id", text


def _letter_page(errors: Errors | None = None, *, status: int = 200) -> Response:
    return _page("letter", errors, status=status, asking=who_asks())


def _app_page(begun: Setup, errors: Errors | None = None, *, status: int = 200) -> AnyResponse:
    if begun.kind is not Kind.AUTHENTICATOR:
        return redirect(FACTOR + carried(), 303)
    ends = people.person(begun.citizen_id).national_id.reveal()[-3:]
    return _page("app", errors, status=status, **app_facts(begun, number_ends=ends))


def _codes_page(begun: Setup, errors: Errors | None = None, *, status: int = 200) -> Response:
    shown = setups.mark_of(begun.citizen_id, begun.codes)
    return _page("codes", errors, status=status, codes=begun.codes, shown=shown)


def _page(
    name: str,
    errors: Errors | None = None,
    *,
    status: int = 200,
    **facts: Any,  # noqa: ANN401 - a template's
) -> Response:
    page = render_template(
        f"activation/{name}.html", errors=errors or [], carried=carried(), **facts
    )
    return make_response(page, status)


def _step() -> str:
    return request.cookies.get(browser.cookie_name(STEP), "")
