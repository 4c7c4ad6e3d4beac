"""Who of the staff is signed in here: the guards of the pages of those who work here."""

from flask import g, request
from flask_babel import gettext as _

from identity import browser
from identity.errors import AccessDenied
from identity.guards import Guard
from identity.language import GoElsewhere
from identity.staff import sessions
from identity.staff.records import Role
from identity.staff.sessions import StaffMember

COOKIE = "staff"


class AnotherRole(AccessDenied):
    """Signed in, but this page belongs to another role."""

    slug = "another-role"
    title = "This page belongs to another role"


def staff_session() -> StaffMember | None:
    """Who of the staff is signed in with this browser; null: nobody. Looked up once."""
    if "staff_session" not in g:
        cookie = request.cookies.get(browser.cookie_name(COOKIE), "")
        g.staff_session = sessions.find(cookie) if cookie else None
    found: StaffMember | None = g.staff_session
    return found


def role_name(role: Role) -> str:
    """A role in the contract's words."""
    names = {
        Role.SECURITY_OFFICER: _("cán bộ giám sát truy cập"),
        Role.INSPECTOR: _("thanh tra viên"),
        Role.COUNTER_OFFICER: _("cán bộ tiếp nhận"),
        Role.OPERATOR: _("người vận hành"),
    }
    return str(names[role])


def _admit_any() -> StaffMember:
    member = staff_session()
    if member is None:
        raise GoElsewhere("/staff/sign-in")
    return member


def one_of(name: str, *roles: Role) -> Guard:
    """A guard that lets these roles in, and sends whoever is not signed in to do so."""

    def admit() -> StaffMember:
        member = _admit_any()
        if member.role not in roles:
            refusal = AnotherRole(f"this page is for {name}s", note=f"role {member.role}")
            told = " / ".join(role_name(role) for role in roles)
            refusal.sentence = str(_("Trang này chỉ dành cho: %(roles)s.", roles=told))
            raise refusal
        return member

    return Guard(name, admit)


staff_member = Guard("staff member", _admit_any)
security_officer = one_of("security officer", Role.SECURITY_OFFICER)
inspector = one_of("inspector", Role.INSPECTOR)
counter_officer = one_of("counter officer", Role.COUNTER_OFFICER)
operator = one_of("operator", Role.OPERATOR)
# Who works here is no secret to those who run, review, or review the reviewers.
overseer = one_of("overseer", Role.SECURITY_OFFICER, Role.INSPECTOR, Role.OPERATOR)
