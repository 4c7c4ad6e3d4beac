"""Bad input of every kind on every form, address and machine endpoint: a clear error, never 500."""

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote, urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.asking import VERIFIER, a_sender
from tests.deciding import an_asking_service, detail
from tests.deciding import signed_in as a_citizen
from tests.desk_forms import DESK_FORMS
from tests.exchange import decision, give, publish_catalogues
from tests.forms import FORMS
from tests.offices import an_office
from tests.people import a_security_officer, form_token, lan, sign_in_officer
from tests.public_services import a_service_with_a_key

pytestmark = pytest.mark.slow

MARKUP = "<script>alert(7)</script>"
TEMPLATE = "{{'zq'*3}}${'zq'*3}"
VALUES = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "a\r\nSet-Cookie: stolen=1",
    "\x1b[31mred\x1b[0m",
    "\u202etxt.exe",
    MARKUP,
    f'"><img src=x onerror={MARKUP}>',
    TEMPLATE,
    "' OR '1'='1' --",
    "*)(uid=*",
    "💥🪷",
    "０９７１８８００００１",
    "Ｎguyễn Thị \u0323Lan",
    "../../../etc/passwd",
    "javascript:alert(7)",
    "//evil.test/",
    "-1",
    "9" * 400,
    "1e999",
    "[[[[",
    '{"a":1}',
    "null",
    "x" * 12_000,
]
# What no text is: not UTF-8, an escape that is cut off, a surrogate that is alone.
BROKEN = ["%ff%fe", "%", "%e1%bb", "%ed%a0%80", "%c0%ae%c0%ae", "+%00+"]
LOCATIONS = ("http://localhost", "https://")


def is_calm(answer: TestResponse) -> bool:
    """No accident, nothing executed, nobody led astray, no header of the attacker's."""
    assert answer.status_code < 500, f"{answer.request.path}: {answer.status_code} {answer.text}"
    assert not [told for told in answer.headers.getlist("Set-Cookie") if "stolen" in told]
    assert "alert(7)</script>" not in answer.text
    assert "zqzqzq" not in answer.text
    place = urlsplit(answer.headers.get("Location", ""))
    assert place.hostname != "evil.test"
    assert place.scheme in {"", "http", "https"}
    if answer.status_code >= 400:
        _says_why(answer)
    return True


def _says_why(answer: TestResponse) -> None:
    kind = answer.mimetype
    if kind == "text/html":
        assert 'id="error' in answer.text or 'class="error' in answer.text, answer.text
        assert '<html lang="' in answer.text
    elif kind == "application/problem+json":
        assert answer.json["type"].startswith("urn:motlan:error:")
    elif kind == "application/json":
        assert answer.json["error"]
    else:
        assert kind == "text/plain"
        assert answer.text


def queries(fields: dict[str, str]) -> Iterator[str]:
    """The honest fields, one of them bad at a time; then one twice, then one too many."""
    for name in fields:
        rest = {other: text for other, text in fields.items() if other != name}
        yield from (urlencode(rest | {name: value}) for value in VALUES)
        yield from (f"{urlencode(rest)}&{name}={raw}" for raw in BROKEN)
        yield f"{urlencode(fields)}&{name}=again"
        yield f"{urlencode(fields)}&{name}[]=1&{name}.x=2&{quote(MARKUP)}=3"


def post(client: FlaskClient, path: str, body: str, **headers: str) -> TestResponse:
    form = "application/x-www-form-urlencoded"
    return client.post(path, data=body, content_type=form, headers=headers)


@pytest.fixture(scope="module", autouse=True)
def catalogues(app: Flask) -> None:
    del app
    publish_catalogues()


@pytest.fixture
def house(another_app, databases, settings, tmp_path) -> Flask:
    """An app on a database of its own."""
    made = databases.copy()
    its = {"database_url": made.url, "database_owner_url": made.owner_url, "home": tmp_path}
    chosen = another_app(replace(settings, log_head=tmp_path / "head", **its))
    publish_catalogues()
    return chosen


class TestAttacker:
    """Case 61 to 64."""

    def test_every_address_takes_every_query_calmly(self, app, client):
        names = ["request", "next", "back", "to", "search", "page", "ui_locales", "sign_out", "id"]
        # Without its worker this process is not ready, and says so.
        reading = [rule for rule in app.url_map.iter_rules() if "GET" in rule.methods]
        rules = [rule for rule in reading if rule.rule != "/readyz"]
        fields = dict.fromkeys(names, "1")

        asked = 0
        for rule in rules:
            path = _address(rule)
            for query in (urlencode(dict.fromkeys(names, value)) for value in VALUES):
                with client.get(path, query_string=query) as answer:
                    asked += is_calm(answer)
            for raw in BROKEN:
                query = "&".join(f"{name}={raw}" for name in fields)
                with client.get(path, query_string=query) as answer:
                    asked += is_calm(answer)

        assert asked == len(rules) * (len(VALUES) + len(BROKEN))

    @pytest.mark.parametrize("value", [*VALUES, "á" * 300, "%2e%2e%2f", "%00", ";x", "..;/"])
    def test_every_part_of_a_path_is_taken_calmly(self, app, client, value):
        """Case 64."""
        rules = list(app.url_map.iter_rules())
        heads = {rule.rule.partition("<")[0] for rule in rules}
        longer = {rule.rule.partition("<")[0] for rule in rules if rule.arguments}
        parts = {head + quote(value[:4000], safe="%;./") for head in longer}

        for path in parts | {f"{head}/{quote(value[:4000])}" for head in heads}:
            assert is_calm(client.get(path))

    def test_authorize_takes_every_parameter_calmly(self, client):
        sender = a_sender(client, procedures=["1.004222"])
        honest = sender.query(
            prompt="login",
            max_age="10",
            ui_locales="vi en",
            acr_values="vn:auth:2",
            claims='{"id_token":{"acr":null}}',
            login_hint="somebody",
            display="page",
            response_mode="query",
            authorization_details=json.dumps([detail()]),
        )

        for query in queries(honest):
            assert is_calm(client.get("/authorize", query_string=query))
            assert is_calm(post(client, "/authorize", query))

    def test_the_hint_of_authorize_and_of_sign_out_is_taken_calmly(self, client):
        sender = a_sender(client)
        told = {"post_logout_redirect_uri": "https://evil.test/", "state": "s"}
        ours = {"client_id": sender.played.client_id, "logout_hint": "x", "ui_locales": "vi"}

        for query in queries(told | ours | {"id_token_hint": "eyJ.eyJ.x"}):
            assert is_calm(client.get("/end-session", query_string=query))
            assert is_calm(post(client, "/end-session", query))

    @pytest.mark.parametrize(
        ("path", "form"),
        [
            ("/token", {"grant_type": "authorization_code", "code": "c", "redirect_uri": "u"}),
            ("/token", {"grant_type": "authorization_code", "code": "c", "code_verifier": "v"}),
            ("/token", {"grant_type": "refresh_token", "refresh_token": "r", "scope": "openid"}),
            ("/token", {"grant_type": "client_credentials", "scope": "x", "resource": "y"}),
            ("/introspect", {"token": "t", "token_type_hint": "access_token"}),
            ("/revoke", {"token": "t", "token_type_hint": "refresh_token"}),
            ("/userinfo", {"access_token": "t"}),
        ],
    )
    def test_each_form_of_a_machine_is_taken_calmly(self, client, path, form):
        office = an_office(client)

        for number, body in enumerate(queries(form)):
            if number % 50 == 0:  # a service that goes on like this is slowed down
                office = an_office(client)
            assert is_calm(post(client, path, body, **office.played.basic()))

    def test_a_genuine_code_with_bad_company_is_taken_calmly(self, client):
        office = an_office(client)
        code = office.authorize(lan())
        honest = {
            "grant_type": "authorization_code",
            "code": code.text,
            "redirect_uri": code.redirect_uri,
            "code_verifier": VERIFIER,
        }

        for number, body in enumerate(queries(honest)):
            if number % 50 == 0:
                office = an_office(client)
            assert is_calm(post(client, "/token", body, **office.played.basic()))

    def test_credentials_of_every_kind_are_taken_calmly(self, client):
        for value in VALUES[:-1]:
            text = quote(value)
            pair = base64.b64encode(f"{text}:{text}".encode()).decode()
            for header in (
                f"Basic {pair}",
                f"Basic {text}",
                f"Bearer {text}",
                f"DPoP {text}",
                text,
                "Basic Og==",
            ):
                told = {"Authorization": header}
                assert is_calm(client.get("/userinfo", headers=told))
                assert is_calm(client.post("/api/attributes", json={}, headers=told))
                assert is_calm(client.post("/token", data={"grant_type": "x"}, headers=told))

    @pytest.mark.parametrize(
        "claims",
        [
            {"jti": "\ud800"},
            {"jti": "a\x00b"},
            {"exp": 10**400},
            {"iat": -(10**400)},
            {"nbf": 10**400},
            {"exp": 1e300},
            {"iss": "\x00", "sub": "\x00"},
            {"iss": "\ud800", "sub": "\ud800"},
            {"aud": ["\ud800"]},
        ],
    )
    def test_a_signed_claim_of_every_kind_is_taken_calmly(self, client, claims):
        service = a_service_with_a_key(grant_types=["client_credentials"])

        answer = client.post(
            "/token", data={"grant_type": "client_credentials"} | service.assertion(**claims)
        )

        assert is_calm(answer)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")

    def test_each_page_for_people_takes_each_field_calmly(self, client):
        sign_in = form_token(client.get("/sign-in"))

        for path, fields in (
            ("/sign-in", {"national_id": "097188000001", "password": "p"}),
            ("/sign-in/code", {"one_time_code": "1"}),
            ("/staff/sign-in", {"username": "u", "password": "p"}),
            ("/staff/sign-in/code", {"one_time_code": "1"}),
            ("/sign-out", {"everywhere": "1"}),
            ("/end-session/confirm", {"sign_out": "x"}),
        ):
            for body in queries(fields):
                assert is_calm(post(client, path, f"{body}&csrf_token={quote(sign_in)}"))
            for body in queries({"csrf_token": sign_in} | fields):
                assert is_calm(post(client, path, body))

    def test_the_decision_page_takes_each_field_calmly(self, client):
        citizen = a_citizen(client, lan())
        page = citizen.is_asked(an_asking_service(), detail("full_name", "contact_phone"))
        seen = page.get()
        token = form_token(seen)
        fields = {"shown": "x", "answer": "allow", "contact_phone": "0999", "attribute": "a"}

        for body in queries(fields | {"purpose": "p", "answer": "maybe"}):
            assert is_calm(post(client, page.path, f"{body}&csrf_token={quote(token)}"))
        for value in VALUES:
            assert is_calm(page.send("allow", seen=seen, contact_phone=value))
        for body in queries({"reason": "r"}):
            object_to = f"{page.path}/object"
            assert is_calm(post(client, object_to, f"{body}&csrf_token={quote(token)}"))

    def test_the_officers_pages_take_each_field_calmly(self, house):
        """On next to no entries, so that no time goes to showing them."""
        officers = house.test_client()
        sign_in_officer(officers, a_security_officer())
        token = _token(officers)
        at = "/audit/"
        forms = {form.route: form for form in (*FORMS, *DESK_FORMS) if form.route.startswith(at)}

        for path in [path for path in forms if "<" not in path]:
            for body in queries({field.name: "honest" for field in forms[path].fields}):
                assert is_calm(post(officers, path, f"{body}&csrf_token={quote(token)}"))

        assert {"/audit/entries", "/audit/receipts", "/audit/searches", "/audit/exports"} <= set(
            forms
        )

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"1" * 5000,
            b"[" * 10_000,
            b'{"a":' * 10_000,
            b'{"procedure": "\\ud800"}',
            b'{"attributes": ["\\ud800"]}',
            b'{"case": "\\u0000"}',
            b'{"procedure": "1.004222", "case": "a\\u0000b", "attributes": ["full_name"]}',
            b'{"attributes": ["full_name\\u0000"]}',
            b'{"attributes": [1e400, NaN, -Infinity]}',
            b'{"attributes": "full_name"}',
            b'{"attributes": {"full_name": true}}',
            b'{"case": 7, "case": 8}',
            b'\xff\xfe{"a":1}',
            '{"case": "x"}'.encode("utf-16"),
            b'{"attributes": ["' + b"x" * 60_000 + b'"]}',
            b"\x00" * 100,
        ],
    )
    def test_a_body_of_every_shape_is_taken_calmly(self, client, body):
        given = give(lan(), an_office(client).played, decision("full_name"))
        told = {"Authorization": f"Bearer {given.token}"}

        answer = client.post(
            "/api/attributes", data=body, content_type="application/json", headers=told
        )

        assert is_calm(answer)
        assert answer.status_code in {400, 403}


def _address(rule) -> str:
    """An address that the rule takes."""
    values = {name: uuid.uuid4() for name in rule.arguments}
    if "filename" in values:
        values["filename"] = "style.css"
    path = rule.rule
    for name, value in values.items():
        path = path.replace(f"<uuid:{name}>", str(value)).replace(f"<path:{name}>", str(value))
        path = path.replace(f"<{name}>", str(value))
    return path


def _token(client: FlaskClient) -> str:
    """The form token of this browser."""
    return form_token(client.get("/sign-in"))
