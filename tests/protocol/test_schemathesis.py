"""Whatever `/api/openapi.json` allows or forbids to send, every answer is one that it describes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from identity import doors
from identity.doors import FORM
from identity.errors import NotFound
from identity.messages import Response, json_response
from identity.public_services.credentials import PARAMETERS
from tests.asking import VERIFIER
from tests.exchange import decision, fill_register, give, publish_catalogues, told
from tests.offices import Office, about_scopes, an_office
from tests.people import lan
from tests.registering import an_invitation, metadata
from tests.registering import bearer as bearer_of

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
PAGES = {"/authorize", "/end-session"}
# The same ones each time, and inventing one takes ten times as long as answering it.
EXAMPLES, FEW, FEWEST = 25, 5, 2
REGISTERED = {"/register", "/register/{client_id}"}
GUARDED = {*FORMS, *REGISTERED, "/userinfo", "/api/attributes"}
# What is honest by its shape is taken whatever it says; elsewhere a code or a token must be real.
TAKES_ALL = {"/introspect", "/revoke", "/userinfo", "/jwks", "/healthz", "/log/keys"}
IN_THE_FORM = {row.name for row in PARAMETERS}


@pytest.fixture(scope="module")
def described(app: Flask):
    """The description, read as an integrator's tool reads it."""
    publish_catalogues()
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app, base_url=ISSUER)
    schema.config.generation.update(allow_x00=False)  # NUL is refused: test_refusals_of_doors
    schema.config.checks.negative_data_rejection.expected_statuses = ["4xx"]
    return schema


@pytest.fixture(scope="module")
def office(app: Flask) -> Office:
    """A registered service that may do everything."""
    return an_office(app.test_client())


@pytest.fixture(scope="module")
def credentials(office: Office) -> dict[str, dict[str, str]]:
    """What each kind of endpoint wants to see, genuine."""
    person = lan()
    fill_register("tax", told(person, "tax_code", "8000000001"))
    bearer = give(person, office.played, decision("full_name", "date_of_birth", "contact_phone"))
    signed_in = office.sign_in(person)
    return {
        "/api/attributes": {"Authorization": f"Bearer {bearer.token}"},
        "/userinfo": {"Authorization": f"Bearer {signed_in['access_token']}"},
        "/register": bearer_of(an_invitation(procedures=("1.004222",))[0]),
        **dict.fromkeys(FORMS, office.played.basic()),
    }


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_to_whom_we_know_is_described(described, office, credentials, mode):
    """No 500, no status, content type, header or body that the description does not know."""
    service = office.service
    genuine = {"client_id": service.client_id, "redirect_uri": service.redirect_uris[0]}

    def known(case: Case) -> None:
        said = case.query if case.method == "GET" else case.body
        if case.path in PAGES and isinstance(said, dict):
            said.update(genuine)
        elif case.path in GUARDED - REGISTERED and isinstance(case.body, dict):
            # The header says who asks; a second credential beside it is refused.
            case.body = {k: v for k, v in case.body.items() if not _names_a_credential(k)}

    asked = _ask_all(described, mode, headers=credentials, prepare=known)

    assert {"POST /api/attributes", "POST /token", "GET /authorize", "POST /userinfo"} <= asked


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_to_a_stranger_is_described(described, mode):
    """And nothing that is guarded opens."""

    def closed(case: Case, answer) -> None:
        if case.path in GUARDED:
            assert answer.status_code in {400, 401, 413, 415}

    asked = _ask_all(described, mode, headers={}, after=closed)

    assert {"POST /api/attributes", "POST /token", "GET /authorize", "POST /userinfo"} <= asked


def _names_a_credential(name: str) -> bool:
    return name in IN_THE_FORM or name == "access_token"


def _ask_all(
    described,
    mode: GenerationMode,
    *,
    headers: dict[str, dict[str, str]],
    prepare: Callable[[Case], None] = lambda _case: None,
    after: Callable[[Case, Any], None] = lambda _case, _answer: None,
) -> set[str]:
    asked = set()
    for found in described.get_all_operations():
        operation = found.ok()
        takes_something = operation.body or operation.query
        if mode is GenerationMode.NEGATIVE and not takes_something:
            continue  # what takes nothing cannot be sent anything bad
        asked.add(operation.label)
        _ask(operation, mode, headers=headers, prepare=prepare, after=after)
    return asked


def _ask(operation: APIOperation, mode: GenerationMode, *, headers, prepare, after) -> None:
    checks = _checks(operation, mode, is_known=bool(headers))
    told = headers.get(operation.path, {})

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=_examples(operation.path, is_known=bool(told)),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Case) -> None:
        prepare(case)
        after(case, case.call_and_validate(headers=told, base_url=ISSUER, checks=checks))

    check()


def _examples(path: str, *, is_known: bool) -> int:
    """Forty members are slow to invent, and what a stranger sends to a guarded door is not read."""
    if path in REGISTERED:
        return 2 * FEW if is_known else FEWEST
    return EXAMPLES if is_known or path not in GUARDED else FEW


def _checks(operation: APIOperation, mode: GenerationMode, *, is_known: bool) -> tuple[Any, ...]:
    # No worker runs beside a test, and who is not ready says 503.
    checks = CHECKS[1:] if operation.path == "/readyz" else CHECKS
    if mode is GenerationMode.NEGATIVE:
        # A known service hears what was wrong by a redirect, which this check takes for a yes.
        is_sent_back = is_known and operation.path in PAGES
        return checks if is_sent_back else (*checks, negative_data_rejection)
    is_taken = operation.path in TAKES_ALL and (is_known or operation.path not in GUARDED)
    return (*checks, positive_data_acceptance) if is_taken else checks


@pytest.mark.parametrize(
    ("path", "method", "body", "media_type"),
    [
        ("/api/attributes", "POST", {"attributes": ["full_name", "sex"]}, "application/json"),
        ("/userinfo", "GET", None, None),
        ("/userinfo", "POST", {}, FORM),
        ("/token", "POST", {"grant_type": "client_credentials"}, FORM),
        ("/introspect", "POST", {"token": "t"}, FORM),
        ("/revoke", "POST", {"token": "t"}, FORM),
        ("/jwks", "GET", None, None),
        ("/log/keys", "GET", None, None),
        ("/healthz", "GET", None, None),
        ("/api/openapi.json", "GET", None, None),
        ("/.well-known/openid-configuration", "GET", None, None),
        ("/.well-known/oauth-authorization-server", "GET", None, None),
    ],
)
def test_what_an_honest_caller_gets_is_described(
    described, credentials, path, method, body, media_type
):
    answer = _honest(described, path, method, body, media_type, credentials.get(path, {}))

    assert answer.status_code == 200


def test_what_a_code_buys_is_described_to_its_last_member(described, office):
    """The whole life of a sign-in with data: tokens, what they are worth, claims, the next ones."""
    person = lan()
    given = (decision("full_name"), about_scopes("name", "birthdate", "email", "address"))
    code = office.authorize(person, scope="openid profile email address", decisions=given)
    basic = office.played.basic()

    def post(path: str, **form: str) -> dict[str, Any]:
        return _honest(described, path, "POST", form, FORM, basic).json()

    sent = {"code": code.text, "redirect_uri": code.redirect_uri, "code_verifier": VERIFIER}
    bought = post("/token", grant_type="authorization_code", **sent)
    bearer = {"Authorization": f"Bearer {bought['access_token']}"}
    claims = _honest(described, "/userinfo", "GET", None, None, bearer).json()
    access = post("/introspect", token=bought["access_token"])
    refresh = post("/introspect", token=bought["refresh_token"])
    again = post("/token", grant_type="refresh_token", refresh_token=bought["refresh_token"])

    assert {"id_token", "refresh_token", "authorization_details"} <= bought.keys() & again.keys()
    assert {"sub", "name", "birthdate"} <= claims.keys()
    assert access["authorization_details"]
    assert access["active"]
    assert refresh["active"]


def test_the_life_of_a_registration_is_described(described, credentials):
    """Made, read, changed and ended; each answer to its last member."""
    sent = {"body": metadata(), "media_type": "application/json"}
    made = _asked(described["/register"]["POST"].Case(**sent), credentials["/register"], 201)
    one, where = described["/register/{client_id}"], {"client_id": made["client_id"]}
    token = bearer_of(made["registration_access_token"])

    _asked(one["GET"].Case(path_parameters=where), token, 200)
    sent["body"] |= where
    changed = _asked(one["PUT"].Case(path_parameters=where, **sent), token, 200)
    token = bearer_of(changed["registration_access_token"])
    _asked(one["DELETE"].Case(path_parameters=where), token, 204)


def _asked(case: Case, headers: dict[str, str], status: int) -> Any:
    answer = case.call_and_validate(headers=headers, base_url=ISSUER, checks=CHECKS)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.text else None


def _honest(described, path, method, body, media_type, headers):
    sent = {} if body is None else {"body": body, "media_type": media_type}
    case = described[path][method].Case(**sent)
    answer = case.call_and_validate(headers=headers, base_url=ISSUER, checks=CHECKS)
    assert answer.status_code == 200, answer.text
    return answer


class TestItBites:
    """A test that cannot fail is a defect: each kind of undeclared answer is found."""

    @pytest.fixture
    def answering(self, app, described, monkeypatch):
        """Asks `/jwks`, which answers what it is told to."""
        table = app.extensions["motlan.doors"]

        def ask(function) -> None:
            changed = replace(table["GET", "/jwks"], function=function)
            # The express lane reads the one, Flask the other.
            monkeypatch.setitem(table, ("GET", "/jwks"), changed)
            monkeypatch.setitem(app.view_functions, "door:GET:/jwks", doors._view(changed))
            described["/jwks"]["GET"].Case().call_and_validate(base_url=ISSUER, checks=CHECKS)

        return ask

    @pytest.mark.parametrize(
        "answer",
        [
            json_response({"keys": []}, 202),
            json_response({"keys": []}, 500),
            json_response({"keys": []}),
            Response(200, b'{"keys":[],"more":1}', (("Content-Type", "application/jwk-set+json"),)),
            Response(200, b'{"keys":[{}]}', (("Content-Type", "application/jwk-set+json"),)),
            Response(200, b"not JSON", (("Content-Type", "application/jwk-set+json"),)),
            json_response({"error": "invented"}, 400),
            json_response(
                {"error": "invented", "error_description": "d", "error_uri": "urn:x"}, 400
            ),
        ],
        ids=["status", "accident", "type", "member", "key", "body", "lacks", "word"],
    )
    def test_an_answer_that_is_not_described_is_found(self, answering, answer):
        with pytest.raises(FailureGroup):
            answering(lambda _request, _caller: answer)

    def test_a_refusal_that_is_not_described_is_found(self, answering):
        def refuses(_request, _caller):
            raise NotFound("it is not here today")

        with pytest.raises(FailureGroup):
            answering(refuses)
