"""The forms on which citizens complain and officers answer, for the table of `tests/forms.py`."""

from collections.abc import Callable

from flask.testing import FlaskClient

from tests.complaining import a_look, complains
from tests.deciding import an_asking_service, signed_in
from tests.forms import NOTHING, Field, Form, Sheet, at
from tests.objecting import objects
from tests.people import a_security_officer, form_token, lan, sign_in_officer


def complaint_form(client: FlaskClient) -> Sheet:
    look = a_look(signed_in(client, lan()).person, an_asking_service())
    path = f"/my/access/{look.id}/complaint"
    values = {"csrf_token": form_token(client.get(path)), "text": "Không phải tôi"}
    return Sheet(client, path, values)


def answer_form(client: FlaskClient) -> Sheet:
    citizen = signed_in(client, lan())
    row = complains(citizen, a_look(citizen.person, an_asking_service()))
    sign_in_officer(client, a_security_officer())
    path = f"/audit/complaints/{row.number}"
    values = {"csrf_token": form_token(client.get(path)), "answer": "Đã kiểm tra"}
    return Sheet(client, path, values)


def extension_form(client: FlaskClient) -> Sheet:
    sheet = answer_form(client)
    values = {"csrf_token": sheet.values["csrf_token"], "reason": "Chờ cơ quan trả lời"}
    return Sheet(client, f"{sheet.path}/extension", values)


def _of_objection(client: FlaskClient) -> Sheet:
    row = objects(signed_in(client, lan()), an_asking_service())
    sign_in_officer(client, a_security_officer())
    path = f"/audit/objections/{row.number}"
    values = {"csrf_token": form_token(client.get(path)), "reason": "Chờ cơ quan trả lời"}
    return Sheet(client, f"{path}/extension", values)


def _extension(route: str, opened: Callable[[FlaskClient], Sheet]) -> Form:
    nothing = dict.fromkeys((*NOTHING, "long"), at("reason"))
    reason = Field(name="reason", bad=nothing, is_kept=True)
    return Form(route=route, open=opened, fields=(reason,), cookie="motlan-staff")


COMPLAINT_FORMS = (
    Form(
        route="/my/access/<entry_id>/complaint",
        open=complaint_form,
        fields=(Field(name="text", bad={"long": at("text")}, is_kept=True),),
        cookie="motlan-citizen",
    ),
    Form(
        route="/audit/complaints/<number>",
        open=answer_form,
        fields=(
            Field(name="answer", bad=dict.fromkeys((*NOTHING, "long"), at("answer")), is_kept=True),
        ),
        cookie="motlan-staff",
    ),
    _extension("/audit/complaints/<number>/extension", extension_form),
    _extension("/audit/objections/<number>/extension", _of_objection),
)
