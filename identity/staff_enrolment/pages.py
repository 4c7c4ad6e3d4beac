"""Pages on which staff enrol: the code of their link, a password, the app, the printed codes.

Their order is that of the acts; what was told before waits on the server, so every page can be
opened again and every form sent twice.
"""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from flask.wrappers import Response
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from identity import browser, language
from identity.authentication.guard import visit
from identity.authentication.lockout import TooManyTries
from identity.authentication.pages import Errors, told
from identity.authentication.second_factor import WrongCode
from identity.citizens.passwords import SignInBusy
from identity.errors import Refusal
from identity.factors import authenticator, setups
from identity.factors.pages import are_shown, other_codes
from identity.factors.password_rules import SHORTEST, Fault, find_fault, unaccented
from identity.guards import anyone, enter
from identity.staff import guard
from identity.staff_enrolment import enrol
from identity.staff_enrolment.enrol import Enrolling, EnrolmentEnded, WrongEnrolmentCode

pages = Blueprint("staff_enrolment", __name__, url_prefix="/staff")

STEP = "staff-enrolment"  # the cookie between the pages
PASSWORD, APP, CODES = "/staff/enrol/password", "/staff/enrol/app", "/staff/enrol/codes"
SIGN_IN = "/staff/sign-in?enrolled=1"
Page = Callable[[Enrolling], AnyResponse]


@pages.get("/enrol/<uuid:enrolment_id>")
@enter(anyone)
def ask_code(enrolment_id: uuid.UUID) -> AnyResponse:
    """The form for the code of a link. It looks the same whether or not there is such a link."""
    del enrolment_id
    return form("staff/enrol_link.html")


@pages.post("/enrol/<uuid:enrolment_id>")
@enter(anyone)
def take_code(enrolment_id: uuid.UUID) -> AnyResponse:
    """The code; then the pages of the password, the app and the printed codes."""
    code = browser.field("code")
    if not code.strip():
        text = _("Nhập mã đăng ký gồm 16 chữ số.")
        return form("staff/enrol_link.html", [("code", text)], status=400)
    try:
        step = enrol.open_link(enrolment_id, code, visit=visit())
    except WrongEnrolmentCode as refusal:
        text = _("Mã không đúng, hoặc liên kết đã hết hạn hay đã dùng. Kiểm tra rồi nhập lại.")
        return form("staff/enrol_link.html", [("code", text)], status=refusal.status)
    except TooManyTries as refusal:
        return form("staff/enrol_link.html", [told(refusal)], refusal=refusal)
    return onward(PASSWORD, step)


def between(page: Page) -> Callable[[], AnyResponse]:
    """A page for who is enrolling in this browser; who has just finished goes to sign in."""

    @wraps(page)
    def entered() -> AnyResponse:
        try:
            return page(enrol.enrolling(_step(), browser.digest()))
        except EnrolmentEnded as ended:
            if ended.is_done:
                return redirect(SIGN_IN, 303)
            raise

    return entered


@pages.get("/enrol/password")
@enter(anyone)
@between
def ask_password(one: Enrolling) -> AnyResponse:
    """The form for a password."""
    return redirect(APP, 303) if one.keeps_password else _password_form(one)


@pages.post("/enrol/password")
@enter(anyone)
@between
def take_password(one: Enrolling) -> AnyResponse:
    """The password; then the page of the app."""
    if one.keeps_password:
        return redirect(APP, 303)
    new, errors = new_password(one.member.username, one.name, one.member.unit)
    if errors:
        return _password_form(one, errors, status=400)
    try:
        enrol.choose_password(one, new)
    except SignInBusy as refusal:
        return _password_form(one, [told(refusal)], refusal=refusal)
    return redirect(APP, 303)


@pages.get("/enrol/app")
@enter(anyone)
@between
def ask_app(one: Enrolling) -> AnyResponse:
    """The secret as a picture and as text, and the form for the code that the app shows."""
    return redirect(PASSWORD, 303) if one.setup is None else _app_form(one)


@pages.post("/enrol/app")
@enter(anyone)
@between
def take_app(one: Enrolling) -> AnyResponse:
    """A code that the app shows; then the page of the printed codes."""
    if one.setup is None:
        return redirect(PASSWORD, 303)
    code = browser.field("one_time_code")
    if not code.strip():
        text = _("Nhập mã gồm 6 chữ số đang hiện trong ứng dụng.")
        return _app_form(one, [("one-time-code", text)], status=400)
    try:
        enrol.prove_app(one, code)
    except WrongCode as refusal:
        text = _("Mã không khớp. Quét lại hình, kiểm tra giờ trên điện thoại rồi nhập mã mới.")
        return _app_form(one, [("one-time-code", text)], status=refusal.status)
    return redirect(CODES, 303)


@pages.get("/enrol/codes")
@enter(anyone)
@between
def show_codes(one: Enrolling) -> AnyResponse:
    """The ten printed codes; they count once the person says to have kept them."""
    if one.setup is None or one.setup.step is None:
        return redirect(APP, 303)
    return _codes_form(one)


@pages.post("/enrol/codes")
@enter(anyone)
@between
def take_codes(one: Enrolling) -> AnyResponse:
    """Everything chosen counts from now on; then the sign-in with it."""
    if one.setup is None or one.setup.step is None:
        return redirect(APP, 303)
    if not are_shown(one.setup.codes, owner=one.member.id):
        return _codes_form(one, [other_codes()], status=409)
    enrol.finish(one, visit=visit())
    answer = redirect(SIGN_IN, 303)
    browser.forget_cookie(answer, guard.COOKIE)  # type: ignore[arg-type] # werkzeug's base
    return answer


@pages.errorhandler(Refusal)
def refused(refusal: Refusal) -> AnyResponse:
    """A refusal in the person's language."""
    if isinstance(refusal, EnrolmentEnded):
        refusal.sentence = _("Đã quá lâu, hoặc đã mở ở trình duyệt khác. Mở lại liên kết đăng ký.")
    return language.answer(refusal)


def new_password(*about: str) -> tuple[str, Errors]:
    """The password that was typed twice, and what has to be mended; `about` is easy to guess."""
    new, again = browser.field("new_password"), browser.field("repeated")
    if not new:
        return new, [("new-password", _("Nhập mật khẩu mới."))]
    if new != again:
        return new, [("repeated", _("Hai lần nhập không giống nhau. Nhập lại mật khẩu mới."))]
    fault = find_fault(new, _own_words(*about))
    return new, [] if fault is None else [("new-password", _weakness(fault))]


def _own_words(*about: str) -> list[str]:
    """What everybody who knows the person would try: each text whole, and its words."""
    found: list[str] = []
    for text in about:
        plain = unaccented(text).lower().replace(".", " ").split()
        found += [*plain, "".join(plain), "".join(reversed(plain)), *text.lower().split()]
    return list(dict.fromkeys(found))


def _weakness(fault: Fault) -> str:
    sentences = {
        Fault.SHORT: _("Mật khẩu quá ngắn. Nhập ít nhất %(n)s ký tự.", n=SHORTEST),
        Fault.LONG: _("Mật khẩu quá dài. Nhập không quá 1.024 ký tự."),
        Fault.OWN: _("Mật khẩu có tên hoặc đơn vị của chính mình. Chọn những từ khác."),
        Fault.COMMON: _("Mật khẩu này hay được dùng nên dễ đoán. Chọn vài từ không liên quan."),
        Fault.PATTERN: _("Mật khẩu theo một mẫu dễ đoán. Chọn vài từ không liên quan."),
        Fault.GUESSABLE: _("Mật khẩu còn dễ đoán. Viết dài hơn hoặc thêm một từ khác."),
    }
    return str(sentences[fault])


def _password_form(
    one: Enrolling,
    errors: Errors | None = None,
    *,
    status: int = 200,
    refusal: Refusal | None = None,
) -> Response:
    facts: dict[str, Any] = {"one": one, "shortest": SHORTEST}
    facts["role"] = guard.role_name(one.member.role)
    return form("staff/enrol_password.html", errors, status=status, refusal=refusal, **facts)


def _app_form(one: Enrolling, errors: Errors | None = None, *, status: int = 200) -> Response:
    assert one.setup is not None  # noqa: S101 - both callers have asked
    picture = Markup(authenticator.picture(one.app))  # noqa: S704 - drawn here, of our own address
    secret = authenticator.grouped(one.setup.secret)
    facts: dict[str, Any] = {"one": one, "picture": picture, "secret": secret}
    return form("staff/enrol_app.html", errors, status=status, **facts)


def _codes_form(one: Enrolling, errors: Errors | None = None, *, status: int = 200) -> Response:
    assert one.setup is not None  # noqa: S101 - as above
    shown = setups.mark_of(one.member.id, one.setup.codes)
    return form("staff/enrol_codes.html", errors, status=status, one=one, shown=shown)


def form(
    template: str,
    errors: Errors | None = None,
    *,
    status: int = 200,
    refusal: Refusal | None = None,
    **facts: Any,  # noqa: ANN401 - a template's
) -> Response:
    """A page with its errors; a refusal brings its status and headers."""
    code = status if refusal is None else refusal.status
    page = make_response(render_template(template, errors=errors or [], **facts), code)
    if refusal is not None:
        page.headers.extend(refusal.headers)
    return page


def onward(place: str, step: str) -> AnyResponse:
    """To the next page, in this browser alone."""
    answer = redirect(place, 303)
    browser.set_cookie(answer, STEP, value=step)  # type: ignore[arg-type] # werkzeug's base
    return answer


def _step() -> str:
    return request.cookies.get(browser.cookie_name(STEP), "")
