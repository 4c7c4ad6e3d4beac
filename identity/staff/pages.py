"""Pages for the people who work here: signing in and out, where to go, and who else works here."""

from flask import Blueprint, make_response, redirect, render_template, request
from flask.wrappers import Response
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from identity import browser
from identity.authentication.guard import visit
from identity.authentication.lockout import TooManyTries
from identity.authentication.pages import Errors, no_code, told
from identity.authentication.second_factor import WrongCode
from identity.authentication.sign_in import WrongCredentials
from identity.citizens.passwords import SignInBusy
from identity.errors import Refusal
from identity.guards import anyone, enter
from identity.presentation import by_name
from identity.staff import accounts, guard, records, sessions, sign_in
from identity.staff.records import Role
from identity.steps.half import StepEnded

pages = Blueprint("staff", __name__, url_prefix="/staff")

STEP = "staff-step"  # the cookie between password and code
HOME = "/staff"


@pages.get("")
@enter(guard.staff_member)
def home(member: sessions.StaffMember) -> str:
    """What this role may do here."""
    role = guard.role_name(member.role)
    return render_template("staff/home.html", member=member, role=role)


@pages.get("/members")
@enter(guard.overseer)
def show_members(member: sessions.StaffMember) -> str:
    """Who works here and who did, so that nobody is added or kept unseen."""
    rows = by_name(records.everybody(), accounts.name_of)
    listed = [
        {"row": row, "name": accounts.name_of(row), "role": guard.role_name(row.role)}
        for row in sorted(rows, key=lambda row: row.ended_at is not None)
    ]
    return render_template("staff/members.html", member=member, listed=listed)


def home_of(member: sessions.StaffMember | None) -> str:
    """Where somebody of the staff begins."""
    is_officer = member is not None and member.role is Role.SECURITY_OFFICER
    return "/audit" if is_officer else HOME


@pages.get("/sign-in")
@enter(anyone)
def ask_password() -> AnyResponse:
    """The form; who is signed in goes on."""
    before = guard.staff_session()
    if before is not None:
        return redirect(home_of(before), 303)
    return _password_page()


@pages.post("/sign-in")
@enter(anyone)
def take_password() -> AnyResponse:
    """Username and password; then the page of the code."""
    username, password = browser.field("username"), browser.field("password")
    missing = []
    if not username.strip():
        missing.append(("username", _("Nhập tên đăng nhập.")))
    if not password:
        missing.append(("password", _("Nhập mật khẩu.")))
    if missing:
        return _password_page(missing, status=400)
    try:
        step = sign_in.prove_password(username, password, visit=visit())
    except WrongCredentials as refusal:
        text = _("Tên đăng nhập hoặc mật khẩu không đúng. Kiểm tra rồi nhập lại.")
        return _password_page([("username", text)], status=refusal.status)
    except (TooManyTries, SignInBusy) as refusal:
        return _answered(_password_page([told(refusal)], status=refusal.status), refusal)
    answer = redirect("/staff/sign-in/code", 303)
    browser.set_cookie(answer, STEP, value=step)  # type: ignore[arg-type] # werkzeug's base
    return answer


@pages.get("/sign-in/code")
@enter(anyone)
def ask_code() -> AnyResponse:
    """The form for the one-time code, for who has proved a password in this browser."""
    return _code_page() if _step() else redirect("/staff/sign-in", 303)


@pages.post("/sign-in/code")
@enter(anyone)
def take_code() -> AnyResponse:
    """The code; then where this role begins."""
    code = browser.field("one_time_code")
    if not code.strip():
        return _code_page([no_code()], status=400)
    before = guard.staff_session()
    try:
        cookie = sign_in.finish(_step(), code, visit=visit())
    except StepEnded:
        if before is not None and not _step():  # the form came twice: the first one signed in
            return redirect(home_of(before), 303)
        text = _("Đã quá lâu từ lúc nhập mật khẩu. Đăng nhập lại từ đầu.")
        answer = _password_page([("username", text)], status=StepEnded.status)
        browser.forget_cookie(answer, STEP)
        return answer
    except (WrongCode, TooManyTries) as refusal:
        return _answered(_code_page([told(refusal)], status=refusal.status), refusal)
    now = sessions.find(cookie)
    if before is not None and now is not None and before.session_id != now.session_id:
        sessions.end(before)
    onward = redirect(home_of(now), 303)
    browser.set_cookie(onward, guard.COOKIE, value=cookie)  # type: ignore[arg-type] # werkzeug's base
    browser.forget_cookie(onward, STEP)  # type: ignore[arg-type] # werkzeug's base
    return onward


@pages.post("/sign-out")
@enter(guard.staff_member)
def sign_out(member: sessions.StaffMember) -> AnyResponse:
    """The session is over on every process."""
    sessions.end(member)
    answer = redirect("/staff/sign-in", 303)
    browser.forget_cookie(answer, guard.COOKIE)  # type: ignore[arg-type] # werkzeug's base
    return answer


def _password_page(errors: Errors | None = None, *, status: int = 200) -> Response:
    is_enrolled = "enrolled" in request.args
    page = render_template("staff/sign_in.html", errors=errors or [], is_enrolled=is_enrolled)
    return make_response(page, status)


def _code_page(errors: Errors | None = None, *, status: int = 200) -> Response:
    page = render_template(
        "authentication/code.html", errors=errors or [], restart="/staff/sign-in", home=HOME
    )
    return make_response(page, status)


def _answered(page: Response, refusal: Refusal) -> Response:
    page.headers.extend(refusal.headers)
    return page


def _step() -> str:
    return request.cookies.get(browser.cookie_name(STEP), "")
