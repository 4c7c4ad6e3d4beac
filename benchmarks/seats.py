"""Who uses the service in a benchmark: a person's browser, and the public service beside it."""

import base64
import html
import json
import re
import secrets
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from benchmarks.wire import Answer, Ask, Wrong
from identity.tokens import pkce

VERIFIER = "a-verifier-of-forty-three-characters-or-more"
CHALLENGE = pkce.challenge_of(VERIFIER)
PROCEDURE = "3.000347"
ATTRIBUTES = ("full_name", "personal_number", "date_of_birth", "nationality", "permanent_address")

Steps = Generator[Ask | None, Answer, Any]


@dataclass
class Seat:
    """One person at one browser, sent there by one public service."""

    service: dict[str, Any]
    person: dict[str, Any]
    cookies: dict[str, str] = field(default_factory=dict)
    _queries: dict[tuple[str, str], str] = field(default_factory=dict)

    def sit_down(self, person: dict[str, Any]) -> None:
        """Somebody with a clean browser, or with the cookies of an earlier sign-in."""
        self.person, self.cookies = person, dict(person.get("cookies", {}))

    @cached_property
    def basic(self) -> tuple[tuple[str, str], ...]:
        """The service's own credentials."""
        pair = f"{quote(self.service['client_id'])}:{quote(self.service['client_secret'])}"
        return (("Authorization", "Basic " + base64.b64encode(pair.encode()).decode()),)

    def call(self, path: str, **form: str) -> Ask:
        """A form to a machine endpoint."""
        return Ask("POST", path, urlencode(form), headers=self.basic)

    def open(self, path: str) -> Steps:
        """The browser opens a page."""
        return (yield from self._visit(Ask("GET", path)))

    def submit(self, path: str, page: Answer, **fields: str) -> Steps:
        """The browser sends the form of a page."""
        told = {"csrf_token": _field(page, "csrf_token"), **fields}
        return (yield from self._visit(Ask("POST", path, urlencode(told))))

    def _visit(self, ask: Ask) -> Steps:
        if self.cookies:
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            ask = ask._replace(headers=(("Cookie", cookies),))
        answer = yield ask
        for told in answer.all("set-cookie"):
            name, _, value = told.partition(";")[0].partition("=")
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        return answer

    def authorize(self, scope: str, *details: dict[str, Any]) -> Steps:
        """A code: straight back with a session, over the decision page where one is needed."""
        query = self._query(scope, json.dumps(details) if details else "")
        answer = yield from self.open(f"/authorize?{query}&{_of_chance()}")
        place = location(answer)
        if place.startswith("/consent/"):
            page = yield from self.open(place)
            shown = _field(page, "shown")
            sent = yield from self.submit(place, page, shown=shown, answer="allow")
            answer = yield from self.open(location(sent))
        while location(answer).startswith("/interaction/"):  # the peer's, with whom nobody is new
            back = yield from self.open(location(answer))
            answer = yield from self.open(urlsplit(location(back)).path)
        code = _CODE.search(location(answer))
        if code is None:
            raise Wrong(f"no code, but status {answer.status}")
        return unquote(code[1])

    def _query(self, scope: str, details: str) -> str:
        """All of a request but what chance says: written once, since the load shares a core."""
        known = self._queries.get((scope, details))
        if known is None:
            told = self._steady(scope) | ({"authorization_details": details} if details else {})
            known = self._queries[scope, details] = urlencode(told)
        return known

    def asked(self, scope: str) -> dict[str, str]:
        """An authorization request."""
        return self._steady(scope) | dict(parse_qsl(_of_chance()))

    def _steady(self, scope: str) -> dict[str, str]:
        return {
            "client_id": self.service["client_id"],
            "redirect_uri": self.service["redirect_uri"],
            "response_type": "code",
            "scope": scope,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }

    def redeem(self, code: str) -> Steps:
        """The code for tokens."""
        answer = yield self._redeeming._replace(body=self._redeeming.body + quote(code))
        return told(answer)

    @cached_property
    def _redeeming(self) -> Ask:
        return self.call(
            "/token",
            grant_type="authorization_code",
            redirect_uri=self.service["redirect_uri"],
            code_verifier=VERIFIER,
            code="",
        )

    def buy(self, scope: str, *details: dict[str, Any]) -> Steps:
        """Tokens, the usual way."""
        code = yield from self.authorize(scope, *details)
        return (yield from self.redeem(code))


_CODE = re.compile(r"[?&]code=([^&#]+)")


def _of_chance() -> str:
    return f"state={secrets.token_hex(8)}&nonce={secrets.token_hex(8)}"


def a_case() -> dict[str, Any]:
    """The procedure with the five attributes, for a case that nobody was asked about before."""
    case = f"HS-{secrets.token_hex(6).upper()}"
    return {
        "type": "vn_procedure",
        "procedure": PROCEDURE,
        "case": case,
        "attributes": list(ATTRIBUTES),
    }


def told(answer: Answer, status: int = 200) -> Any:  # noqa: ANN401 - whatever JSON says
    """The JSON of an answer that must be a good one.

    Raises:
        Wrong: another status.
    """
    if answer.status != status:
        raise Wrong(f"status {answer.status} instead of {status}: {answer.body[:200]!r}")
    return json.loads(answer.body)


def successor(answer: Answer) -> str:
    """The next refresh token, found without reading all the rest: the load shares a core.

    Raises:
        Wrong: there is none.
    """
    found = _REFRESH.search(answer.body)
    if answer.status != 200 or found is None:  # noqa: PLR2004 - OK
        raise Wrong(f"status {answer.status}: {answer.body[:200]!r}")
    return found[1].decode()


_REFRESH = re.compile(rb'"refresh_token": ?"([^"]+)"')


def location(answer: Answer) -> str:
    """Where a redirect leads.

    Raises:
        Wrong: it is none.
    """
    place = answer.header("location")
    if answer.status != 303 or place is None:  # noqa: PLR2004 - See Other
        raise Wrong(f"status {answer.status} instead of 303: {_words(answer)}")
    return place


def _field(page: Answer, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.body.decode())
    if found is None:
        raise Wrong(f"status {page.status} without the field {name}: {_words(page)}")
    return html.unescape(found[1])


def _words(page: Answer) -> str:
    text = re.sub(r"<[^>]+>", " ", page.body.decode(errors="replace"))
    return re.sub(r"\s+", " ", html.unescape(text))[:200]
