"""A public service of the test's own, for what the sample service does not ask."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from playwright.sync_api import Page

from tests.journeys.country import Country

ARRIVED = "Đã về trang của cơ quan."


class Office:
    """It sends people to sign in, waits for them at a loopback address, and fetches."""

    def __init__(self, country: Country, *, name: str, procedures: list[str]) -> None:
        self.country = country
        self.client_id = f"office-{secrets.token_hex(4)}"
        self.name = name
        self._secret = secrets.token_urlsafe(32)
        self._verifier = secrets.token_urlsafe(48)
        self._state = ""
        self._told: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._doorman())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._register(procedures)

    @property
    def address(self) -> str:
        """Where it waits for people."""
        return f"http://127.0.0.1:{self._server.server_port}/callback"

    def close(self) -> None:
        """Nobody waits any more."""
        self._server.shutdown()
        self._server.server_close()

    def _doorman(office: "Office") -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self
        class Doorman(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.startswith("/callback?"):
                    office._told = dict(parse_qsl(urlsplit(self.path).query))
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(f"<!doctype html><title>x</title><p>{ARRIVED}".encode())

            def log_message(self, *_said: Any) -> None:
                """Addresses carry codes, so nothing is written down."""

        return Doorman

    def _register(self, procedures: list[str]) -> None:
        told = {
            "client_id": self.client_id,
            "client_secret": self._secret,
            "client_name": self.name,
            "client_name#vi": self.name,
            "redirect_uris": [self.address],
            "token_endpoint_auth_method": "client_secret_basic",
            "organisation": {
                "name": self.name,
                "code": f"T{self.client_id.upper().replace('-', '.')}",
                "level": "other",
                "block": "other",
            },
            "procedures": procedures,
        }
        file = self.country.home / f"{self.client_id}.json"
        file.write_text(json.dumps(told), encoding="utf-8")
        self.country.command("services", "import", str(file))

    def send(self, page: Page, *details: dict[str, Any], **more: str) -> None:
        """The person's browser is sent to `/authorize` with what is asked."""
        self._state, self._told = secrets.token_urlsafe(16), {}
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
        assert self._told.get("state") == self._state, self._told
        assert self._told.get("iss") == self.country.issuer
        return self._told

    def redeem(self) -> dict[str, Any]:
        """The tokens for the code that came."""
        body = {
            "grant_type": "authorization_code",
            "code": self.answer()["code"],
            "redirect_uri": self.address,
            "code_verifier": self._verifier,
        }
        answer = requests.post(
            f"{self.country.issuer}/token",
            data=body,
            auth=(self.client_id, self._secret),
            timeout=10,
        )
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
def opened(country: Country, *, name: str, procedures: list[str]) -> Iterator[Office]:
    """An office of that name, for as long as the test needs it."""
    office = Office(country, name=name, procedures=procedures)
    try:
        yield office
    finally:
        office.close()
