"""The one HTTP client: it goes where it may, waits as long as agreed, and takes what fits."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from identity import outbound, outbound_line
from identity.outbound import Outbound, OutboundFailed, OutboundRefused
from identity.turns import Turns
from identity.waiting import MustWait
from tests.installations import installed
from tests.strangers import certificate, drips, listening, says, silent
from tests.turns import on_a_loop

KEYS = b'{"keys": []}'
BRIEFLY = 5  # seconds, on a busy machine; what drips goes on for twice as long


def friend(**more) -> Outbound:
    """A client that may visit this machine, by name and by address."""
    return Outbound(("localhost", "127.0.0.1"), **{"authorities": certificate(), **more})


@pytest.fixture
def names(monkeypatch):
    """Who is where, by the test's word; whoever is asked for is remembered."""
    asked, places = [], {}
    real = socket.getaddrinfo

    def resolve(host, *rest, **more):
        asked.append(host)
        if host in places:
            kind = socket.AF_INET
            return [(kind, socket.SOCK_STREAM, 6, "", (place, 0)) for place in places[host]]
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    places["asked"] = asked
    return places


def test_json_is_fetched_over_https():
    """Contract: `jwks_uri` and its like."""
    with listening(says(KEYS), tls=True) as stranger:
        found = friend().get_json(f"https://localhost:{stranger.port}/keys?v=1")

    assert found == {"keys": []}
    method, path, headers, _ = stranger.requests[0]
    assert (method, path) == ("GET", "/keys?v=1")
    assert headers["Host"] == f"localhost:{stranger.port}"
    assert headers["Accept-Encoding"] == "identity"
    assert "X-Forwarded-For" not in headers


@pytest.mark.parametrize(
    ("host", "port", "told"),
    [
        ("public.example", 443, "public.example"),
        ("public.example", None, "public.example"),
        ("public.example", 8443, "public.example:8443"),
        ("::1", 443, "[::1]"),
        ("::1", 8443, "[::1]:8443"),
    ],
)
def test_the_host_header_names_host_and_port(host, port, told):
    """RFC 9110 §7.2: a receiver that checks its own name refuses half of it."""
    assert outbound_line._authority(host, port, default=443) == told


def test_a_host_that_is_allowed_may_be_plain_http():
    """MOTLAN_OUTBOUND_ALLOW: the sample service of `make run`."""
    with listening(says(KEYS)) as stranger:
        by_name = friend().get_json(f"http://localhost:{stranger.port}/")
        by_address = friend().get_json(f"http://127.0.0.1:{stranger.port}/")
        by_network = Outbound(("127.0.0.0/8",)).get_json(f"http://127.0.0.1:{stranger.port}/")

    assert by_name == by_address == by_network == {"keys": []}


def test_a_message_is_posted_and_its_answer_is_told_whatever_it_is():
    """Back-channel logout and decision events read the status."""
    with listening(says(b"no", status=400, X_Reason="late")) as stranger:
        url = f"http://127.0.0.1:{stranger.port}/events"
        answer = friend().post(url, b"set", headers={"Content-Type": "application/secevent+jwt"})

    assert (answer.status, answer.body, answer.headers["x-reason"]) == (400, b"no", "late")
    method, path, headers, body = stranger.requests[0]
    assert (method, path, body) == ("POST", "/events", b"set")
    assert headers["Content-Type"] == "application/secevent+jwt"


def test_our_settings_decide_where_the_shared_client_may_go(tmp_path):
    """Contract: MOTLAN_OUTBOUND_ALLOW, empty by default."""
    with listening(says(KEYS)) as stranger:
        url = f"http://127.0.0.1:{stranger.port}/"
        with installed(tmp_path, MOTLAN_OUTBOUND_ALLOW="127.0.0.1"):
            assert outbound.get_json(url) == {"keys": []}
            assert outbound.post(url, b"", headers={}).status == 200
        with installed(tmp_path), pytest.raises(OutboundRefused):
            outbound.get_json(url)


def test_a_second_try_is_made_only_where_it_was_asked_for():
    """An error of theirs may pass; a post is not repeated behind the caller's back."""
    turns = []

    def wavering(handler: BaseHTTPRequestHandler) -> None:
        turns.append(handler.path)
        says(KEYS, status=503 if len(turns) % 2 else 200)(handler)

    with listening(wavering) as stranger:
        url = f"http://127.0.0.1:{stranger.port}/"
        assert friend().get_json(url, attempts=2) == {"keys": []}
        with pytest.raises(OutboundFailed, match="503"):
            friend().post(url, b"", headers={})

    assert len(turns) == 3


def test_what_is_refused_is_not_tried_again():
    """A refusal does not pass with time."""
    with listening(says(b"no json")) as stranger, pytest.raises(OutboundRefused, match="no JSON"):
        friend().get_json(f"http://127.0.0.1:{stranger.port}/", attempts=3)

    assert len(stranger.requests) == 1


@pytest.mark.parametrize("status", [201, 400, 404])
def test_only_200_is_an_answer_to_a_question(status):
    """Whatever stands in the page that says that there is none."""
    with (
        listening(says(KEYS, status=status)) as stranger,
        pytest.raises(OutboundRefused, match=f"answered {status}"),
    ):
        Outbound(("127.0.0.1",)).get_json(f"http://127.0.0.1:{stranger.port}/keys")


def test_a_redirect_is_followed_only_where_it_was_asked_for():
    """Also then it is checked like a first address."""

    def moved(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/old":
            return says(b"", status=302, Location="/new")(handler)
        return says(KEYS)(handler)

    with listening(moved) as stranger:
        url = f"http://127.0.0.1:{stranger.port}/old"
        assert friend().get_json(url, redirects=1) == {"keys": []}
        with pytest.raises(OutboundRefused, match="redirects"):
            friend().get_json(url)


def test_a_host_that_nobody_answers_for_failed():
    """Later may be better, and the caller can tell."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(OutboundFailed, match="could not be reached"):
            friend().get_json(f"http://127.0.0.1:{closed.getsockname()[1]}/")


@pytest.mark.parametrize(("scheme", "port"), [("https", 443), ("http", 80)])
def test_a_public_address_is_visited_where_it_may_be(names, monkeypatch, scheme, port):
    names["https.example"] = names["http.example"] = ["93.184.215.14"]
    visited = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, place: visited.append(place))
    with pytest.raises(OutboundFailed):  # where it is not, it is refused
        Outbound(("http.example",)).get_json(f"{scheme}://{scheme}.example/")
    assert visited == [("93.184.215.14", port)]


def test_where_nobody_may_wait_nobody_is_visited():
    """What begins on the event loop is left to a thread before anything is sent."""
    seen = []

    def answer():
        with pytest.raises(MustWait):
            friend().get_json(f"http://127.0.0.1:{stranger.port}/")
        seen.append("asked")

    async def play():
        Turns(None, None).begin(answer)

    with listening(says(KEYS)) as stranger:
        on_a_loop(play)

    assert (seen, stranger.connections) == (["asked"], 0)


class TestAttacker:
    """Cases 25, 37, 38 and 66: whatever address a service registers, we are not its arm."""

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:{port}/",
            "https://127.0.0.1:{port}/",
            "https://localhost:{port}/",
            "http://localhost:{port}/",
            "http://public.example:{port}/",
            "https://[::1]:{port}/",
            "https://[::ffff:127.0.0.1]:{port}/",
            "https://[::127.0.0.1]:{port}/",
            "https://[::ffff:7f00:1]:{port}/",
            "https://[64:ff9b::7f00:1]:{port}/",
            "https://[fe80::1%25lo]:{port}/",
            "https://2130706433:{port}/",
            "https://0x7f000001:{port}/",
            "https://0177.0.0.1:{port}/",
            "https://127.1:{port}/",
            "https://0.0.0.0:{port}/",
            "https://169.254.169.254/latest/meta-data/",
            "https://10.0.0.1/",
            "https://192.168.0.1/",
            "https://100.64.0.1/",
            "https://[fd00::1]/",
            "https://inside.example:{port}/",
            "https://both.example:{port}/",
            "https://user@127.0.0.1:{port}/",
            "https://public.example@127.0.0.1:{port}/",
            "https://127.0.0.1:{port}\\@public.example/",
            "https://127.0.0.1:{port}#@public.example/",
            "https://public.example:80:{port}/",
            "file:///etc/passwd",
            "gopher://127.0.0.1:{port}/",
            "ftp://127.0.0.1:{port}/",
            "HTTP://127.0.0.1:{port}/",
            "//127.0.0.1:{port}/",
            "https:///",
            "https://",
            "https://ümlaut.example/",
            "https://public.example/\r\nHost: inside",
            "https://public.example/ x",
            "https://public.example/" + "a" * 3_000,
            "",
        ],
    )
    def test_an_address_that_is_not_public_https_is_refused_and_not_visited(self, names, url):
        """Case 37; the listener sees nothing."""
        for name in ("2130706433", "0x7f000001", "0177.0.0.1", "127.1"):
            names[name] = [socket.inet_ntoa(socket.inet_aton(name))]
        names["inside.example"] = ["127.0.0.1"]
        names["both.example"] = ["93.184.215.14", "127.0.0.1"]
        names["localhost"], names["public.example"] = ["127.0.0.1"], ["93.184.215.14"]
        with listening(says(KEYS)) as stranger:
            filled = url.replace("{port}", str(stranger.port))
            with pytest.raises(OutboundRefused) as refused:
                Outbound(authorities=certificate()).get_json(filled)

        assert not isinstance(refused.value, OutboundFailed)
        assert stranger.connections == 0

    def test_a_name_is_looked_up_once_and_that_address_is_visited(self, names):
        """Case 37: a second look-up could give another answer (rebinding)."""
        names["service.example"] = ["127.0.0.1"]
        with listening(says(KEYS)) as stranger:
            Outbound(("127.0.0.1",)).get_json(f"http://service.example:{stranger.port}/")

        assert names["asked"].count("service.example") == 1
        assert stranger.requests[0][2]["Host"] == f"service.example:{stranger.port}"

    def test_a_certificate_of_somebody_else_is_refused(self, names):
        """The name decides, not the address that was visited."""
        names["service.example"] = ["127.0.0.1"]
        with listening(says(KEYS), tls=True) as stranger:
            with pytest.raises(OutboundFailed, match="SSLError"):
                friend().get_json(f"https://service.example:{stranger.port}/")
            with pytest.raises(OutboundFailed, match="SSLError"):
                friend(authorities=None).get_json(f"https://localhost:{stranger.port}/")

        assert stranger.requests == []

    @pytest.mark.parametrize("redirects", [0, 1, 5])
    def test_a_redirect_to_a_private_place_is_not_visited(self, redirects):
        """Case 37: a 302 to loopback."""
        with listening(says(KEYS)) as inside:
            away = says(b"", status=302, Location=f"http://127.0.0.1:{inside.port}/")
            with listening(away) as stranger:
                url = f"http://localhost:{stranger.port}/"
                with pytest.raises(OutboundRefused):
                    Outbound(("localhost",)).get_json(url, redirects=redirects)

        assert (inside.connections, stranger.connections) == (0, 1)

    def test_redirects_in_a_circle_end(self):
        """Case 66."""
        round_and_round = says(b"", status=307, Location="/")
        with listening(round_and_round) as stranger, pytest.raises(OutboundRefused):
            friend().get_json(f"http://127.0.0.1:{stranger.port}/", redirects=3)

        assert stranger.connections == 4

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_post_is_never_redirected(self, status):
        """Case 66: a signed event goes where it was registered to go."""
        elsewhere = says(b"", status=status, Location="/")
        with listening(elsewhere) as stranger, pytest.raises(OutboundRefused, match="redirects"):
            friend().post(f"http://127.0.0.1:{stranger.port}/", b"x", headers={})

        assert stranger.connections == 1

    @pytest.mark.parametrize(
        ("start", "drop"),
        [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n", b"x"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
            (b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"),
            (b"", b"H"),
        ],
    )
    @pytest.mark.parametrize("tls", [False, True])
    def test_a_slow_sender_is_hung_up_on(self, start, drop, tls):
        """Case 37: no hang, whichever part is slow, and no connection left behind."""
        hung_up = threading.Event()
        with listening(drips(start, drop, hung_up), tls=tls) as stranger:
            scheme = "https" if tls else "http"
            began = time.monotonic()
            with pytest.raises(OutboundFailed):
                friend(seconds=0.2).get_json(f"{scheme}://localhost:{stranger.port}/")

            assert time.monotonic() - began < BRIEFLY
            assert hung_up.wait(BRIEFLY)

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_somebody_who_never_answers_is_not_waited_for(self, scheme):
        """Case 66: a receiver that takes the connection and says nothing."""
        with silent() as listener:
            began = time.monotonic()
            with pytest.raises(OutboundFailed):
                friend(seconds=0.2).get_json(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/")

        assert time.monotonic() - began < BRIEFLY

    def test_a_slow_name_look_up_counts_too(self, monkeypatch):
        """The resolver has timeouts of its own, far longer than ours."""
        is_found = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: is_found.wait(3 * BRIEFLY))
        began = time.monotonic()

        with pytest.raises(OutboundFailed, match="too long"):
            friend(seconds=0.1).get_json("https://localhost/")

        assert time.monotonic() - began < BRIEFLY
        is_found.set()

    @pytest.mark.parametrize("told", [True, False])
    def test_an_endless_body_is_not_taken(self, told):
        """Case 37: 10 GB, with and without saying so."""
        sent = []

        def endless(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
            handler.wfile.write(b"Content-Length: 10000000000\r\n\r\n" if told else b"\r\n")
            for _ in range(1_000):
                handler.wfile.write(b"x" * 100_000)
                sent.append(1)

        with listening(endless) as stranger, pytest.raises(OutboundRefused, match="too much"):
            friend(most_bytes=50_000).get_json(f"http://127.0.0.1:{stranger.port}/")

        assert len(sent) < 200

    def test_a_compressed_answer_is_not_unpacked(self):
        """Case 30 in another coat: a small body that unpacks without end."""
        packed = says(b"x", Content_Encoding="gzip")
        with listening(packed) as stranger, pytest.raises(OutboundRefused, match="compressed"):
            friend().get_json(f"http://127.0.0.1:{stranger.port}/")

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"<html>"])
    def test_what_is_no_json_is_refused(self, body):
        """Never a crash."""
        with listening(says(body)) as stranger, pytest.raises(OutboundRefused, match="no JSON"):
            friend().get_json(f"http://127.0.0.1:{stranger.port}/")

    def test_a_proxy_or_password_of_whoever_started_us_is_not_used(self, monkeypatch, tmp_path):
        """The environment decides nothing here."""
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login l password p")
        (tmp_path / "netrc").chmod(0o600)
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        with listening(says(KEYS)) as stranger, listening(says(KEYS)) as proxy:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            friend().get_json(f"http://127.0.0.1:{stranger.port}/")

        assert proxy.connections == 0
        assert "Authorization" not in stranger.requests[0][2]

    def test_nothing_of_an_address_but_its_host_is_told(self):
        """Design §2.8: a path may hold what is nobody's business."""
        with silent() as listener:
            port = listener.getsockname()[1]
            with pytest.raises(OutboundFailed) as failed:
                friend(seconds=0.1).get_json(f"http://127.0.0.1:{port}/hidden?token=hidden")

        assert "127.0.0.1" in str(failed.value)
        assert "hidden" not in str(failed.value)
        assert failed.value.__suppress_context__
