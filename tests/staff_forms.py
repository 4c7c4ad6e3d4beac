"""The forms on which staff enrol and change what proves them, for the table of `tests/forms.py`."""

from flask.testing import FlaskClient

from tests.enrolling import CHOSEN, OTHER, Newcomer, invited, path_of
from tests.forms import NOTHING, Field, Form, Sheet, at, page
from tests.people import PASSWORD, a_security_officer, hidden, sign_in_officer

STEP = "motlan-staff-enrolment"
TWICE = {"new_password": OTHER, "repeated": OTHER}


def _sheet(client: FlaskClient, path: str, values: dict[str, str] | None = None) -> Sheet:
    return Sheet(client, path, hidden(client.get(path)) | (values or {}))


def link_form(client: FlaskClient) -> Sheet:
    one = invited()
    return _sheet(client, path_of(one), {"code": one.code})


def _newcomer(client: FlaskClient) -> Newcomer:
    one = Newcomer(client, invited())
    one.opens()
    return one


def password_form(client: FlaskClient) -> Sheet:
    _newcomer(client)
    return _sheet(client, "/staff/enrol/password", {"new_password": CHOSEN, "repeated": CHOSEN})


def app_form(client: FlaskClient) -> Sheet:
    one = _newcomer(client)
    one.chooses()
    one.scans()
    return _sheet(client, "/staff/enrol/app", {"one_time_code": one.phone.now()})


def codes_form(client: FlaskClient) -> Sheet:
    one = _newcomer(client)
    one.chooses()
    one.shows()
    return _sheet(client, "/staff/enrol/codes")


def new_password_form(client: FlaskClient) -> Sheet:
    sign_in_officer(client, a_security_officer())
    return _sheet(client, "/staff/security/password", {"password": PASSWORD} | TWICE)


def new_factor_form(client: FlaskClient) -> Sheet:
    officer = a_security_officer()
    sign_in_officer(client, officer)
    values = {"password": PASSWORD, "one_time_code": officer.one_time_code}
    return _sheet(client, "/staff/security/factor", values)


def _twice() -> tuple[Field, Field]:
    nothing = dict.fromkeys(("missing", "empty"), at("new-password"))
    return (
        Field(name="new_password", bad=nothing, otherwise=at("repeated")),
        Field(name="repeated", otherwise=at("repeated")),
    )


def _code(field_id: str, name: str) -> Field:
    return Field(name=name, bad=dict.fromkeys(NOTHING, at(field_id)), otherwise=at(field_id, 403))


def _current() -> Field:
    missing = dict.fromkeys(("missing", "empty"), at("password"))
    return Field(name="password", bad=missing, otherwise=at("password", 403))


STAFF_FORMS = (
    Form(
        route="/staff/enrol/<uuid:enrolment_id>",
        open=link_form,
        fields=(_code("code", "code"),),
    ),
    Form(
        route="/staff/enrol/password",
        open=password_form,
        fields=_twice(),
        cookie=STEP,
        stranger=page(403),
    ),
    Form(
        route="/staff/enrol/app",
        open=app_form,
        fields=(_code("one-time-code", "one_time_code"),),
        cookie=STEP,
        stranger=page(403),
    ),
    Form(
        route="/staff/enrol/codes",
        open=codes_form,
        fields=(Field(name="shown", otherwise=at("", 409)),),
        cookie=STEP,
        stranger=page(403),
    ),
    Form(
        route="/staff/security/password",
        open=new_password_form,
        fields=(_current(), *_twice()),
        cookie="motlan-staff",
    ),
    Form(
        route="/staff/security/factor",
        open=new_factor_form,
        fields=(_current(), _code("one-time-code", "one_time_code")),
        cookie="motlan-staff",
    ),
)
