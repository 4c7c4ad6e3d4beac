"""A public service of the test's own, for what the sample service does not ask."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from playwright.sync_api import Page

from tests.journeys import cast

if TYPE_CHECKING:
    from tests.journeys.country import Country

ARRIVED = "Đã về trang của cơ quan."


class Lobby:
    """Where people come back to from the service: one loopback address, a path for each office."""

    def __init__(self) -> None:
        self.told: dict[str, dict[str, str]] = {}  # by office, what the browser brought last
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._doorman())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Of the lobby; an office's is below it."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Nobody waits any more."""
        self._server.shutdown()
        self._server.server_close()

    def _doorman(lobby: "Lobby") -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self
        class Doorman(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place = urlsplit(self.path)
                if place.query:
                    lobby.told[place.path[1:]] = dict(parse_qsl(place.query))
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(f"<!doctype html><title>x</title><p>{ARRIVED}".encode())

            def log_message(self, *_said: Any) -> None:
                """Addresses carry codes, so nothing is written down."""

        return Doorman


class Office:
    """It sends people to sign in, waits for them in the lobby, and fetches."""

    def __init__(self, country: "Country", document: dict[str, Any]) -> None:
        self.country = country
        self.client_id: str = document["client_id"]
        self.name: str = document["client_name"]
        self.address: str = document["redirect_uris"][0]
        self._secret: str = document["client_secret"]
        self._verifier = secrets.token_urlsafe(48)
        self._state = ""

    def send(self, page: Page, *details: dict[str, Any], **more: str) -> None:
        """The person's browser is sent to `/authorize` with what is asked."""
        self._state = secrets.token_urlsafe(16)
        self.country.lobby.told.pop(self.client_id, None)
        challenge = hashlib.sha256(self._verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.address,
            "scope": "openid",
            "state": self._state,
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if details:
            typed = [{"type": "vn_procedure"} | detail for detail in details]
            asked["authorization_details"] = json.dumps(typed)
        page.goto(f"{self.country.issuer}/authorize?{urlencode(asked | more)}")

    def answer(self) -> dict[str, str]:
        """What the browser brought back; state and issuer are looked at first (RFC 9207)."""
        told = self.country.lobby.told.get(self.client_id, {})
        assert told.get("state") == self._state, told
        assert told.get("iss") == self.country.issuer
        return told

    def redeem(self) -> dict[str, Any]:
        """The tokens for the code that came."""
        body = {
            "grant_type": "authorization_code",
            "code": self.answer()["code"],
            "redirect_uri": self.address,
            "code_verifier": self._verifier,
        }
        return self.post("/token", **body)

    def post(self, path: str, **form: Any) -> dict[str, Any]:
        """What a machine endpoint answers to this office, which proves itself."""
        place = self.country.issuer + path
        proof = (self.client_id, self._secret)
        answer = requests.post(place, data=form, auth=proof, timeout=10)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def fetch(self, tokens: dict[str, Any], **wanted: Any) -> requests.Response:
        """Ask `/api/attributes`."""
        return requests.post(
            f"{self.country.issuer}/api/attributes",
            json=wanted,
            headers={"Authorization": f"Bearer {tokens['access_token']}"},
            timeout=10,
        )


@contextmanager
def opened(country: "Country", *, name: str, procedures: list[str]) -> Iterator[Office]:
    """An office of that name: one of the cast if it may run these, else one registered now."""
    for document in country.cast["offices"]:
        if document["client_name"] == name and set(procedures) <= set(document["procedures"]):
            yield Office(country, document)
            return
    client_id = f"office-{secrets.token_hex(4)}"
    address = f"{country.lobby.address}/{client_id}"
    document = cast.document(client_id, name, procedures, to=address)
    file = country.home / f"{client_id}.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    country.command("services", "import", str(file))
    yield Office(country, document)
