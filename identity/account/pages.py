"""Pages of `/my/security`: what proves a person here, where they are signed in, what happened."""

import uuid
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from flask.wrappers import Response
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from identity import browser, language
from identity.account import change_password as changing
from identity.account import devices, events, records, renew_factor
from identity.account import void_letter as voiding
from identity.account.guard import NotTheOwner, owner
from identity.activation import letters
from identity.authentication import guard
from identity.authentication.guard import visit
from identity.authentication.lockout import TooManyTries
from identity.authentication.pages import answered, no_code, told
from identity.authentication.second_factor import WrongCode
from identity.authentication.sessions import CitizenSession
from identity.authentication.sign_in import WrongCredentials
from identity.citizens import people
from identity.citizens.passwords import SignInBusy
from identity.errors import Refusal
from identity.factors import recovery, setups
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
from identity.guards import enter

pages = Blueprint("account", __name__, url_prefix="/my")

HOME = "/my/security"
STEP = "security"  # the cookie between the pages of a new factor
NOTICE = "notice"  # the cookie that says once what was just done
NOTICES = ("password", "authenticator", "recovery-codes", "named", "ended", "others", "letter")


@pages.get("/security")
@enter(owner)
def show_security(session: CitizenSession) -> AnyResponse:
    """What proves this person, where they are signed in, and what happened lately."""
    done = request.cookies.get(browser.cookie_name(NOTICE), "")
    kept = records.standing(session.citizen_id)
    page = _page(
        "security",
        done=done if done in NOTICES else "",
        password_at=kept.changed_at if kept else None,
        app_since=kept.app_since if kept else None,
        codes=recovery.left(session.citizen_id),
        devices=devices.signed_in(session),
        events=events.latest(session.citizen_id),
        letter=letters.still_good(kept) if kept else None,
    )
    if done:
        browser.forget_cookie(page, NOTICE)
    return page


@pages.get("/security/password")
@enter(owner)
def ask_password(_session: CitizenSession) -> AnyResponse:
    """The form: the password of now, and a new one."""
    return _page("password", shortest=SHORTEST)


@pages.post("/security/password")
@enter(owner)
def take_password(session: CitizenSession) -> AnyResponse:
    """The new password counts; nobody else is signed in as this person any more."""
    old = browser.field("password")
    new, errors = new_password()
    if not old:
        errors = [("password", _("Nhập mật khẩu đang dùng.")), *errors]
    elif not errors and old == new:
        errors = [("new-password", _("Mật khẩu mới giống mật khẩu đang dùng. Nhập mật khẩu khác."))]
    if errors:
        return _page("password", errors, status=400, shortest=SHORTEST)
    try:
        cookie = changing.change_password(session, old=old, new=new, visit=visit())
    except (WeakPassword, WrongCredentials, TooManyTries, SignInBusy) as refusal:
        page = _page("password", [_told(refusal)], status=refusal.status, shortest=SHORTEST)
        return answered(page, refusal)
    return _done("password", cookie=cookie)


@pages.get("/security/second-factor")
@enter(owner)
def ask_factors(session: CitizenSession) -> AnyResponse:
    """The form: the two factors of now, and which one shall be new."""
    return _factor_page(session)


@pages.post("/security/second-factor")
@enter(owner)
def take_factors(session: CitizenSession) -> AnyResponse:
    """Both are right; then the page of the new one."""
    chosen = kind()
    proof = {"password": browser.field("password"), "code": browser.field("one_time_code")}
    errors = [("password", _("Nhập mật khẩu đang dùng."))] if not proof["password"] else []
    if not proof["code"].strip():
        errors.append(no_code())
    if errors:
        return _factor_page(session, errors, status=400)
    try:
        step = renew_factor.begin(session, chosen, **proof, visit=visit())
    except (WrongCredentials, WrongCode, TooManyTries, SignInBusy) as refusal:
        page = _factor_page(session, [_told(refusal)], status=refusal.status)
        return answered(page, refusal)
    answer = redirect(f"{HOME}/{chosen}", 303)
    browser.set_cookie(answer, STEP, value=step)  # type: ignore[arg-type] # werkzeug's base
    return answer


@pages.get("/security/authenticator")
@enter(owner)
def ask_app(session: CitizenSession) -> AnyResponse:
    """The secret for the app, and the form for the code that it shows."""
    return _app_page(_begun(session, Kind.AUTHENTICATOR))


@pages.post("/security/authenticator")
@enter(owner)
def take_app(session: CitizenSession) -> AnyResponse:
    """The app counts from now on; the one before does not."""
    begun, code = _begun(session, Kind.AUTHENTICATOR), browser.field("one_time_code")
    if not code.strip():
        return _app_page(begun, [no_shown_code()], status=400)
    try:
        cookie = renew_factor.finish(session, begun, code=code, visit=visit())
    except WrongCode as refusal:
        return _app_page(begun, [not_shown()], status=refusal.status)
    return _done("authenticator", cookie=cookie)


@pages.get("/security/recovery-codes")
@enter(owner)
def show_codes(session: CitizenSession) -> AnyResponse:
    """The ten new codes; they count once the person says to have kept them."""
    return _codes_page(_begun(session, Kind.RECOVERY_CODES))


@pages.post("/security/recovery-codes")
@enter(owner)
def take_codes(session: CitizenSession) -> AnyResponse:
    """The codes count from now on; the ones before do not."""
    begun = _begun(session, Kind.RECOVERY_CODES)
    if not are_shown(begun.codes, owner=begun.citizen_id):
        return _codes_page(begun, [other_codes()], status=409)
    cookie = renew_factor.finish(session, begun, code="", visit=visit())
    return _done("recovery-codes", cookie=cookie)


@pages.get("/security/sessions/<uuid:session_id>")
@enter(owner)
def show_device(session: CitizenSession, session_id: uuid.UUID) -> AnyResponse:
    """One device: its name, and the button that ends its sign-in."""
    return _device_page(session, session_id)


@pages.post("/security/sessions/<uuid:session_id>")
@enter(owner)
def name_device(session: CitizenSession, session_id: uuid.UUID) -> AnyResponse:
    """The device has this name."""
    called = browser.text("device_name")
    try:
        devices.name(session, session_id, called=called, visit=visit())
    except devices.UnfitName as refusal:
        text = _("Tên quá dài. Viết không quá %(n)s ký tự.", n=devices.LONGEST_NAME)
        error = ("device-name", text)
        return _device_page(
            session, session_id, errors=[error], status=refusal.status, called=called
        )
    return _done("named")


@pages.post("/security/sessions/<uuid:session_id>/end")
@enter(owner)
def end_device(session: CitizenSession, session_id: uuid.UUID) -> AnyResponse:
    """That sign-in is over; one's own is ended on its page, which asks first."""
    if session_id == session.id:
        return redirect("/sign-out", 303)
    devices.end(session, session_id, visit=visit())
    return _done("ended")


@pages.post("/security/sessions/end-others")
@enter(owner)
def end_other_devices(session: CitizenSession) -> AnyResponse:
    """Only this browser is signed in."""
    devices.end_others(session, visit=visit())
    return _done("others")


@pages.post("/security/letter/void")
@enter(owner)
def void_letter(session: CitizenSession) -> AnyResponse:
    """The letter that a counter gave out opens nothing; without one there is nothing to do."""
    is_void = voiding.void_letter(session, visit=visit())
    return _done("letter") if is_void else redirect(HOME, 303)


@pages.errorhandler(NotTheOwner)
@pages.errorhandler(SetupEnded)
@pages.errorhandler(devices.NoSuchSession)
@pages.errorhandler(changing.ChangedMeanwhile)
def refused(refusal: Refusal) -> AnyResponse:
    """A refusal in the person's language."""
    refusal.sentence = {
        NotTheOwner.slug: _("Đang làm thay người khác. Hãy đăng nhập cho chính mình."),
        SetupEnded.slug: _("Đã quá lâu hoặc đã xong rồi. Mở lại trang Bảo mật tài khoản."),
        devices.NoSuchSession.slug: _("Lần đăng nhập này đã kết thúc. Mở lại danh sách máy."),
        changing.ChangedMeanwhile.slug: _("Vừa có thay đổi khác. Mở lại trang để xem."),
    }[refusal.slug]
    return language.answer(refusal)


def _told(refusal: Refusal) -> tuple[str, str]:
    if isinstance(refusal, WeakPassword):
        return weakness(refusal.fault)
    if isinstance(refusal, WrongCredentials):
        return "password", _("Mật khẩu đang dùng không đúng. Kiểm tra rồi nhập lại.")
    return told(refusal)


def _begun(session: CitizenSession, wanted: Kind) -> Setup:
    step = request.cookies.get(browser.cookie_name(STEP), "")
    if not step:  # never begun, or finished by the same form a moment ago
        raise language.GoElsewhere(HOME)
    return renew_factor.choosing(session, step, visit=visit(), kind=wanted)


def _done(what: str, *, cookie: str = "") -> AnyResponse:
    """Back to the list, which says once what was done; the session goes on under the cookie."""
    answer = redirect(HOME, 303)
    if cookie:
        browser.set_cookie(answer, guard.COOKIE, value=cookie)  # type: ignore[arg-type] # werkzeug's base
    browser.set_cookie(answer, NOTICE, value=what, max_age=60)  # type: ignore[arg-type] # werkzeug's base
    browser.forget_cookie(answer, STEP)  # type: ignore[arg-type] # werkzeug's base
    return answer


def _factor_page(
    session: CitizenSession, errors: Errors | None = None, *, status: int = 200
) -> Response:
    return _page("factor", errors, status=status, codes=recovery.left(session.citizen_id))


def _app_page(begun: Setup, errors: Errors | None = None, *, status: int = 200) -> Response:
    ends = people.person(begun.citizen_id).national_id.reveal()[-3:]
    return _page("app", errors, status=status, **app_facts(begun, number_ends=ends))


def _codes_page(begun: Setup, errors: Errors | None = None, *, status: int = 200) -> Response:
    shown = setups.mark_of(begun.citizen_id, begun.codes)
    return _page("codes", errors, status=status, codes=begun.codes, shown=shown)


def _device_page(
    session: CitizenSession,
    session_id: uuid.UUID,
    *,
    errors: Errors | None = None,
    status: int = 200,
    called: str | None = None,
) -> Response:
    found = devices.one(session, session_id)
    typed = found.name if called is None else called
    return _page("device", errors, status=status, one=found, called=typed)


def _page(
    name: str,
    errors: Errors | None = None,
    *,
    status: int = 200,
    **facts: Any,  # noqa: ANN401 - a template's
) -> Response:
    page = render_template(f"account/{name}.html", errors=errors or [], **facts)
    return make_response(page, status)
