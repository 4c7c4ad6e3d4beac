"""Whatever `/api/openapi.json` allows or forbids to send, every answer is one that it describes."""

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from identity.doors import FORM
from tests.exchange import decision, fill_register, give, publish_catalogues, told
from tests.offices import an_office
from tests.people import lan

# The tool's own deprecations are not ours.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

ISSUER = "http://localhost:8000"
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
FORMS = {"/token", "/introspect", "/revoke"}


@pytest.fixture(scope="module")
def described(app: Flask):
    """The description, read as an integrator's tool reads it."""
    publish_catalogues()
    return schemathesis.openapi.from_wsgi("/api/openapi.json", app, base_url=ISSUER)


@pytest.fixture(scope="module")
def credentials(app: Flask) -> dict[str, dict[str, str]]:
    """What each kind of endpoint wants to see, genuine."""
    client = app.test_client()
    office, person = an_office(client), lan()
    fill_register("tax", told(person, "tax_code", "8000000001"))
    bearer = give(person, office.played, decision("full_name", "date_of_birth", "contact_phone"))
    signed_in = office.sign_in(person)
    return {
        "/api/attributes": {"Authorization": f"Bearer {bearer.token}"},
        "/userinfo": {"Authorization": f"Bearer {signed_in['access_token']}"},
        **dict.fromkeys(FORMS, office.played.basic()),
    }


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_described(described, credentials, mode):
    """No 500, no status, content type, header or body that the description does not know."""
    asked = []

    for found in described.get_all_operations():
        operation = found.ok()
        asked.append(operation.label)
        is_fixed = not operation.body and mode is GenerationMode.NEGATIVE
        if not is_fixed:  # what takes nothing cannot be sent anything bad
            _ask(operation, credentials.get(operation.path, {}), mode=mode)

    assert {"POST /api/attributes", "POST /token", "GET /userinfo"} <= set(asked)


def _ask(operation: APIOperation, headers: dict[str, str], *, mode: GenerationMode) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Case) -> None:
        # No worker runs beside a test, and who is not ready says 503.
        checks = CHECKS[1:] if operation.path == "/readyz" else CHECKS
        case.call_and_validate(headers=headers, base_url=ISSUER, checks=checks)

    check()


@pytest.mark.parametrize(
    ("path", "method", "body", "media_type"),
    [
        ("/api/attributes", "POST", {"attributes": ["full_name", "sex"]}, "application/json"),
        ("/userinfo", "GET", None, None),
        ("/token", "POST", {"grant_type": "client_credentials"}, FORM),
        ("/introspect", "POST", {"token": "t"}, FORM),
        ("/revoke", "POST", {"token": "t"}, FORM),
    ],
)
def test_what_an_honest_caller_gets_is_described(
    described, credentials, path, method, body, media_type
):
    sent = {} if body is None else {"body": body, "media_type": media_type}
    case = described[path][method].Case(**sent)

    answer = case.call_and_validate(headers=credentials[path], base_url=ISSUER, checks=CHECKS)

    assert answer.status_code == 200
