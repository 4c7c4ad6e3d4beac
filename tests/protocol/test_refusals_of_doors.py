"""Every machine endpoint refuses in its own format and in plain English, whatever is wrong."""

import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

import pytest
from flask import Flask

from identity import doors, errors, rate
from identity.doors import FORM, Door
from identity.errors import Refusal
from identity.parameters import REPEATABLE
from identity.public_services import credentials
from identity.public_services.registered import GRANT_QUERY, GRANT_REVOKE
from identity.self_registration import client_registration
from tests.exchange import decision, give, publish_catalogues
from tests.offices import EVERY_GRANT, an_office
from tests.people import lan
from tests.registering import a_registrar, bearer

pytestmark = pytest.mark.slow
# RFC 6749 §5.2: what an error_description may hold.
SAYABLE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")
CHALLENGE = re.compile(r'(Basic|Bearer) realm="[^"\\]+"(, [a-z_]+="[^"\\]+")*')
# Nothing that may stand in an honest form beside the header.
SECRETS = {row.name for row in credentials.PARAMETERS} | {"access_token", "authorization_details"}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
LANGUAGES = ("vi", "en", "fr;q=0.9, vi;q=0.8")
JSON = "application/json"
FORMATS = {errors.tell: JSON, errors.explain: "application/problem+json"}
# Nothing of these can be read: half an escape, no UTF-8, half of a pair, NUL.
UNREADABLE = ("%ff%fe", "%e1%bb", "%ed%a0%80", "%00", "a%00b")


@pytest.fixture(scope="module", autouse=True)
def catalogues(app: Flask) -> None:
    del app
    publish_catalogues()


@pytest.fixture
def table(app):
    """Every machine endpoint there is."""
    return app.extensions["motlan.doors"]


@dataclass(frozen=True)
class Entering:
    """What lets a caller in at each door, genuine."""

    headers: Callable[[Door], dict[str, str]]
    client_id: str  # of a service that registered itself

    def __call__(self, door: Door) -> dict[str, str]:
        return self.headers(door)

    def place(self, door: Door) -> str:
        """The door's path, with something that is there in place of its variable."""
        return door.path.replace("<client_id>", self.client_id)


@pytest.fixture
def entering(client):
    """Headers with which a door lets a caller in, genuine."""
    office = an_office(client, scope=f"openid {GRANT_QUERY} {GRANT_REVOKE}", **EVERY_GRANT)
    api = give(lan(), office.played, decision("full_name")).token
    userinfo = office.sign_in(lan())["access_token"]
    form = {"grant_type": "client_credentials", "scope": f"{GRANT_QUERY} {GRANT_REVOKE}"}
    own = office.post("/token", **form).json["access_token"]
    registrar = a_registrar(client)
    itself = registrar.registered()

    tokens = {
        "/userinfo": userinfo,
        "/grants/<grant_id>": own,
        "/register": registrar.token,
        "/register/<client_id>": itself["registration_access_token"],
    }

    def headers(door):
        if door.guard is doors.anyone:
            return {}
        token = tokens.get(door.path) or (api if door.refusals is errors.explain else None)
        return bearer(token) if token else office.played.basic()

    return Entering(headers, itself["client_id"])


def takes_a_body(door):
    return bool(door.form) or door.body is not None


def honest(door):
    """A body as the door wants it, in its content type."""
    if not takes_a_body(door):
        return {}
    if door.body is not None:
        return {"data": b"{}", "content_type": JSON}
    body = {"grant_type": "client_credentials", "token": "t"}
    return {"data": urlencode(body), "content_type": FORM}


def says(answer, door):
    """What the refusal says, once its format is right for the door and its words for anybody."""
    assert answer.status_code >= 400
    assert answer.mimetype == FORMATS[door.refusals], (door.path, answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_data().isascii(), (door.path, answer.text)
    assert all(value.isascii() for value in answer.headers.values())
    told = answer.json
    if door.refusals is errors.tell:
        assert set(told) == {"error", "error_description", "error_uri"}
        assert told["error_uri"].startswith("http://localhost:8000/docs#")
        detail = told["error_description"]
    else:
        assert told["type"].startswith("urn:motlan:error:")
        assert told["status"] == answer.status_code
        assert told["title"].isascii()
        detail = told["detail"]
    assert SAYABLE.fullmatch(detail), detail
    if answer.status_code == 401:
        assert CHALLENGE.fullmatch(answer.headers["WWW-Authenticate"])
    if answer.status_code in {429, 503}:
        assert int(answer.headers["Retry-After"]) > 0
    return detail


def in_each_language(client, door, path, **sent):
    """The refusal, which no language that is asked for changes."""
    more = sent.pop("headers", {})
    answers = [
        client.open(path, headers=more | {"Accept-Language": wish}, **sent) for wish in LANGUAGES
    ]
    assert len({(answer.status_code, answer.get_data()) for answer in answers}) == 1
    return answers[0], says(answers[0], door)


def test_a_method_that_is_not_offered(client, table):
    """RFC 9110 §15.5.6: `Allow` names those that are."""
    offered = {}
    for method, path in table:
        offered.setdefault(path, set()).add(method)

    for (_, path), door in table.items():
        for method in METHODS - offered[path]:
            answer, detail = in_each_language(client, door, path, method=method)

            assert answer.status_code == 405
            allowed = {word.strip() for word in answer.headers["Allow"].split(",")}
            assert allowed - {"HEAD", "OPTIONS"} == offered[path]
            assert "Allow" in detail


def test_a_path_below_or_beside_a_machine_endpoint(client, table):
    """A mistyped address of a program is not answered by a page for people."""
    open_ended = {door.path.partition("<")[0] for door in table.values() if "<" in door.path}
    for door in table.values():
        head = "/" + door.path.split("/")[1]
        beside = {f"{door.path}/nowhere", f"{door.path}/", f"{head}/nowhere"}
        for path in beside if f"{head}/" not in open_ended else {f"{door.path}/nowhere/there"}:
            for method in ("GET", "POST"):
                answer, detail = in_each_language(client, door, path, method=method)

                assert answer.status_code == 404, path
                assert "address" in detail


def test_no_page_for_people_lies_beside_a_machine_endpoint(app, table):
    """Else the first part of a path would not say who is asking."""
    machines = {path.split("/")[1] for _, path in table}
    pages = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.split("/")[1] in machines and not rule.endpoint.startswith("door:")
    }

    assert not pages


def test_a_content_type_that_is_not_taken(client, table, entering):
    tried = []
    for door in table.values():
        if not takes_a_body(door):
            continue
        for kind in ("application/xml", "multipart/form-data; boundary=x", "text/plain", ""):
            sent = honest(door) | {"content_type": kind, "method": door.method}
            if door.path == "/userinfo":  # its form is optional, so anything else is not read
                assert client.open(door.path, headers=entering(door), **sent).status_code == 200
                continue
            answer, detail = in_each_language(
                client, door, entering.place(door), headers=entering(door), **sent
            )
            tried.append(door.path)

            assert answer.status_code == 415
            assert (JSON if door.body is not None else FORM) in detail

    assert {"/token", "/introspect", "/revoke", "/api/attributes"} <= set(tried)


def test_a_body_that_is_too_large(client, table, entering):
    for door in filter(takes_a_body, table.values()):
        kind = honest(door)["content_type"]
        sent = {"data": b"x" * (door.body_limit + 1), "content_type": kind}

        answer, detail = in_each_language(
            client, door, entering.place(door), method=door.method, headers=entering(door), **sent
        )

        assert answer.status_code == 413
        assert str(door.body_limit) in detail


def test_a_body_that_cannot_be_read(client, table, entering):
    for door in filter(takes_a_body, table.values()):
        kind = honest(door)["content_type"]
        bad = [b"{", b"\xff", b'{"a":"\\ud800"}', b"[" * 5_000, b'{"a":1,"a":2}']
        if kind == FORM:
            bad = ["Lan=Nguyễn".encode(), *(f"token={text}".encode() for text in UNREADABLE)]
        for body in bad:
            answer, _ = in_each_language(
                client,
                door,
                entering.place(door),
                method=door.method,
                headers=entering(door),
                data=body,
                content_type=kind,
            )

            assert answer.status_code == 400, (door.path, body)


def test_a_caller_without_or_with_bad_credentials(client, table):
    """RFC 6749 §5.2, RFC 6750 §3: 401, and how to authenticate."""
    guarded = [door for door in table.values() if door.guard is not doors.anyone]
    bad = ("Basic !", "Basic w7/Dvw==", "Bearer x", "Bearer ữ", "Digest a=b", "Basic eDp4", "x")

    for door in guarded:
        sent = honest(door) | {"method": door.method}
        for header in (None, *bad):
            told = {} if header is None else {"Authorization": quote(header, safe=" !=/")}
            answer, _ = in_each_language(client, door, door.path, headers=told, **sent)

            assert answer.status_code == 401, (door.path, header)
    assert len(guarded) >= 6


def test_a_caller_that_asks_too_often(client, table, entering, monkeypatch):
    guarded = [door for door in table.values() if door.guard is not doors.anyone]
    let_in = [(door, entering(door)) for door in guarded]
    nobody = rate.Limit(per_second=0.5, burst=0)
    monkeypatch.setattr(rate, "machines", nobody)
    monkeypatch.setattr(client_registration, "strangers", nobody)

    for door, headers in let_in:
        sent = honest(door) | {"method": door.method}
        place = entering.place(door)
        answer, detail = in_each_language(client, door, place, headers=headers, **sent)

        assert answer.status_code == 429
        assert "Retry-After" in detail


def forms(table):
    """Each form that a door takes, filled in, with the row at which a test may tamper."""
    for door in (door for door in table.values() if door.form):
        for rows in door.form:
            # Who asks stands in the header: a credential in the form as well would be refused.
            honest = {
                row.name: row.one_of[0] if row.one_of else row.example or "x"
                for row in rows
                if row.name not in SECRETS
            }
            yield from ((door, honest, row) for row in rows if row.name in honest)


def send(client, door, headers, pairs):
    sent = {"data": urlencode(pairs), "content_type": FORM, "headers": headers}
    return in_each_language(client, door, door.path, method=door.method, **sent)


def test_a_parameter_that_is_repeated_missing_or_too_long(client, table, entering):
    """RFC 6749 §3.2: what the tables say is what is refused, and the refusal names it."""
    tried = set()
    for door, honest, row in forms(table):
        headers = entering(door)
        rest = {name: value for name, value in honest.items() if name != row.name}
        twice = [*honest.items(), (row.name, "again")]

        if row.name not in REPEATABLE:
            answer, detail = send(client, door, headers, twice)
            assert answer.status_code == 400
            assert row.name in detail or "each parameter" in detail
        if row.is_required:
            for nothing in (rest, rest | {row.name: ""}):
                answer, detail = send(client, door, headers, nothing)
                assert (answer.status_code, row.name in detail) == (400, True), row.name
        if row.longest is not None:
            answer, detail = send(client, door, headers, rest | {row.name: "x" * (row.longest + 1)})
            assert (answer.status_code, row.name in detail) == (400, True), row.name
        tried.add((door.path, row.name))

    assert {("/token", "scope"), ("/token", "code"), ("/revoke", "token")} <= tried


@pytest.mark.parametrize("value", ["x" * 60_000, "ữ" * 6_000, " ", "\r\nSet-Cookie: a=b", "[]"])
def test_a_value_of_no_sense(client, table, entering, value):
    """Whatever a parameter holds: taken as nothing, or refused in the door's own words."""
    for door, honest, row in forms(table):
        sent = urlencode(honest | {row.name: value})
        headers = entering(door) | {"Accept-Language": "vi"}
        answer = client.open(
            door.path, method=door.method, data=sent, content_type=FORM, headers=headers
        )

        assert answer.status_code in {200, 400, 401, 413}, (door.path, row.name)
        if answer.status_code != 200:
            says(answer, door)


@pytest.mark.parametrize(
    ("error", "status"), [(sqlite3.OperationalError("ữ"), 503), (KeyError("ữ"), 500)]
)
def test_what_fails_inside(app, table, error, status):
    def fails(_request, _caller):
        raise error

    for door in table.values():
        broken = replace(door, function=fails, guard=doors.anyone)
        answer = doors.serve(broken, {"REQUEST_METHOD": door.method, "motlan.request_id": "r"})

        assert answer.status == status
        says(app.response_class(answer.body, answer.status, list(answer.headers)), door)


def test_no_refusal_leaves_the_characters_of_the_specification():
    """RFC 6749 §5.2: a detail that holds others is not sent; its title is."""
    for kind in errors.family():
        refusal = Refusal.__new__(kind)
        Refusal.__init__(refusal, 'Trang này "không" nhận')

        told = json.loads(errors.tell(refusal).body)["error_description"]
        explained = json.loads(errors.explain(refusal).body)["detail"]
        sent_back = errors.sent_back(refusal)["error_description"]

        assert {told, explained, sent_back} == {kind.title}
        assert SAYABLE.fullmatch(kind.title)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"method": "TRACE"}, 501),
        ({"method": "GUESS"}, 501),
        ({"base_url": "http://evil.test"}, 400),
        ({"query_string": "a=" + "x" * 17_000}, 414),
        ({"headers": {"X-Much": "x" * 33_000}}, 431),
    ],
)
def test_what_no_door_looks_at_is_refused_before_it(client, table, sent, status):
    """The edge knows no door, so it says plain text."""
    for method, path in table:
        told = {"method": method, "path": path} | sent
        headers = {"Accept-Language": "vi"} | told.pop("headers", {})
        answer = client.open(told.pop("path"), headers=headers, **told)

        assert (answer.status_code, answer.mimetype) == (status, "text/plain")
        assert answer.get_data().isascii()
        assert answer.text.strip()
