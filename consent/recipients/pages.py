"""The officers' page of recipients that have not acknowledged a withdrawal."""

from flask import Blueprint, render_template

from consent.recipients import review
from identity import language
from identity.guards import enter
from identity.staff.guard import security_officer
from identity.staff.sessions import StaffMember

pages = Blueprint("recipients", __name__, template_folder="../templates")


@pages.get("/audit/recipients")
@enter(security_officer)
def listed(officer: StaffMember) -> str:
    """Each recipient with its own clock: since when it was told, by when it has to have acted."""
    told = review.silent(officer, request_id=language.request_id())
    return render_template("recipients/silent.html", officer=officer, told=told)
