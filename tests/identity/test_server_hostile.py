"""What a server on the open network is sent: each is answered rightly or cut, nothing hangs.

One web process's server in a thread, on a real socket, with short deadlines (RFC 9110, RFC 9112).
"""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from flask import Flask

from identity.server import connection, serving
from identity.settings import Settings
from tests.answering import Answer, Answering

pytestmark = [pytest.mark.sqlite]

SECONDS = 0.4  # for headers, of the impatient server
BODY = b"grant_type=client_credentials"
FORM = b"Content-Type: application/x-www-form-urlencoded"
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def server(app: Flask, settings: Settings) -> Iterator[Answering]:
    with Answering(app, settings) as made:
        yield made


@pytest.fixture
def impatient(app: Flask, settings: Settings, monkeypatch) -> Iterator[Answering]:
    """The same with deadlines that a test can wait for."""
    monkeypatch.setattr(connection, "HEADER_SECONDS", SECONDS)
    monkeypatch.setattr(serving, "IDLE_SECONDS", 1)  # more than a busy machine takes to speak
    monkeypatch.setattr(serving, "SWEEP_SECONDS", SECONDS / 4)
    with Answering(app, dataclasses.replace(settings, body_seconds=1)) as made:
        yield made


def lines(
    *told: bytes, ask: bytes = b"GET /jwks HTTP/1.1", host: bytes = b"Host: localhost:8000"
) -> bytes:
    return b"\r\n".join([ask, host, *told, b"", b""])


def post(*told: bytes, body: bytes = BODY, ask: bytes = b"POST /token HTTP/1.1") -> bytes:
    return lines(FORM, *told, ask=ask) + body


def chunked(body: bytes, *more: bytes) -> bytes:
    return post(CHUNKED, *more, body=body)


WHOLE = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: localhost:8000\r\n\r\n"
LENGTH = b"Content-Length: %d" % len(BODY)

# Where a body ends is not certain, or not as we read it: the connection is of no more use.
UNCERTAIN = {
    "two lengths": post(LENGTH, LENGTH),
    "two different lengths": post(LENGTH, b"Content-Length: 0"),
    "a list of lengths": post(b"Content-Length: 29, 29"),
    "a length with a sign": post(b"Content-Length: +29"),
    "a negative length": post(b"Content-Length: -29"),
    "a length in hexadecimal": post(b"Content-Length: 0x1d"),
    "a length with a space in it": post(b"Content-Length: 2 9"),
    "no length in it": post(b"Content-Length:"),
    "a length beyond 64 bits": post(b"Content-Length: 99999999999999999999999"),
    "length, then chunks": post(b"Content-Length: 4", CHUNKED, body=WHOLE),
    "chunks, then length": post(CHUNKED, b"Content-Length: 4", body=WHOLE),
    "chunked twice": post(CHUNKED, CHUNKED, body=WHOLE),
    "chunked and then something": post(b"Transfer-Encoding: chunked, identity", body=WHOLE),
    "almost chunked": post(b"Transfer-Encoding: xchunked", body=WHOLE),
    "chunked behind a tab": post(b"Transfer-Encoding: \x0bchunked", body=WHOLE),
    "another coding first": post(b"Transfer-Encoding: gzip, chunked", body=WHOLE),
    "no coding": post(b"Transfer-Encoding:", body=WHOLE),
    "identity": post(b"Transfer-Encoding: identity", body=WHOLE),
    "chunks in HTTP/1.0": post(CHUNKED, body=WHOLE, ask=b"POST /token HTTP/1.0"),
    "a negative chunk": chunked(b"-1\r\na\r\n0\r\n\r\n"),
    "a chunk in 0x": chunked(b"0x1\r\na\r\n0\r\n\r\n"),
    "a chunk beyond 64 bits": chunked(b"1ffffffffffffffff\r\na\r\n0\r\n\r\n"),
    "a space behind a chunk's size": chunked(b"1 \r\na\r\n0\r\n\r\n"),
    "a chunk's line without CR": chunked(b"1\na\r\n0\r\n\r\n"),
    "an extension without CR": chunked(b"1;a=b\na\r\n0\r\n\r\n"),
    "a chunk longer than it said": chunked(b"1\r\nabc\r\n0\r\n\r\n"),
    "a chunk without CR": chunked(b"1\r\na\n0\r\n\r\n"),
    "a length behind a space": post(b"Content-Length : 29"),
    "a coding behind a tab": post(b"Transfer-Encoding\t: chunked", body=WHOLE),
}
MALFORMED = {
    "a folded header": lines(b"X-A: a\r\n b"),
    "a space before the first header": lines(host=b" X-A: a\r\nHost: localhost:8000"),
    "lines that end in LF": lines().replace(b"\r\n", b"\n"),
    "a header that ends in LF": lines(b"X-A: a\nX-B: b"),
    "CR in a header": lines(b"X-A: a\rb"),
    "CR twice": lines(b"X-A: a\r"),
    "NUL in a header": lines(b"X-A: a\0b"),
    "NUL in a name": lines(b"X\0A: a"),
    "a control character": lines(b"X-A: a\x01b"),
    "a space before the colon": lines(host=b"Host : localhost:8000"),
    "no colon": lines(b"X-A"),
    "no name": lines(b": a"),
    "a name beyond ASCII": lines("X-Đ: a".encode()),
    "no host": lines(host=b"X-A: a"),
    "two hosts": lines(b"Host: localhost:8000"),
    "an empty host": lines(host=b"Host:"),
    "NUL in the address": lines(ask=b"GET /jw\0ks HTTP/1.1"),
    "a tab in the address": lines(ask=b"GET /jw\tks HTTP/1.1"),
    "a space in the address": lines(ask=b"GET /jw ks HTTP/1.1"),
    "bytes in the address": lines(ask="GET /hộ-tịch HTTP/1.1".encode()),
    "an address of nothing": lines(ask=b"GET jwks HTTP/1.1"),
    "a host for an address": lines(ask=b"GET localhost:8000 HTTP/1.1"),
    "another host's address": lines(ask=b"GET http://example.com/jwks HTTP/1.1"),
    "a fragment": lines(ask=b"GET /jwks#a HTTP/1.1"),
    "TLS": bytes.fromhex("16030100c8010000c4"),
}
OTHERS = {
    "HTTP/0.9": (b"GET /jwks\r\n\r\n", {400, 505}),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    "HTTP/2.0": (lines(ask=b"GET /jwks HTTP/2.0"), {400, 505}),
    "HTTP/1.2": (lines(ask=b"GET /jwks HTTP/1.2"), {400, 505}),
    "an unknown method": (lines(ask=b"BREW /jwks HTTP/1.1"), {400, 501}),
    "a method in small letters": (lines(ask=b"get /jwks HTTP/1.1"), {400, 501}),
    "CONNECT": (lines(ask=b"CONNECT localhost:8000 HTTP/1.1") + HIDDEN, {400, 501}),
    "a header too long": (lines(b"X-A: " + b"a" * 100_000), {431}),
    "headers too many": (lines(*[b"X-A: a"] * 10_000), {431}),
    "empty headers too many": (lines(*[b"a:"] * 8_000), {431}),
    "names too many": (lines(*[b"X-%d: a" % n for n in range(5_000)]), {431}),
    "an address too long": (lines(ask=b"GET /jwks?%b HTTP/1.1" % (b"a" * 80_000)), {414, 431}),
    "an unknown expectation": (post(LENGTH, b"Expect: more"), {417}),
}


def statuses(answers: list[Answer]) -> list[int]:
    return [answer.status for answer in answers]


class TestAttacker:
    @pytest.mark.parametrize("said", UNCERTAIN.values(), ids=UNCERTAIN)
    def test_where_a_body_could_end_in_two_ways_nothing_behind_it_is_a_request(self, server, said):
        """RFC 9112 §6.3, §11.2: smuggling; a server before us may have read it differently."""
        with server.connected() as link:
            link.say(said + HIDDEN)
            answers = link.rest()

        assert statuses(answers) in ([400], [501], [505])

    @pytest.mark.parametrize("said", MALFORMED.values(), ids=MALFORMED)
    def test_what_is_no_request_is_refused_and_ends_the_connection(self, server, said):
        """RFC 9112 §2.2, §3, §5.1, §5.2."""
        with server.connected() as link:
            link.say(said)
            link.says_no_more()
            answers = link.rest()

        assert statuses(answers) in ([400], [501])

    @pytest.mark.parametrize(("said", "allowed"), OTHERS.values(), ids=OTHERS)
    def test_what_we_do_not_speak_is_said_to_be_so(self, server, said, allowed):
        with server.connected() as link:
            link.say(said)
            link.says_no_more()
            answers = link.rest()

        assert len(answers) == 1
        assert answers[0].status in allowed

    def test_what_follows_a_body_in_pieces_adds_no_header_to_the_request(self, server):
        """RFC 9112 §7.1.2: a trailer is none of the fields that say who asks."""
        trailer = WHOLE[:-2] + b"Host: example.com\r\nAuthorization: Basic YTpi\r\n\r\n"
        with server.connected() as link:
            link.say(chunked(WHOLE))
            usual = link.answer()
            link.say(chunked(trailer))
            told = link.answer()

        assert (told.status, told.body) == (usual.status, usual.body)

    @pytest.mark.parametrize("end", [b"X-A: " + b"a" * 300_000, b"X-A: a\r\n" * 40_000])
    def test_what_follows_a_body_in_pieces_has_a_limit(self, server, end):
        with server.connected() as link:
            link.say(chunked(WHOLE[:-2] + end))

            assert link.answer().status == 431

    def test_a_piece_as_large_as_numbers_go_is_refused_without_being_waited_for(self, server):
        with server.connected() as link:
            link.say(chunked(b"ffffffffffffffff\r\n" + b"a" * 100_000))

            assert link.answer().status == 413

    @pytest.mark.parametrize("often", [1, 5])
    def test_headers_that_never_end_are_ended(self, impatient, often):
        """One at a time they do not move the deadline either."""
        began_at = time.monotonic()
        with impatient.connected() as link:
            link.say(lines().removesuffix(b"\r\n"))
            for _ in range(often):
                time.sleep(SECONDS / 10)
                link.say(b"X-A: a\r\n")
            answers = link.rest()

        assert statuses(answers) in ([408], [])
        assert time.monotonic() - began_at < 10

    def test_who_reads_nothing_holds_nobody_up(self, server):
        """Its requests wait unread, and those of others are answered."""
        with server.connected() as greedy:
            with suppress(TimeoutError):
                greedy.patience(0.3)
                for _ in range(200):
                    greedy.say(HIDDEN.replace(b"/healthz", b"/jwks") * 500)
            with server.connected() as other:
                other.say(HIDDEN)

                assert other.answer().status == 200

    def test_who_leaves_in_the_middle_leaves_nothing_behind(self, server, caplog):
        for said in (lines()[:20], post(LENGTH)[:-5], chunked(WHOLE)[:-9], lines() * 3):
            with server.connected() as link:
                link.say(said)
                link.is_torn()
        with server.connected() as other:
            other.say(HIDDEN)

            assert other.answer().status == 200
        assert "Traceback" not in caplog.text


def test_requests_sent_at_once_are_answered_in_their_order(server):
    """RFC 9112 §9.3.2: also where some are answered at once and others in a thread."""
    asked = ["/jwks", "/healthz", "/nothing", "/jwks", "/sign-in", "/jwks", "/healthz"] * 2
    alone = {path: server.answer(lines(ask=b"GET %b HTTP/1.1" % path.encode())) for path in asked}

    with server.connected() as link:
        link.say(b"".join(lines(ask=b"GET %b HTTP/1.1" % path.encode()) for path in asked))
        answers = [link.answer() for _ in asked]

    assert statuses(answers) == [alone[path].status for path in asked]
    told = [answer.header("content-type") for answer in answers]
    assert told == [alone[path].header("content-type") for path in asked]


def test_a_request_that_comes_byte_by_byte_is_the_same_request(server):
    whole = server.answer(post(LENGTH))
    with server.connected() as link:
        for byte in post(LENGTH):
            link.say(bytes([byte]))
        told = link.answer()

    assert (told.status, told.body) == (whole.status, whole.body)


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"PUT"])
def test_a_body_nobody_expects_is_not_the_next_request(server, method):
    """RFC 9110 §9.3: whatever the method, its body ends where it says."""
    asked = lines(b"Content-Length: %d" % len(HIDDEN), ask=b"%b /jwks HTTP/1.1" % method) + HIDDEN
    with server.connected() as link:
        link.say(asked + lines(b"Connection: close", ask=b"GET /nothing HTTP/1.1"))
        first = link.answer(is_head=method == b"HEAD")
        rest = link.rest()

    assert first.status < 500
    assert first.body == b"" or method != b"HEAD"
    assert statuses(rest) == [404]


def test_an_address_with_our_own_host_in_it_is_ours(server):
    """RFC 9112 §3.2.2: a server must take it."""
    assert server.answer(lines(ask=b"GET http://localhost:8000/jwks HTTP/1.1")).status == 200


@pytest.mark.parametrize("path", ["/jwks%00", "/jwks?a=%00", "/%zz", "/%ff", "//jwks", "/../jwks"])
def test_an_odd_path_is_a_refusal_or_an_answer(server, path):
    assert server.answer(lines(ask=b"GET %b HTTP/1.1" % path.encode())).status < 500


def test_nobody_is_led_to_another_protocol(server):
    """RFC 9110 §7.8: a server may ignore what it does not speak; the connection goes no further."""
    with server.connected() as link:
        link.say(lines(b"Connection: Upgrade", b"Upgrade: websocket") + b"\x81\x05hello")

        assert statuses(link.rest()) == [200]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("way", [b"Content-Length: 23", CHUNKED])
def test_a_body_that_comes_with_a_wish_for_http_2_is_read(server, way, at_once):
    """As Java's HttpClient sends its first request to an address without TLS."""
    wish = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEAAEAA")
    twice = b"client_id=a&client_id=b"  # only who reads it sees that it is wrong
    body = b"17\r\n%b\r\n0\r\n\r\n" % twice if way is CHUNKED else twice
    with server.connected() as link:
        link.say(post(way, *wish, body=b""))
        if not at_once:
            time.sleep(0.02)
        link.say(body)
        answers = link.rest()

    assert [(answer.status, b"invalid_request" in answer.body) for answer in answers] == [
        (400, True)
    ]


@pytest.mark.parametrize("wish", [[], [b"Connection: keep-alive"]])
def test_http_1_0_is_answered_and_ended(server, wish):
    with server.connected() as link:
        link.say(lines(*wish, ask=b"GET /healthz HTTP/1.0"))
        answers = link.rest()

    assert statuses(answers) == [200]


def test_who_says_close_is_answered_once_and_ended(server):
    with server.connected() as link:
        link.say(lines(b"Connection: close") + HIDDEN)
        answers = link.rest()

    assert statuses(answers) == [200]


def test_who_has_said_everything_still_hears_the_answer(server):
    """Half of a connection is closed by simple clients: they wait for the other half."""
    with server.connected() as link:
        link.say(lines())
        link.says_no_more()

        assert statuses(link.rest()) == [200]


def test_who_waits_in_silence_is_let_go(impatient):
    with impatient.connected() as link:
        link.say(lines())
        assert link.answer().status == 200

        assert link.rest() == []
