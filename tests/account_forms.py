"""The forms of beginning and of `/my/security`, for the table of every form."""

import re
from collections.abc import Callable

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.beginning import START, a_newcomer, app_of, chooses_password, comes_to, proves_letter
from tests.deciding import signed_in
from tests.forms import NOTHING, Field, Form, Sheet, at, page
from tests.people import ONE_TIME_CODE, PASSWORD, form_token, hidden, lan, sign_in, submit

HOME = "/my/security"
NEW = "Mưa rơi trên mái tôn"


def _sheet(client: FlaskClient, path: str, **told: str) -> Sheet:
    return Sheet(client, path, hidden(client.get(path)) | told)


def letter_form(client: FlaskClient) -> Sheet:
    one = a_newcomer()
    return _sheet(client, START, national_id=one.number, letter_code=one.code)


def first_password_form(client: FlaskClient) -> Sheet:
    proves_letter(client, a_newcomer())
    return _sheet(client, f"{START}/password", new_password=NEW, repeated=NEW)


def first_factor_form(client: FlaskClient) -> Sheet:
    proves_letter(client, a_newcomer())
    chooses_password(client)
    return _sheet(client, f"{START}/second-factor", factor="authenticator")


def first_app_form(client: FlaskClient) -> Sheet:
    shown = comes_to(client, a_newcomer(), "authenticator")
    return _sheet(client, f"{START}/authenticator", one_time_code=_shown(shown))


def first_codes_form(client: FlaskClient) -> Sheet:
    comes_to(client, a_newcomer(), "recovery-codes")
    return _sheet(client, f"{START}/recovery-codes")


def password_form(client: FlaskClient) -> Sheet:
    signed_in(client, lan())
    told = {"password": PASSWORD, "new_password": NEW, "repeated": NEW}
    return _sheet(client, f"{HOME}/password", **told)


def factor_form(client: FlaskClient) -> Sheet:
    signed_in(client, lan())
    told = {"password": PASSWORD, "one_time_code": ONE_TIME_CODE, "factor": "authenticator"}
    return _sheet(client, f"{HOME}/second-factor", **told)


def _chosen(client: FlaskClient, factor: str) -> str:
    signed_in(client, lan())
    told = {"password": PASSWORD, "one_time_code": ONE_TIME_CODE, "factor": factor}
    return submit(client, f"{HOME}/second-factor", **told).location


def app_form(client: FlaskClient) -> Sheet:
    path = _chosen(client, "authenticator")
    return _sheet(client, path, one_time_code=_shown(client.get(path)))


def codes_form(client: FlaskClient) -> Sheet:
    return _sheet(client, _chosen(client, "recovery-codes"))


def name_form(client: FlaskClient) -> Sheet:
    return _sheet(client, _device(client), device_name="Máy của mẹ")


def end_form(client: FlaskClient) -> Sheet:
    person = lan()
    sign_in(client.application.test_client(), person)
    signed_in(client, person)
    token = form_token(client.get(HOME))
    (other,) = [path for path in _devices(client) if 'id="end-session"' in client.get(path).text]
    return Sheet(client, f"{other}/end", {"csrf_token": token})


def end_others_form(client: FlaskClient) -> Sheet:
    signed_in(client, lan())
    token = form_token(client.get(HOME))
    return Sheet(client, f"{HOME}/sessions/end-others", {"csrf_token": token})


def _shown(answer: TestResponse) -> str:
    return app_of(answer).now()


def _devices(client: FlaskClient) -> list[str]:
    found = re.findall(rf"{HOME}/sessions/[0-9a-f-]{{36}}", client.get(HOME).text)
    return list(dict.fromkeys(found))


def _device(client: FlaskClient) -> str:
    signed_in(client, lan())
    return _devices(client)[0]


# Two fields that must be one: a change of either is told at the second.
TWICE = (
    Field(
        name="new_password",
        bad=dict.fromkeys(("missing", "empty"), at("new-password")),
        otherwise=at("repeated"),
    ),
    Field(name="repeated", otherwise=at("repeated")),
)
SHOWN_CODE = Field(
    name="one_time_code",
    bad=dict.fromkeys(NOTHING, at("one-time-code")),
    otherwise=at("one-time-code", 403),
)
CURRENT = Field(
    name="password",
    bad=dict.fromkeys(("missing", "empty"), at("password")),
    otherwise=at("password", 403),
)
SHOWN = Field(name="shown", otherwise=at("", 409))
BUTTON = Field(name="factor", otherwise=page(400))


def _between(route: str, opened: Callable[[FlaskClient], Sheet], *fields: Field) -> Form:
    """A page of beginning: without its cookie one starts again with the letter."""
    return Form(
        route=START + route,
        open=opened,
        fields=fields,
        cookie="motlan-activation",
        stranger=at("national-id", 403),
    )


def _own(route: str, opened: Callable[[FlaskClient], Sheet], *fields: Field) -> Form:
    return Form(route=HOME + route, open=opened, fields=fields, cookie="motlan-citizen")


ACCOUNT_FORMS = (
    Form(
        route=START,
        open=letter_form,
        fields=(
            Field(name="national_id", otherwise=at("national-id")),
            Field(name="letter_code", otherwise=at("letter-code")),
        ),
    ),
    _between("/password", first_password_form, *TWICE),
    _between("/second-factor", first_factor_form, BUTTON),
    _between("/authenticator", first_app_form, SHOWN_CODE),
    _between("/recovery-codes", first_codes_form, SHOWN),
    _own("/password", password_form, CURRENT, *TWICE),
    _own("/second-factor", factor_form, CURRENT, SHOWN_CODE, BUTTON),
    _own("/authenticator", app_form, SHOWN_CODE),
    _own("/recovery-codes", codes_form, SHOWN),
    _own(
        "/sessions/<uuid:session_id>",
        name_form,
        Field(name="device_name", bad={"long": at("device-name")}, is_kept=True),
    ),
    _own("/sessions/<uuid:session_id>/end", end_form),
    _own("/sessions/end-others", end_others_form),
)
