"""How the clients of a drill speak: plain connections that may break, and browsers with cookies."""

import base64
import http.client
import json
import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.public_services import Played
from tests.serving import Serving

FORM = "application/x-www-form-urlencoded"
PATIENCE_SECONDS = 30.0


class Lost(Exception):
    """The connection broke; whether the request was done, nobody knows."""


class NotGiven(Exception):
    """An answer came, but not the one that leads on."""


@dataclass
class Answer:
    """One whole answer."""

    status: int
    headers: dict[str, str]  # by lower-case name
    cookies: list[str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    def field(self, name: str) -> str:
        """The value of a form's hidden field."""
        found = re.search(rf'name="{name}" value="([^"]+)"', self.body.decode())
        if found is None:
            raise NotGiven(f"no {name} on a page with status {self.status}")
        return found[1]


class Wire:
    """One connection to the service; the next one after it broke."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self._open: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, *, body: bytes | None = None, **headers: str) -> Answer:
        """Ask and read the whole answer.

        Raises:
            Lost: it broke before the end of the answer.
        """
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        sent["Host"] = f"localhost:{self.serving.port}"
        try:
            if self._open is None:
                self._open = http.client.HTTPConnection(
                    "127.0.0.1", self.serving.port, timeout=PATIENCE_SECONDS
                )
            self._open.request(method, path, body=body, headers=sent)
            got = self._open.getresponse()
            cookies = got.headers.get_all("Set-Cookie") or []
            told = {name.lower(): text for name, text in got.headers.items()}
            return Answer(got.status, told, cookies, got.read())
        except (OSError, http.client.HTTPException) as broken:
            self.close()
            raise Lost(type(broken).__name__) from None

    def close(self) -> None:
        """The next request goes over a new connection, perhaps to another process."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def __del__(self) -> None:
        """Who lets go of it has hung up."""
        self.close()


class Browser:
    """Cookies, pages and forms."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self._kept(self.wire.send("GET", path, **self._cookie()))

    def post(self, path: str, **fields: str | list[str]) -> Answer:
        """Send a form; of boxes with one name several may be ticked."""
        body = urlencode(fields, doseq=True).encode()
        return self._kept(
            self.wire.send("POST", path, body=body, Content_Type=FORM, **self._cookie())
        )

    def fill(self, path: str, **fields: str | list[str]) -> Answer:
        """Open a page and send its form."""
        return self.post(path, csrf_token=self.get(path).field("csrf_token"), **fields)

    def _cookie(self) -> dict[str, str]:
        told = "; ".join(f"{name}={text}" for name, text in self.cookies.items())
        return {"Cookie": told} if told else {}

    def _kept(self, answer: Answer) -> Answer:
        for line in answer.cookies:
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return answer


def place(answer: Answer) -> str:
    """Where a redirect leads.

    Raises:
        NotGiven: it is none.
    """
    if answer.status != 303:
        raise NotGiven(f"a page with status {answer.status} where a redirect was expected")
    return answer.headers["location"]


@dataclass
class Office:
    """A public service at the wire, over one connection."""

    wire: Wire
    played: Played

    def token(self, **form: str) -> Answer:
        """`POST /token`, authenticated by the secret."""
        body = urlencode(form).encode()
        return self.wire.send("POST", "/token", body=body, Content_Type=FORM, **self.played.basic())

    def refresh(self, token: str) -> Answer:
        """A refresh token for the next one."""
        return self.token(grant_type="refresh_token", refresh_token=token)

    def fetch(self, access_token: str) -> Answer:
        """`POST /api/attributes` for whatever the token allows."""
        return self.wire.send(
            "POST",
            "/api/attributes",
            body=b"{}",
            Content_Type="application/json",
            Authorization=f"Bearer {access_token}",
        )

    def userinfo(self, access_token: str) -> Answer:
        """What userinfo says to that token."""
        return self.wire.send("GET", "/userinfo", Authorization=f"Bearer {access_token}")

    def is_active(self, token: str) -> bool:
        """What introspection says of it."""
        body = urlencode({"token": token}).encode()
        answer = self.wire.send(
            "POST", "/introspect", body=body, Content_Type=FORM, **self.played.basic()
        )
        return bool(answer.json["active"])


def code_in(location: str) -> str:
    """The code that a redirect to the service carries.

    Raises:
        NotGiven: it carries none.
    """
    told = parse_qs(urlsplit(location).query)
    if "code" not in told:
        raise NotGiven(f"no code but {told.get('error', ['nothing'])[0]}")
    return told["code"][0]


def claims(jws: str) -> dict[str, Any]:
    """What a JWS says, not verified."""
    payload = jws.split(".")[1]
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return said
