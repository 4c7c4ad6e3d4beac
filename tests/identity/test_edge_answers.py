"""The edge asked without WSGI: the same answer, in the bytes that a server sends."""

import io
import json
import uuid
from ipaddress import ip_network
from urllib.parse import urlencode, urlsplit

import pytest

from identity import messages, settings, waiting
from identity.ahead import PassedOn
from identity.doors import BODY, Door, anyone
from identity.edge import HEADERS_LIMIT, LENGTH, QUERY_LIMIT, Edge, interaction
from identity.errors import tell
from identity.messages import Response, json_response
from identity.waiting import MustWait
from tests.answering import Answering
from tests.asking import VERIFIER, Sender, answered, signed_in
from tests.installations import installed
from tests.people import lan
from tests.public_services import a_service_with_a_key
from tests.turns import in_a_turn

FORM = "application/x-www-form-urlencoded"
NAMED = "6f1e3f4a-0B7c-4d5e-8f90-a1b2c3d4e5f6"


def say_again(request, _caller):
    """What a door sees of a request."""
    told = {"remote": request.remote, "id": request.request_id, "form": request.form.names()}
    return json_response(told | {"certificate": request.environ.get("motlan.client_cert")})


def wait_first(request, caller):
    waiting.require()
    return say_again(request, caller)


def elsewhere(_environ, start_response):
    start_response("200 OK", [])
    return []


def door(function):
    return Door(
        method="POST",
        path="/token",
        function=function,
        guard=anyone,
        refusals=tell,
        summary="",
        answers={},
    )


@pytest.fixture
def edge(tmp_path):
    """An edge before one door; its only trusted proxy is in 10.0.0.0/8."""
    with installed(tmp_path) as settings:
        object.__setattr__(settings, "trusted_proxies", (ip_network("10.0.0.0/8"),))

        def made(function=say_again):
            return Edge(settings, elsewhere, lane=lambda *asked: table(function).get(asked))

        yield made


def table(function):
    return {("POST", path): door(function) for path in ("/token", "/userinfo")}


def environ(host="localhost:8000", **more):
    told = {"REQUEST_METHOD": "POST", "PATH_INFO": "/token", "CONTENT_TYPE": FORM, BODY: b"a=1"}
    return told | {"HTTP_HOST": host, "REMOTE_ADDR": "10.0.0.7"} | more


def by_wsgi(edge, asked):
    said = []
    body = b"".join(edge(asked, lambda *told: said.extend(told)))
    return int(said[0][:3]), body, said[1]


def lines(edge, answer, request_id="r-1", **more):
    first, *rest = edge.head(answer, request_id, **more).decode("latin-1").split("\r\n")[:-1]
    return first, [tuple(line.split(": ", 1)) for line in rest]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"CONTENT_TYPE": "text/plain"},
        {"host": "evil.test"},
        {"QUERY_STRING": "x" * 20_000},
        {"HTTP_X_FAPI_INTERACTION_ID": NAMED},
    ],
)
def test_a_server_and_wsgi_hear_the_same(edge, more):
    here = edge()
    asked, again = environ(**more), environ(**more)
    answer = here.answer(asked)
    first, told = lines(here, answer, asked["motlan.request_id"], named=interaction(asked))

    status, body, headers = by_wsgi(here, again)

    of_one = (asked["motlan.request_id"], again["motlan.request_id"])
    assert first.startswith(f"HTTP/1.1 {status} ")
    assert answer.body.decode() == body.decode().replace(of_one[1], of_one[0])
    assert sorted(told) == sorted((n, v.replace(of_one[1], of_one[0])) for n, v in headers)


def test_what_has_no_door_here_is_left_to_wsgi_untouched(edge):
    asked = environ(PATH_INFO="/sign-in", HTTP_X_FORWARDED_FOR="192.0.2.1")

    assert edge().answer(asked) is None

    assert asked == environ(PATH_INFO="/sign-in", HTTP_X_FORWARDED_FOR="192.0.2.1")


def test_what_had_to_wait_begins_anew_as_the_same_request(edge):
    """What a proxy told of it was taken out of the headers at the first try, and still counts."""
    here = edge(wait_first)
    asked = environ(HTTP_X_FORWARDED_FOR="192.0.2.1", HTTP_CLIENT_CERT=":bWluZQ==:")
    with pytest.raises(MustWait):
        in_a_turn(lambda: here.answer(asked))
    known = asked["motlan.request_id"]

    status, body, headers = by_wsgi(here, asked)

    assert status == 200
    assert b'"remote":"192.0.2.1"' in body
    assert b'"certificate":":bWluZQ==:"' in body
    assert ("X-Request-Id", known) in headers


def test_the_length_is_that_of_each_body_although_heads_are_kept(edge):
    here = edge()

    told = [dict(lines(here, json_response({"a": "x" * n}), f"r-{n}")[1]) for n in (1, 10)]

    assert [int(one["Content-Length"]) for one in told] == [9, 18]
    assert [one["X-Request-Id"] for one in told] == ["r-1", "r-10"]


def test_a_header_of_one_answer_alone_is_not_kept(edge):
    """A code is in `Location`: it is not to stay in memory."""
    here = edge()
    sent = Response(303, b"", (("Location", "https://service.test/?code=1"),))

    first = lines(here, sent)

    assert ("Location", "https://service.test/?code=1") in first[1]
    assert not here._heads


def test_an_answer_without_a_body_has_no_length(edge):
    """RFC 9110 §8.6."""
    here = edge(lambda _request, _caller: Response(204))

    assert b"content-length" not in here.head(Response(204), "r-1").lower()
    assert not [name for name, _ in by_wsgi(here, environ())[2] if name == "Content-Length"]


@pytest.mark.parametrize("path", ["/token", "/elsewhere"])
def test_a_client_sees_again_what_it_called_its_request(edge, path):
    """FAPI 1.0 Baseline §6.2.1-11, through either door; it belongs to that answer alone."""
    here = edge()

    named = by_wsgi(here, environ(PATH_INFO=path, HTTP_X_FAPI_INTERACTION_ID=NAMED))
    unnamed = by_wsgi(here, environ(PATH_INFO=path))

    assert ("x-fapi-interaction-id", NAMED) in named[2]
    assert "x-fapi-interaction-id" not in dict(unnamed[2])


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (501, {"REQUEST_METHOD": "BREW"}),
        (400, {"HTTP_HOST": "localhost:8001"}),
        (400, {"HTTP_HOST": ""}),
        (400, {"PATH_INFO": "/to\x00ken"}),
        (414, {"QUERY_STRING": "x" * (QUERY_LIMIT + 1)}),
        (431, {"HTTP_COOKIE": "x" * (HEADERS_LIMIT + 1)}),
        (431, {LENGTH: HEADERS_LIMIT + 1}),
        (200, {"QUERY_STRING": "x" * QUERY_LIMIT, LENGTH: HEADERS_LIMIT}),
        (200, {"HTTP_COOKIE": "x" * (HEADERS_LIMIT - len("localhost:8000"))}),
        (200, {"HTTP_HOST": "LocalHost:8000"}),
    ],
)
def test_what_no_door_should_have_to_look_at_is_refused(edge, status, more):
    """A host that is not ours, and whatever is too long, or could be an accident further in."""
    assert by_wsgi(edge(), environ(**more))[0] == status


@pytest.mark.parametrize("told", [{}, {"HTTP_X_FAPI_INTERACTION_ID": "no UUID"}])
@pytest.mark.parametrize("path", ["/userinfo", "/api/attributes", "/grants/g-1"])
def test_a_request_for_a_resource_has_a_name_although_nobody_gave_it_one(edge, path, told):
    """FAPI 1.0 Baseline §6.2.1-11: a UUID; ours, so that it is found in our log."""
    asked = environ(PATH_INFO=path, **told)

    headers = dict(by_wsgi(edge(), asked)[2])

    named = uuid.UUID(headers["x-fapi-interaction-id"])
    assert (named.variant, named.version) == (uuid.RFC_4122, 7)
    assert named.hex == headers["X-Request-Id"]


def test_a_server_hears_that_name_too(edge):
    here, asked = edge(), environ(PATH_INFO="/userinfo")

    answer, of_it = here.answer(asked), asked["motlan.request_id"]
    headers = dict(lines(here, answer, of_it, named=interaction(asked))[1])

    assert uuid.UUID(headers["x-fapi-interaction-id"]).hex == headers["X-Request-Id"]
    assert not [head for head in here._heads.values() if b"interaction" in head]


class TestAttacker:
    @pytest.mark.parametrize("has_lane", [True, False])
    def test_what_one_request_spent_is_spent_for_the_next(self, app, monkeypatch, has_lane):
        """Also on its own connection, sent before the first was answered, and after a refusal."""
        if not has_lane:
            monkeypatch.setattr(app, "wsgi_app", Edge(settings.current(), app.wsgi_app._behind))
        asked = {"grant_type": "client_credentials", "resource": "https://else.test"}
        grants = {"grant_types": ["client_credentials"], "redirect_uris": None}
        body = urlencode(asked | a_service_with_a_key(**grants, response_types=[]).assertion())
        head = f"Host: {urlsplit(settings.current().issuer).netloc}\r\nContent-Type: {FORM}"
        said = f"POST /token HTTP/1.1\r\n{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}"

        with Answering(app, settings.current()) as server, server.connected() as link:
            link.say(said.encode() * 3)
            told = [json.loads(link.answer().body)["error"] for _ in range(3)]

        assert told == ["invalid_target", "invalid_client", "invalid_client"]

    @pytest.mark.parametrize("told", [NAMED + "\n", NAMED + ", x", "'or 1=1", "", "a" * 36])
    def test_what_is_no_name_of_a_request_is_not_repeated(self, edge, told):
        asked = environ(HTTP_X_FAPI_INTERACTION_ID=told)

        assert "x-fapi-interaction-id" not in dict(by_wsgi(edge(), asked)[2])

    @pytest.mark.parametrize(
        ("peer", "told", "remote"),
        [
            ("10.0.0.7", "192.0.2.1", "192.0.2.1"),
            ("10.0.0.7", "2001:db8::1", "2001:db8::1"),
            ("10.0.0.7", "198.51.100.6, 192.0.2.1", "192.0.2.1"),
            ("10.0.0.7", "192.0.2.1, 10.0.0.8", "192.0.2.1"),
            ("10.0.0.7", "192.0.2.1,, 10.0.0.8 ,", "192.0.2.1"),
            ("10.0.0.7", "192.0.2.1, unknown", "10.0.0.7"),
            ("10.0.0.7", "10.0.0.9, 10.0.0.8", "10.0.0.7"),
            ("10.0.0.7", "", "10.0.0.7"),
            ("192.0.2.9", "192.0.2.1", "192.0.2.9"),
            ("192.0.2.9", "10.0.0.8", "192.0.2.9"),
            ("", "192.0.2.1", ""),
            ("unix:", "192.0.2.1", "unix:"),
        ],
    )
    def test_who_asks_is_whom_our_own_proxy_heard(self, edge, peer, told, remote):
        """Whatever stands further to the left was written by whoever asks, to be somebody else."""
        asked = environ(REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=told)

        answer = edge().answer(asked)

        assert json.loads(answer.body)["remote"] == remote
        assert "HTTP_X_FORWARDED_FOR" not in asked

    @pytest.mark.parametrize("told", ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "hộ tịch"])
    def test_no_header_is_two(self, told):
        with pytest.raises(ValueError):  # noqa: PT011 - UnicodeEncodeError is one
            messages.head(200, (("Content-Type", "text/plain"), ("X-Told", told)))

    def test_a_body_longer_than_its_door_takes_is_refused(self, edge):
        """Whether it is here whole already or not."""
        long = b"a=" + b"x" * 70_000

        here = edge().answer(environ(**{BODY: long, "CONTENT_LENGTH": str(len(long))}))
        unread = environ(CONTENT_LENGTH=str(len(long)), **{"wsgi.input": io.BytesIO(long)})
        del unread[BODY]

        assert (here.status, edge().answer(unread).status) == (413, 413)


def test_what_a_door_passes_on_goes_to_a_thread_and_is_not_tried_again(edge):
    tries = []

    def pass_on_what_came(_request, _caller):
        tries.append(1)
        raise PassedOn

    here, asked = edge(pass_on_what_came), environ()

    with pytest.raises(MustWait):
        in_a_turn(lambda: here.answer(asked))

    assert here.answer(asked) is None
    assert tries == [1]


def test_what_the_loop_spent_the_thread_after_it_spends_no_more(app, client, monkeypatch):
    """MOTLAN_EXPRESS_LANE=0: same checks, same answers, and an assertion is no replay of itself."""
    monkeypatch.setattr(app, "wsgi_app", Edge(settings.current(), app.wsgi_app._behind))
    signed_in(client, lan())
    sender = Sender(client, a_service_with_a_key())
    host = urlsplit(settings.current().issuer).netloc
    asked = {"grant_type": "authorization_code", "redirect_uri": sender.redirect_uri}
    asked |= {"code": answered(sender.ask())["code"], "code_verifier": VERIFIER}
    told = []
    with Answering(app, settings.current()) as server:
        for _ in range(3):  # that a code was used again is written by a thread
            body = urlencode(asked | sender.played.assertion())
            head = f"POST /token HTTP/1.1\r\nHost: {host}\r\nContent-Type: {FORM}\r\n"
            said = f"{head}Content-Length: {len(body)}\r\n\r\n{body}"
            told.append(json.loads(server.answer(said.encode()).body).get("error"))

    assert told == [None, "invalid_grant", "invalid_grant"]
