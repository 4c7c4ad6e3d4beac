"""The forms of whoever answers a request that no browser brought, for the table of every form."""

from flask.testing import FlaskClient

from tests.backchannel import a_desk, page_of
from tests.devices import a_television
from tests.forms import TAKE as TAKEN
from tests.forms import Field, Form, Sheet, at, page
from tests.people import form_token, lan, sign_in


def code_form(client: FlaskClient) -> Sheet:
    television = a_television(client.application)
    sign_in(client, lan())
    code = television.begin().json["user_code"]
    token = form_token(client.get("/device"))
    return Sheet(client, "/device", {"csrf_token": token, "user_code": code})


def device_form(client: FlaskClient) -> Sheet:
    television = a_television(client.application)
    sign_in(client, lan())
    television.begin()
    asked = television.page_in(client)
    return Sheet(client, asked.request.path, {"csrf_token": form_token(asked), "answer": "deny"})


def remote_form(client: FlaskClient) -> Sheet:
    person = lan()
    sign_in(client, person)
    a_desk(client.application).ask(person)
    asked = page_of(client)
    return Sheet(client, asked.request.path, {"csrf_token": form_token(asked), "answer": "deny"})


POLLED_FORMS = (
    Form(
        route="/device",
        open=code_form,
        fields=(
            Field(name="user_code", bad={"reading direction": TAKEN}, otherwise=at("user-code")),
        ),
        cookie="motlan-citizen",
    ),
    Form(
        route="/my/requests/<uuid:request_id>",
        open=remote_form,
        fields=(Field(name="answer", otherwise=page(400)),),
        cookie="motlan-citizen",
    ),
    Form(
        route="/device/<told_place>",
        open=device_form,
        fields=(Field(name="answer", otherwise=page(400)),),
        cookie="motlan-citizen",
    ),
)
