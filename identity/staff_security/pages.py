"""Pages of `/staff/security`: what proves a member of staff here, and how they change it."""

from typing import Any

from flask import Blueprint, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from identity import browser
from identity.authentication.guard import visit
from identity.authentication.lockout import TooManyTries
from identity.authentication.pages import no_code, told
from identity.authentication.second_factor import WrongCode
from identity.authentication.sign_in import WrongCredentials
from identity.citizens.passwords import SignInBusy
from identity.errors import Refusal
from identity.factors.password_rules import SHORTEST
from identity.guards import enter
from identity.staff import guard, records, second_factor
from identity.staff.guard import staff_member
from identity.staff.sessions import StaffMember
from identity.staff_enrolment.pages import APP, form, new_password, onward
from identity.staff_security import change

pages = Blueprint("staff_security", __name__, url_prefix="/staff")


@pages.get("/security")
@enter(staff_member)
def show_security(member: StaffMember) -> AnyResponse:
    """What proves this member of staff, and how to change it."""
    left = records.recovery_codes_left(member.id)
    row = records.find_by_id(member.id)
    facts: dict[str, Any] = {"left": left, "is_few": left <= second_factor.FEW, "row": row}
    facts |= {"member": member, "role": guard.role_name(member.role)}
    is_done = request.args.get("done") == "password"
    return form("staff/security.html", is_done=is_done, **facts)


@pages.get("/security/password")
@enter(staff_member)
def asknew_password(member: StaffMember) -> AnyResponse:
    """The form for another password."""
    return form("staff/new_password.html", member=member, shortest=SHORTEST)


@pages.post("/security/password")
@enter(staff_member)
def takenew_password(member: StaffMember) -> AnyResponse:
    """Another password counts, and every other session has ended."""
    old = browser.field("password")
    new, errors = new_password(member.username, member.name, member.unit)
    if not old:
        errors = [("password", _("Nhập mật khẩu đang dùng.")), *errors]
    facts: dict[str, Any] = {"member": member, "shortest": SHORTEST}
    if errors:
        return form("staff/new_password.html", errors, status=400, **facts)
    try:
        cookie = change.change_password(member, old=old, new=new, visit=visit())
    except (WrongCredentials, TooManyTries, SignInBusy) as refusal:
        return form("staff/new_password.html", [_wrong(refusal)], refusal=refusal, **facts)
    answer = redirect("/staff/security?done=password", 303)
    browser.set_cookie(answer, guard.COOKIE, value=cookie)  # type: ignore[arg-type] # werkzeug's base
    return answer


@pages.get("/security/factor")
@enter(staff_member)
def ask_factors(member: StaffMember) -> AnyResponse:
    """The form that proves both factors before a new second one is made."""
    return form("staff/new_factor.html", member=member)


@pages.post("/security/factor")
@enter(staff_member)
def take_factors(member: StaffMember) -> AnyResponse:
    """Both factors; then the pages of the app and the printed codes."""
    password, code = browser.field("password"), browser.field("one_time_code")
    missing = [] if password else [("password", _("Nhập mật khẩu đang dùng."))]
    missing += [] if code.strip() else [no_code()]
    if missing:
        return form("staff/new_factor.html", missing, status=400, member=member)
    try:
        step = change.renew_factor(member, password=password, code=code, visit=visit())
    except (WrongCredentials, WrongCode, TooManyTries, SignInBusy) as refusal:
        return form("staff/new_factor.html", [_wrong(refusal)], refusal=refusal, member=member)
    return onward(APP, step)


def _wrong(refusal: Refusal) -> tuple[str, str]:
    if isinstance(refusal, WrongCredentials):
        return "password", _("Mật khẩu đang dùng không đúng. Nhập lại mật khẩu.")
    return told(refusal)
