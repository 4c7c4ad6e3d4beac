"""The operator's page: how the machine stands, to be read; what changes it are commands."""

from flask import Blueprint, render_template

from identity import language
from identity.guards import enter
from identity.operations import overview
from identity.staff.guard import operator
from identity.staff.sessions import StaffMember

pages = Blueprint("operations", __name__)


@pages.get("/operations")
@enter(operator)
def show(member: StaffMember) -> str:
    """Health, worker, messages that wait, keys and their age."""
    told = overview.overview(language.chosen())
    return render_template("operations/overview.html", member=member, told=told)
