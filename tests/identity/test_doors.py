"""Two doors, one function (design §9): the same answer from the express lane and from Flask."""

import io
import json
import sqlite3
from dataclasses import replace
from types import SimpleNamespace

import psycopg
import pytest

from identity import doors, errors
from identity.doors import FORM, Door, Request
from identity.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType
from identity.messages import json_response
from identity.parameters import Parameters
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("app")
JSON = "application/json"
SAID = "a value that nobody else may read"


def asked(body=b"", content_type="", *, length=None, query="", limit=100):
    """A request as it comes from a server."""
    return Request(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)) if length is None else length,
            "QUERY_STRING": query,
            "wsgi.input": io.BytesIO(body),
        },
        body_limit=limit,
    )


class TestParameters:
    def test_one_that_was_sent_twice_is_refused_when_it_is_asked_for(self):
        """RFC 6749 §3.1."""
        sent = Parameters("a=1&b=2&a=1")

        assert (sent.one("b"), sent.repeated()) == ("2", ["a"])
        with pytest.raises(InvalidRequest, match="a must be sent only once"):
            sent.one("a")

    def test_one_that_is_empty_was_not_sent(self):
        assert Parameters("a=&b").one("a") is None
        with pytest.raises(InvalidRequest, match="b is required"):
            Parameters("a=&b").required("b")

    @pytest.mark.parametrize("text", ["a=%ff", "a=%00", "%00=1", "&".join(["a=1"] * 201)])
    def test_what_no_text_is_or_is_too_much_is_refused(self, text):
        with pytest.raises(InvalidRequest):
            Parameters(text)

    def test_a_plus_is_a_space_and_a_semicolon_is_itself(self):
        assert Parameters("a=b+c;d").one("a") == "b c;d"


class TestBodies:
    def test_a_body_of_just_the_limit_is_taken_and_one_more_byte_is_not(self):
        assert asked(b"x" * 100).body == b"x" * 100
        with pytest.raises(BodyTooLarge):
            _ = asked(b"x" * 101).body

    def test_a_body_without_a_length_is_counted_while_it_is_read(self):
        endless = Request(
            {"wsgi.input": io.BytesIO(b"x" * 500), "wsgi.input_terminated": True}, body_limit=100
        )

        with pytest.raises(BodyTooLarge):
            _ = endless.body

    @pytest.mark.parametrize("length", ["-1", "1.0", "1e3", "٣", "0x10", " 1"])
    def test_a_length_that_is_no_number_is_refused(self, length):
        with pytest.raises(InvalidRequest):
            _ = asked(b"x", length=length).body

    def test_a_length_of_thousands_of_digits_is_too_large_and_no_accident(self):
        """Python refuses to read such a number at all."""
        with pytest.raises(BodyTooLarge):
            _ = asked(b"x", length="9" * 5_000).body

    def test_half_a_body_is_not_taken_for_the_whole(self):
        """`scope=a&prompt=none` must not be done as `scope=a`."""
        with pytest.raises(InvalidRequest, match="ended before"):
            _ = asked(b"scope=a", FORM, length="19").form

    def test_a_form_by_another_name_is_refused(self):
        assert asked(b"a=1", FORM + "; charset=UTF-8").form.one("a") == "1"
        with pytest.raises(UnsupportedMediaType):
            _ = asked(b"a=1", "multipart/form-data; boundary=x").form

    def test_a_form_in_bytes_beyond_ascii_is_refused(self):
        with pytest.raises(InvalidRequest):
            _ = asked("a=ữ".encode(), FORM).form

    @pytest.mark.parametrize(
        "body",
        [
            b'{"a": 1, "a": 2}',
            b'[{"b": {"a": 1, "a": 1}}]',
            b'{"a": NaN}',
            b'{"a": -Infinity}',
            rb'{"a": "\u0000"}',
            rb'{"\u0000": 1}',
            rb'{"a": "\ud800"}',
            b'{"a": "\x00"}',
            b"",
            b"{",
            b"\xff",
            b"[" * 90,
            b"9" * 90 + b"e",
        ],
    )
    def test_json_that_two_readers_could_read_differently_is_refused(self, body):
        with pytest.raises(InvalidRequest, match="not valid JSON"):
            asked(body, JSON).json()

    @pytest.mark.parametrize(
        "content", [{"a": "ữ"}, {"a": "\U0001f600"}, {"a": "\\u0000"}, {"a": 'q"\\'}, [1, None]]
    )
    def test_honest_json_is_read_in_either_spelling(self, content):
        for spelt in (json.dumps(content), json.dumps(content, ensure_ascii=False)):
            assert asked(spelt.encode(), JSON).json() == content

    def test_json_nested_beyond_all_sense_is_refused(self):
        with pytest.raises(InvalidRequest):
            asked(b"[" * 60_000, JSON, limit=doors.BODY_LIMIT).json()


class TestAccidents:
    @pytest.fixture(autouse=True)
    def door(self, app, monkeypatch):
        """`/jwks`, whose function a test replaces; afterwards it is as before."""
        table = app.extensions["motlan.doors"]

        def does(function, **changed):
            was = table[("GET", "/jwks")]
            monkeypatch.setitem(table, ("GET", "/jwks"), replace(was, function=function, **changed))
            return table[("GET", "/jwks")]

        self.does = does

    def answers(self, error, refusals=errors.tell):
        """What a caller hears when a door's function fails so."""

        def fails(_request, _caller):
            raise error

        door = self.does(fails, refusals=refusals)
        return doors.serve(door, {"REQUEST_METHOD": "GET", "motlan.request_id": "r-1"})

    def test_a_mistake_of_ours_is_a_reference_without_a_word_of_it(self, monkeypatch):
        logged = []
        told = SimpleNamespace(error=lambda *_, **members: logged.append(members))
        monkeypatch.setattr(doors, "log", told)

        answer = self.answers(KeyError(SAID))

        told = json.loads(answer.body)
        assert (answer.status, told["error"]) == (500, "server_error")
        assert "r-1" in told["error_description"]
        assert "test_doors.py" in str(logged)
        assert SAID not in answer.body.decode() + str(logged)

    @pytest.mark.parametrize(
        "error",
        [sqlite3.OperationalError(SAID), psycopg.OperationalError(SAID)],
        ids=lambda error: type(error).__module__,
    )
    def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(self, error):
        answer = self.answers(error, errors.explain)

        assert answer.status == 503
        assert dict(answer.headers)["Retry-After"] == "5"
        assert dict(answer.headers)["Content-Type"] == "application/problem+json"
        assert SAID not in answer.body.decode()

    def test_a_guard_that_fails_opens_nothing(self):
        """Design §2.6."""

        def broken(_request):
            raise ValueError(SAID)

        opened = []
        door = self.does(lambda *_: opened.append(1), guard=broken)

        answer = doors.serve(door, {"REQUEST_METHOD": "GET"})

        assert (answer.status, opened) == (500, [])

    def test_what_the_guard_found_is_what_the_function_gets(self):
        door = self.does(
            lambda _request, caller: json_response({"caller": caller}), guard=lambda _request: "her"
        )

        assert doors.serve(door, {"REQUEST_METHOD": "GET"}).body == b'{"caller":"her"}'


OF_REQUESTS = ("X-Request-Id", "x-fapi-interaction-id", "Date", "Set-Cookie")


def same(answer):
    """An answer but for what is another in every one."""
    headers = {k: v for k, v in answer.headers if k not in OF_REQUESTS}
    return answer.status_code, answer.get_data(), headers


class TestBothDoors:
    @pytest.fixture
    def lanes(self, another_app, settings):
        """The same house with the express lane and without."""
        return [
            another_app(replace(settings, express_lane=is_on)).test_client()
            for is_on in (True, False)
        ]

    @pytest.mark.parametrize(
        ("method", "path", "more"),
        [
            ("GET", "/jwks", {}),
            ("GET", "/.well-known/openid-configuration", {}),
            ("GET", "/healthz", {}),
            ("GET", "/userinfo", {}),
            ("GET", "/userinfo", {"headers": {"Authorization": "Bearer x"}}),
            ("POST", "/token", {}),
            ("POST", "/token", {"data": b"a=1", "content_type": "text/plain"}),
            ("POST", "/token", {"data": b"a=%ff", "content_type": FORM}),
            ("POST", "/token", {"data": b"x" * 70_000, "content_type": FORM}),
            ("POST", "/api/attributes", {"data": b"{", "content_type": JSON}),
            ("HEAD", "/jwks", {}),
            ("HEAD", "/token", {}),
            ("GET", "/token", {}),
            ("DELETE", "/jwks", {}),
            ("OPTIONS", "/token", {}),
            ("GET", "/api/nowhere", {}),
        ],
    )
    def test_the_answer_is_the_same(self, lanes, method, path, more):
        with_lane, without = (same(lane.open(path, method=method, **more)) for lane in lanes)

        assert with_lane == without

    def test_a_public_service_is_served_alike(self, lanes):
        service = a_service(grant_types=["client_credentials"])
        form = {"grant_type": "client_credentials"}

        told = [lane.post("/token", data=form, headers=service.basic()) for lane in lanes]

        assert [answer.status_code for answer in told] == [200, 200]
        assert {tuple(sorted(answer.json)) for answer in told} == {tuple(sorted(told[0].json))}


def test_a_method_that_a_door_lacks_is_told_in_its_own_words(client):
    answer = client.get("/token")

    assert (answer.status_code, answer.json["error"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_a_media_type_or_a_body_that_is_not_taken_is_told_in_its_own_words(client):
    service = a_service()

    kind = client.post("/token", data=b"{}", content_type=JSON, headers=service.basic())
    size = client.post("/token", data=b"a=" + b"1" * 70_000, content_type=FORM)

    assert (kind.status_code, kind.json["error"]) == (415, "unsupported_media_type")
    assert (size.status_code, size.json["error"]) == (413, "body_too_large")


def test_the_head_of_an_answer_has_its_length_and_no_body(client):
    whole, head = client.get("/jwks"), client.head("/jwks")

    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


def test_a_parameter_sent_twice_to_a_door_is_an_invalid_request(client):
    service = a_service()
    body = b"grant_type=client_credentials&grant_type=client_credentials"

    answer = client.post("/token", data=body, content_type=FORM, headers=service.basic())

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_door_states_its_guard_or_cannot_be_made():
    """Design §2.9."""
    with pytest.raises(TypeError, match="guard"):
        Door(method="GET", path="/x", function=lambda *_: None, refusals=errors.tell, summary="")
