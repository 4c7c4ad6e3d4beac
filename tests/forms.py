"""Every form of every page: how a person comes to it, its fields, and what a bad one must do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from flask.testing import FlaskClient

from consent.ledger import records
from tests.asking import Sender
from tests.deciding import CONSENT, Citizen, Page, an_asking_service, detail, shown, signed_in
from tests.markup import Markup
from tests.objecting import objects
from tests.people import (
    PASSWORD,
    a_security_officer,
    form_token,
    lan,
    new_number,
    sign_in_officer,
    submit,
)

# What a bad value does: the form once more with the sentence at a field, a page of its own, or
# nothing, because it is as good as an honest one.
AT, PAGE, TAKEN = "at", "page", "taken"
_addresses = count(1)

# One honest text each, made bad. `{}` is the honest value.
KINDS: Mapping[str, str | None] = {
    "missing": None,
    "empty": "",
    "blank": " \u00a0\t",
    "long": "9" * 5_000,
    "control characters": "\x1b[31m{}\x07",
    "foreign digits": "٠١٢٣٤٥٦٧٨٩٠١",
    "reading direction": "\u202e{}\u2066",
    "unknown": "no-such-thing",
    "a list": "['a', {'b': 1}]",
    "markup": "<script>alert(7)</script>{{7*7}}",
}


@dataclass(frozen=True)
class Outcome:
    """The answer to one kind of bad value."""

    how: str
    status: int
    at: str = ""  # the id of the field that the summary leads to; empty: the form as a whole


TAKE = Outcome(TAKEN, 0)


def at(field_id: str, status: int = 400) -> Outcome:
    """The form once more, the field marked."""
    return Outcome(AT, status, field_id)


def page(status: int) -> Outcome:
    """An error page."""
    return Outcome(PAGE, status)


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a form."""

    name: str
    bad: Mapping[str, Outcome] = field(default_factory=dict)
    otherwise: Outcome = TAKE  # for the kinds that `bad` does not name
    is_kept: bool = False  # what was typed stands there again
    may_repeat: bool = False

    def outcome(self, kind: str) -> Outcome:
        """What this kind of value does here."""
        return self.bad.get(kind, self.otherwise)


@dataclass(frozen=True)
class Sheet:
    """A form in somebody's browser, honestly filled in."""

    client: FlaskClient
    path: str
    values: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Form:
    """One form: its route, how to come to it, its fields."""

    route: str
    open: Callable[[FlaskClient], Sheet]
    fields: tuple[Field, ...] = ()
    cookie: str = ""  # whom it knows by; without it, `stranger` is the answer
    stranger: Outcome = TAKE
    extra: Outcome = TAKE  # a field that it does not have
    is_cross_site: bool = False  # other sites may post to it


def a_visitor(client: FlaskClient, language: str) -> FlaskClient:
    """A browser in a neighbourhood of its own, so that nobody else's tries count."""
    n = next(_addresses)
    client.environ_base["REMOTE_ADDR"] = f"10.{n // 250 % 250}.{n % 250}.7"
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return client


def _token(client: FlaskClient, path: str) -> dict[str, str]:
    return {"csrf_token": form_token(client.get(path))}


def sign_in_form(client: FlaskClient) -> Sheet:
    known = {"national_id": lan().national_id, "password": PASSWORD}
    return Sheet(client, "/sign-in", _token(client, "/sign-in") | known)


def code_form(client: FlaskClient) -> Sheet:
    person = lan()
    submit(client, "/sign-in", national_id=person.national_id, password=person.password)
    known = {"one_time_code": person.one_time_code}
    return Sheet(client, "/sign-in/code", _token(client, "/sign-in/code") | known)


def sign_out_form(client: FlaskClient) -> Sheet:
    signed_in(client, lan())
    return Sheet(client, "/sign-out", _token(client, "/sign-out") | {"everywhere": "1"})


def staff_form(client: FlaskClient) -> Sheet:
    known = {"username": a_security_officer().username, "password": PASSWORD}
    return Sheet(client, "/staff/sign-in", _token(client, "/staff/sign-in") | known)


def staff_code_form(client: FlaskClient) -> Sheet:
    officer = a_security_officer()
    submit(client, "/staff/sign-in", username=officer.username, password=officer.password)
    path = "/staff/sign-in/code"
    return Sheet(client, path, _token(client, path) | {"one_time_code": officer.one_time_code})


def staff_sign_out_form(client: FlaskClient) -> Sheet:
    sign_in_officer(client, a_security_officer())
    return Sheet(client, "/staff/sign-out", _token(client, "/audit/entries"))


def request_form(client: FlaskClient) -> Sheet:
    played = an_asking_service()
    told = {name: str(value) for name, value in Sender(client, played).query().items()}
    return Sheet(client, "/authorize", told)


def end_session_form(client: FlaskClient) -> Sheet:
    return Sheet(client, "/end-session", {"ui_locales": "vi", "client_id": "anybody"})


def end_session_confirmed(client: FlaskClient) -> Sheet:
    signed_in(client, lan())
    question = client.get("/end-session")
    (sealed,) = Markup(question.text).all("input", name="sign_out")
    values = {"csrf_token": form_token(question), "sign_out": sealed["value"]}
    return Sheet(client, "/end-session/confirm", values)


def a_request(client: FlaskClient, **more: str) -> Page:
    """A decision page with a value to fill in and purposes to choose."""
    details = detail("full_name", "contact_phone", procedure=CONSENT, case=None)
    citizen = signed_in(client, lan())
    return citizen.is_asked(an_asking_service(), details, scope="openid email", **more)


def decision_form(client: FlaskClient, **more: str) -> Sheet:
    asked = a_request(client, **more)
    opened = asked.get()
    (purpose, *_) = Markup(opened.text).all("input", name="purpose")
    values = {
        "csrf_token": form_token(opened),
        "shown": shown(opened),
        "purpose": purpose["value"],
        "contact_phone": "0999 000 012",
        "attribute": "contact_phone",
        "answer": "allow",
    }
    return Sheet(client, asked.path, values)


def objection_form(client: FlaskClient, **more: str) -> Sheet:
    path = a_request(client, **more).path + "/object"
    return Sheet(client, path, _token(client, path) | {"reason": "Không đúng việc"})


def _a_decision(client: FlaskClient) -> str:
    citizen: Citizen = signed_in(client, lan())
    citizen.is_asked(an_asking_service(), detail("full_name")).allow()
    return f"/my/consents/{citizen.decisions()[0].decision_id}"


def later_objection_form(client: FlaskClient) -> Sheet:
    path = _a_decision(client) + "/object"
    return Sheet(client, path, _token(client, path) | {"reason": "Không đúng việc"})


def withdrawal_form(client: FlaskClient) -> Sheet:
    path = _a_decision(client) + "/withdraw"
    return Sheet(client, path, _token(client, path))


def search_form(client: FlaskClient) -> Sheet:
    sign_in_officer(client, a_security_officer())
    values = {"number": new_number(), "case": "VV-7", "reason": "Đơn của công dân"}
    return Sheet(client, "/audit/entries", _token(client, "/audit/entries") | values)


def answer_form(client: FlaskClient) -> Sheet:
    row = objects(signed_in(client, lan()), an_asking_service())
    sign_in_officer(client, a_security_officer())
    path = f"/audit/objections/{row.number}"
    return Sheet(client, path, _token(client, path) | {"answer": "Đã kiểm tra"})


def receipt_form(client: FlaskClient) -> Sheet:
    row = _a_receipt(client)
    sign_in_officer(client, a_security_officer())
    path = "/audit/receipts"
    return Sheet(client, path, _token(client, path) | {"number": row.number})


def _a_receipt(client: FlaskClient) -> Any:
    citizen = signed_in(client, lan())
    citizen.is_asked(an_asking_service(), detail("full_name")).allow()
    (row,) = citizen.decisions()
    return records.receipts(row.citizen_id, row.decision_id)[1]


NOTHING = ("missing", "empty", "blank")


def _code(restart: Outcome) -> Form:
    """The page of the one-time code, of citizens and of staff."""
    is_staff = restart.at == "username"
    nothing = dict.fromkeys(NOTHING, at("one-time-code"))
    return Form(
        route="/staff/sign-in/code" if is_staff else "/sign-in/code",
        open=staff_code_form if is_staff else code_form,
        fields=(Field(name="one_time_code", bad=nothing, otherwise=at("one-time-code", 403)),),
        cookie="motlan-staff-step" if is_staff else "motlan-step",
        stranger=restart,
    )


def _objection(route: str, opened: Callable[[FlaskClient], Sheet]) -> Form:
    nothing = dict.fromkeys((*NOTHING, "long"), at("reason"))
    reason = Field(name="reason", bad=nothing, is_kept=True)
    return Form(route=route, open=opened, fields=(reason,), cookie="motlan-citizen")


def _text(name: str, field_id: str) -> Field:
    # Twelve digits of any script could be somebody's number, which has no place in the log.
    bad = dict.fromkeys((*NOTHING, "long", "foreign digits"), at(field_id))
    return Field(name=name, bad=bad, is_kept=True)


def _password(wrong: Outcome) -> Field:
    missing = dict.fromkeys(("missing", "empty"), at("password"))
    return Field(name="password", bad=missing, otherwise=wrong)


FORMS = (
    Form(
        route="/sign-in",
        open=sign_in_form,
        fields=(
            Field(name="national_id", otherwise=at("national-id")),
            _password(at("national-id", 403)),
        ),
    ),
    _code(at("national-id", 403)),
    Form(route="/sign-out", open=sign_out_form, fields=(Field(name="everywhere"),)),
    Form(
        route="/staff/sign-in",
        open=staff_form,
        fields=(
            Field(
                name="username",
                bad=dict.fromkeys(NOTHING, at("username")),
                otherwise=at("username", 403),
            ),
            _password(at("username", 403)),
        ),
    ),
    _code(at("username", 403)),
    Form(route="/staff/sign-out", open=staff_sign_out_form, cookie="motlan-staff"),
    Form(
        route="/authorize",
        open=request_form,
        fields=(
            Field(name="client_id", otherwise=page(400)),
            Field(name="redirect_uri", otherwise=page(400)),
        ),
        is_cross_site=True,
    ),
    Form(
        route="/end-session",
        open=end_session_form,
        fields=(
            Field(
                name="id_token_hint",
                bad=dict.fromkeys(("missing", "empty"), TAKE),
                otherwise=page(400),
            ),
        ),
        is_cross_site=True,
    ),
    Form(
        route="/end-session/confirm",
        open=end_session_confirmed,
        fields=(Field(name="sign_out", otherwise=page(400)),),
    ),
    Form(
        route="/consent/<uuid:request_id>",
        open=decision_form,
        fields=(
            Field(name="shown", otherwise=at("", 409)),
            Field(
                name="purpose",
                bad={"missing": at("purpose-0")},
                otherwise=page(400),
                may_repeat=True,
            ),
            Field(name="attribute", bad={"missing": TAKE}, otherwise=page(400), may_repeat=True),
            Field(
                name="contact_phone",
                bad=dict.fromkeys(KINDS, at("contact_phone")),
                is_kept=True,
            ),
            Field(name="answer", otherwise=page(400)),
        ),
        cookie="motlan-citizen",
        extra=page(400),
    ),
    _objection("/consent/<uuid:request_id>/object", objection_form),
    _objection("/my/consents/<uuid:decision_id>/object", later_objection_form),
    Form(
        route="/my/consents/<uuid:decision_id>/withdraw",
        open=withdrawal_form,
        cookie="motlan-citizen",
    ),
    Form(
        route="/audit/entries",
        open=search_form,
        fields=(
            Field(name="number", otherwise=at("search-number")),
            _text("case", "search-case"),
            _text("reason", "search-reason"),
        ),
        cookie="motlan-staff",
    ),
    Form(
        route="/audit/receipts",
        open=receipt_form,
        fields=(
            # Marks that nobody sees are taken away before it is read.
            Field(name="number", bad={"reading direction": TAKE}, otherwise=at("number")),
        ),
        cookie="motlan-staff",
    ),
    Form(
        route="/audit/objections/<number>",
        open=answer_form,
        fields=(
            Field(name="answer", bad=dict.fromkeys((*NOTHING, "long"), at("answer")), is_kept=True),
        ),
        cookie="motlan-staff",
    ),
)
