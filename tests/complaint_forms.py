"""The forms on which citizens complain and officers answer, for the table of `tests/forms.py`."""

from flask.testing import FlaskClient

from tests.complaining import a_look, complains
from tests.deciding import an_asking_service, signed_in
from tests.forms import NOTHING, Field, Form, Sheet, at
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
)
