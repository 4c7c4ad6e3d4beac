"""The forms of the counter and of inspectors, for the table of every form."""

from datetime import datetime, time, timedelta
from itertools import count

import time_machine
from flask.testing import FlaskClient

from identity import clock, trail
from identity.entry import Who
from identity.staff.records import Role
from tests.counter import HOME, Clerk
from tests.desks import known
from tests.forms import Field, Form, Sheet, at, page
from tests.people import a_security_officer, form_token, lan, sign_in, sign_in_officer

_days = count(3_000)  # longer ago than any other test goes


def _clerk(client: FlaskClient) -> Clerk:
    officer = a_security_officer(role=Role.COUNTER_OFFICER)
    sign_in_officer(client, officer)
    return Clerk(client, officer)


def _sheet(client: FlaskClient, path: str, **told: str) -> Sheet:
    return Sheet(client, path, {"csrf_token": form_token(client.get(path)), **told})


def look_form(client: FlaskClient) -> Sheet:
    _clerk(client)
    told = {"national_id": lan().national_id, "need": "lost_factors", "card": "certificate"}
    return _sheet(client, HOME, **told)


def compare_form(client: FlaskClient) -> Sheet:
    clerk = _clerk(client)
    clerk.compares(lan())
    return _sheet(client, clerk.looks[-1], answer="give")


def printed_form(client: FlaskClient) -> Sheet:
    clerk = _clerk(client)
    clerk.compares(lan())
    clerk.decides("give")
    token = {"csrf_token": form_token(client.get(clerk.looks[-1]))}
    return Sheet(client, f"{clerk.looks[-1]}/printed", token)


def void_form(client: FlaskClient) -> Sheet:
    clerk, person = _clerk(client), lan()
    clerk.gives(person)
    sign_in(client, person)
    token = {"csrf_token": form_token(client.get("/my/security"))}
    return Sheet(client, "/my/security/letter/void", token)


def review_form(client: FlaskClient) -> Sheet:
    """A look that is alone on its day is the sample of that day."""
    noon = datetime.combine(clock.today() - timedelta(days=next(_days)), time(12), clock.VIETNAM)
    who, acting = Who(actor=a_security_officer().id), {"unit": "Đội giám sát"}
    with time_machine.travel(noon, tick=False):
        look = trail.record("staff:looked", who, subject={"result": "shown"}, acting=acting)
    known()
    sign_in_officer(client, a_security_officer(role=Role.INSPECTOR))
    return _sheet(client, f"/inspection/entries/{look.id}", verdict="in_order", note="Đúng việc")


CHOICE = page(400)
COUNTER_FORMS = (
    Form(
        route=HOME,
        open=look_form,
        fields=(
            Field(name="national_id", otherwise=at("national-id")),
            Field(name="need", otherwise=at("need")),
            Field(name="card", otherwise=at("card")),
        ),
        cookie="motlan-staff",
    ),
    Form(
        route=f"{HOME}/<uuid:look_id>",
        open=compare_form,
        fields=(Field(name="answer", otherwise=CHOICE),),
        cookie="motlan-staff",
    ),
    Form(route=f"{HOME}/<uuid:look_id>/printed", open=printed_form, cookie="motlan-staff"),
    Form(route="/my/security/letter/void", open=void_form, cookie="motlan-citizen"),
    Form(
        route="/inspection/entries/<told>",
        open=review_form,
        fields=(
            Field(name="verdict", otherwise=CHOICE),
            Field(
                name="note",
                bad=dict.fromkeys(("long", "foreign digits"), at("note")),
                is_kept=True,
            ),
        ),
        cookie="motlan-staff",
    ),
)
