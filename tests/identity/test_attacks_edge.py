"""What a client claims past the proxy, and limits of what it sends (cases 33, 59, 63, 65, 68)."""

import json
import socket
from ipaddress import ip_network

import pytest

from identity.edge import Edge
from identity.registration.register import BadRegistrationError, register
from tests.installations import installed
from tests.offices import an_office
from tests.public_services import a_service, registration
from tests.serving import Serving

FORM = "application/x-www-form-urlencoded"
CLAIMS = ["HTTP_CLIENT_CERT", "HTTP_CLIENT_CERT_CHAIN"]
NAMES = ["client_name", "client_name#vi", "client_id", "software_id"]
BAD_TEXTS = {
    "line": "a\r\nb",
    "feed": "a\nb",
    "escape": "\x1b[31ma",
    "turned": "a\u202eb",
    "nul": "a\x00b",
    "isolate": "a\u2066b",
    "separator": "a\u2028b",
    "large": "x" * 1_000_000,
}


def behind(tmp_path, environ, *, proxies=()):
    """What a door would see of a request."""
    seen = {}

    def door(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [])
        return []

    with installed(tmp_path) as settings:
        object.__setattr__(settings, "trusted_proxies", tuple(map(ip_network, proxies)))
        base = {"REQUEST_METHOD": "GET", "HTTP_HOST": settings.host, "REMOTE_ADDR": "10.0.0.7"}
        Edge(settings, door)(base | environ, lambda *_: None)
    assert seen, "refused before it reached the door"
    return seen


class TestAttacker:
    @pytest.mark.parametrize("name", CLAIMS)
    def test_a_certificate_of_the_clients_own_reaches_no_door(self, tmp_path, name):
        """Case 33: from anybody but a trusted proxy, whichever door will read it."""
        told = {name: ":bWluZQ==:"}

        direct = behind(tmp_path, told)
        elsewhere = behind(tmp_path, told, proxies=["192.0.2.0/24"])

        for seen in (direct, elsewhere):
            assert ":bWluZQ==:" not in map(str, seen.values())

    def test_a_certificate_from_the_trusted_proxy_is_believed(self, tmp_path):
        """Else the test above would prove nothing; and only under our own name."""
        seen = behind(tmp_path, {"HTTP_CLIENT_CERT": ":bWluZQ==:"}, proxies=["10.0.0.0/8"])

        assert seen["motlan.client_cert"] == ":bWluZQ==:"
        assert "HTTP_CLIENT_CERT" not in seen

    def test_no_header_is_our_own_name_for_it(self, tmp_path):
        """Case 33: `Motlan.Client-Cert` becomes HTTP_MOTLAN.CLIENT_CERT, which nobody reads."""
        seen = behind(tmp_path, {"HTTP_MOTLAN.CLIENT_CERT": "mine", "HTTP_X_SSL_CERT": "mine"})

        assert "motlan.client_cert" not in seen

    @pytest.mark.parametrize("agent", BAD_TEXTS.values(), ids=BAD_TEXTS)
    def test_a_user_agent_of_every_kind_is_one_entry_or_none(self, client, capfd, agent):
        """Case 59: as a server may hand it on, also what none should."""
        office = an_office(client)
        raw = agent.encode().decode("latin-1")

        answer = client.post(
            "/token",
            data={"grant_type": "client_credentials"},
            headers=office.played.basic("wrong-secret-of-nobody"),
            environ_overrides={"HTTP_USER_AGENT": raw, "HTTP_REFERER": raw},
        )

        assert answer.status_code == (431 if len(agent) > 32_000 else 401)
        lines = [line for line in capfd.readouterr().err.splitlines() if line]
        assert all(json.loads(line) for line in lines)
        assert not [line for line in lines if not line.isprintable() or len(line) > 2_000]

    @pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS)
    @pytest.mark.parametrize("member", NAMES)
    def test_no_name_of_a_service_can_write_a_line_of_its_own(self, app, member, text):
        """Case 59: refused at registration, and the refusal does not repeat it."""
        del app
        with pytest.raises(BadRegistrationError) as refused:
            register([registration(**{member: text})])

        assert text not in str(refused.value)
        assert str(refused.value).isprintable()

    @pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS)
    def test_nor_that_of_its_organisation(self, app, text):
        """Case 59."""
        del app
        told = registration()
        told["organisation"] = told["organisation"] | {"name": text}

        with pytest.raises(BadRegistrationError, match=r"organisation\.name"):
            register([told])

    def test_five_thousand_addresses_are_not_registered(self, app):
        """Case 63."""
        del app
        uris = [f"https://a.motlan.test/{n}" for n in range(5_000)]

        for member in ("redirect_uris", "post_logout_redirect_uris"):
            with pytest.raises(BadRegistrationError, match=member):
                register([registration(**{member: uris})])

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("claims", json.dumps({"id_token": {f"c{n}": None for n in range(9_000)}})),
            ("scope", " ".join(f"scope{n}" for n in range(10_000))),
            ("authorization_details", json.dumps([{"type": "vn_procedure"}] * 4_000)),
        ],
    )
    def test_a_hundred_kilobytes_in_one_parameter_are_not_read(self, client, name, value):
        """Case 63: neither in the address nor in a form."""
        service = a_service()
        sent = {"client_id": service.client_id, "response_type": "code", name: value}

        assert client.get("/authorize", query_string=sent).status_code == 414
        assert client.post("/authorize", data=sent).status_code == 413

    def test_ten_thousand_short_scopes_within_the_limit_are_answered(self, client):
        """Case 63: what fits is answered, and not looked at piece by piece."""
        office = an_office(client)
        scope = " ".join(["a"] * 10_000)

        answer = office.post("/token", grant_type="client_credentials", scope=scope)

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")

    @pytest.mark.parametrize(
        "path",
        [
            "/console",
            "/token?__debugger__=yes&cmd=resource&f=debugger.js",
            "/?__debugger__=yes&cmd=printpin&s=x",
        ],
    )
    def test_there_is_no_debugger(self, app, client, path):
        """Case 68."""
        answer = client.get(path)

        assert answer.status_code in {303, 404, 405}
        assert "debugger" not in answer.text.lower()
        assert not app.debug
        assert not app.testing


def said_to(served: Serving, head: str) -> bytes:
    """Everything it answers on one connection."""
    request = head.replace("{host}", f"localhost:{served.port}") + "Connection: close\r\n\r\n"
    said = b""
    with socket.create_connection(("127.0.0.1", served.port), timeout=3) as link:
        link.sendall(request.encode())
        try:
            while piece := link.recv(65_536):
                said += piece
        except TimeoutError:
            pass
    return said


@pytest.mark.slow
@pytest.mark.sqlite
class TestServed:
    """The same against `motlan serve`, byte by byte."""

    @pytest.mark.parametrize(
        "head",
        [
            "GET http://evil.test/jwks HTTP/1.1\r\nHost: evil.test\r\n",
            "GET /jwks HTTP/1.1\r\nHost: {host}\r\nHost: evil.test\r\n",
            "GET /jwks HTTP/1.1\r\nHost: evil.test\r\nHost: {host}\r\n",
            "GET /jwks HTTP/1.1\r\n",
            "GET /jwks HTTP/1.1\r\nHost: {host}\r\n X-Folded: y\r\n",
            "GET /jwks HTTP/1.1\r\nHost: {host}\r\nX-Nul: a\x00b\r\n",
        ],
    )
    def test_an_address_that_can_be_read_two_ways_is_refused(self, served, head):
        """Case 65: another host in absolute form, twice, none, or folded into the next line."""
        said = said_to(served, head)

        assert said.split()[1] == b"400", said[:300]
        assert b"keys" not in said

    def test_another_host_in_the_address_moves_nothing_of_what_we_say(self, served):
        """Case 65: the host of the address counts (RFC 9112 §3.2.2), and it is none of ours."""
        path = "/.well-known/openid-configuration"

        said = said_to(served, f"GET http://evil.test{path} HTTP/1.1\r\nHost: {{host}}\r\n")

        assert b"evil.test" not in said
        assert said.split()[1] == b"400"

    def test_the_shipped_start_has_no_debugger(self, served):
        """Case 68."""
        assert served.status("/console") == 404
        assert "debugger" not in served.said().lower()
