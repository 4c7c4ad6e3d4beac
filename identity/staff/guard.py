"""Who of the staff is signed in here: the guards of the pages of those who work here."""

from flask import g, request

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


def _admit_any() -> StaffMember:
    member = staff_session()
    if member is None:
        raise GoElsewhere("/staff/sign-in")
    return member


def _admit_security_officer() -> StaffMember:
    member = _admit_any()
    if member.role is not Role.SECURITY_OFFICER:
        raise AnotherRole("this page is for security officers", note=f"role {member.role}")
    return member


staff_member = Guard("staff member", _admit_any)
security_officer = Guard("security officer", _admit_security_officer)
