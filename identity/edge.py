"""The thin WSGI edge before both doors: host, limits, request id, headers, proxies, metrics."""

import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from ipaddress import ip_address
from itertools import count
from typing import Any

from identity import messages, meters, oplog, waiting
from identity.ahead import PASSED_ON, PassedOn
from identity.doors import Lane, no_lane, serve
from identity.messages import WITHOUT_BODY, Headers, Response, StartResponse
from identity.readings import Network
from identity.settings import Settings

HEADERS_LIMIT = 32 * 1024
QUERY_LIMIT = 16 * 1024
PLAIN = (("Content-Type", "text/plain; charset=utf-8"),)
# Where a server before us leaves the answer to a body that it did not get; null: it got it.
REFUSED = "motlan.refused"
# What a request is called: in our logs, in the entry of the access log and in the answer.
REQUEST_ID = "motlan.request_id"
# Where a page says that its answer is long: a server before us sends each piece as it is made.
STREAMED = "motlan.streamed"
# Where a server before us says how long the headers are together, as it has seen each of them.
LENGTH = "motlan.length"

# What a client could claim about itself; only a trusted proxy is believed.
_PROXY_HEADERS = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_CLIENT_CERT",
    "HTTP_CLIENT_CERT_CHAIN",
)
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
)
# What is served at `MOTLAN_MTLS_ORIGIN` too (RFC 8705 §5).
FOR_MACHINES = (
    *("/token", "/par", "/userinfo", "/introspect", "/revoke", "/api/", "/grants"),
    *("/device_authorization", "/bc-authorize"),
)
DEFAULT_CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

# Heads of answers that are kept: doors have few kinds of them.
MOST_HEADS = 512
# Headers that belong to one answer alone, so that its head is no one else's.
_OF_ONE_ANSWER = frozenset({"Location", "Set-Cookie", "DPoP-Nonce", "Retry-After"})
# By what a client finds its own request again; in the form of FAPI 1.0 or not at all.
_INTERACTION = "HTTP_X_FAPI_INTERACTION_ID"
# What is read with an access token: there a request has such a name even if nobody gave it one.
_RESOURCES = ("/userinfo", "/api/", "/grants/")
_UUID = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"})


class Edge:
    """Outermost: everything else may trust what it left in the environ."""

    def __init__(
        self,
        settings: Settings,
        behind: Callable[..., Iterable[bytes]],
        *,
        lane: Lane = no_lane,
    ) -> None:
        self._settings = settings
        self._behind = behind
        self._lane = lane
        self._hosts = {settings.host.lower(), settings.bind.lower()}
        self._of_certificates = settings.mtls_host
        self._scheme = "https" if settings.is_https else "http"
        self._heads: dict[tuple[int, Headers], bytes] = {}
        # Proxies are few; of the addresses that they tell of, some hundred are remembered.
        self._is_trusted = lru_cache(maxsize=512)(partial(_is_in, settings.trusted_proxies))

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer, or refuse what no door should have to look at."""
        started = time.perf_counter()

        def say(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:  # noqa: ANN401 - WSGI's
            named = interaction(environ)
            ours = [*self._ours(headers), ("X-Request-Id", environ[REQUEST_ID])]
            ours += [("x-fapi-interaction-id", named)] if named else []
            return start_response(status, [*headers, *ours], *more)

        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:  # noqa: ANN401 - WSGI's
            self._measure(environ, int(status[:3]), started=started)
            return say(status, headers, *more)

        answer = self.answer(environ)
        if answer is not None:
            return answer.send(say)
        self._enter(environ)
        refusal: Response | None = environ.get(REFUSED) or self._refusal(environ)
        if refusal is not None:
            return refusal.send(begin)
        return self._behind(environ, begin)

    def answer(self, environ: dict[str, Any]) -> Response | None:
        """What the door of the express lane says, or the edge to it; null: there is none.

        For a server that needs no WSGI: `head` makes the rest of it. What it cannot answer so,
        it hands to `__call__`, also after a try: a request keeps its id, and what a proxy said of
        it is believed once.

        Raises:
            MustWait: nobody may wait here, and this needs to; nothing was done.
        """
        door = self._lane(environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""))
        if door is None or PASSED_ON in environ:
            return None
        started = time.perf_counter()
        self._enter(environ)
        environ["motlan.route"] = door.path
        try:
            answer = environ.get(REFUSED) or self._refusal(environ) or serve(door, environ)
        except PassedOn as passed:
            environ[PASSED_ON] = passed.refusal
            waiting.require_thread()
            return None
        self._measure(environ, answer.status, started=started)
        return answer

    def head(self, answer: Response, request_id: str, *, named: str = "") -> bytes:
        """Its status line and all its headers as they are sent, and the length of its body.

        What a connection adds (`Date`, `Connection`) and the empty line come after it. `named` is
        the request's name for its client (`interaction`), if it has one.
        """
        key = answer.status, answer.headers
        fixed = self._heads.get(key)
        if fixed is None:
            fixed = messages.head(answer.status, (*answer.headers, *self._ours(answer.headers)))
            if _OF_ONE_ANSWER.isdisjoint([name for name, _ in answer.headers]):
                self._keep(key, fixed)
        if named:
            fixed += b"x-fapi-interaction-id: %b\r\n" % named.encode()
        if answer.status in WITHOUT_BODY:
            return fixed + b"X-Request-Id: %b\r\n" % request_id.encode()
        told = (request_id.encode(), len(answer.body))
        return fixed + b"X-Request-Id: %b\r\nContent-Length: %d\r\n" % told

    def _keep(self, key: tuple[int, Headers], head: bytes) -> None:
        if len(self._heads) >= MOST_HEADS:
            self._heads.clear()
        self._heads[key] = head

    def _ours(self, headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return _ours(tuple([name for name, _ in headers]), is_https=self._settings.is_https)

    def _enter(self, environ: dict[str, Any]) -> str:
        """Give the request its id, and forget what it claims of itself; both only once."""
        known: str | None = environ.get(REQUEST_ID)
        request_id = environ[REQUEST_ID] = known or _new_request_id()
        oplog.begin("request", request_id)
        if known is None:
            self._forget_claims(environ)
            environ["wsgi.url_scheme"] = self._scheme
        return request_id

    def _refusal(self, environ: dict[str, Any]) -> Response | None:
        if environ["REQUEST_METHOD"] not in _METHODS:
            return Response(501, b"this method is not known here\n", PLAIN)
        if not self._is_served(environ.get("HTTP_HOST", ""), environ):
            return Response(400, b"this host is not served here\n", PLAIN)
        if len(environ.get("QUERY_STRING", "")) > QUERY_LIMIT:
            return Response(414, b"the address is too long\n", PLAIN)
        if _length_of_headers(environ) > HEADERS_LIMIT:
            return Response(431, b"the headers are too long\n", PLAIN)
        if "\x00" in environ.get("PATH_INFO", ""):
            return Response(400, b"the address is not valid\n", PLAIN)
        return None

    def _is_served(self, host: str, environ: Mapping[str, Any]) -> bool:
        """Ours; where certificates are asked for, only for machines: no page, no cookie."""
        if host in self._hosts or host.lower() in self._hosts:
            return True
        is_its = host.lower() == self._of_certificates
        return is_its and environ.get("PATH_INFO", "").startswith(FOR_MACHINES)

    def _forget_claims(self, environ: dict[str, Any]) -> None:
        claimed = environ.get("HTTP_X_FORWARDED_FOR")
        if self._is_trusted(environ.get("REMOTE_ADDR", "")):
            environ["motlan.client_cert"] = environ.get("HTTP_CLIENT_CERT")
            environ["motlan.client_cert_chain"] = environ.get("HTTP_CLIENT_CERT_CHAIN")
            environ["REMOTE_ADDR"] = self._nearest_stranger(claimed) or environ["REMOTE_ADDR"]
        for name in _PROXY_HEADERS:
            environ.pop(name, None)

    def _nearest_stranger(self, claimed: str | None) -> str | None:
        """The last address in the chain that is not one of our own proxies."""
        for hop in reversed((claimed or "").split(",")):
            address = hop.strip()
            if address and not self._is_trusted(address):
                return address if _is_address(address) else None
        return None

    @staticmethod
    def _measure(environ: dict[str, Any], status: int, *, started: float) -> None:
        # Route templates only: a path could carry an id.
        route = environ.get("motlan.route", "other")
        # Whatever else somebody calls a method would stay in memory for ever.
        told = environ["REQUEST_METHOD"]
        told = told if told in _METHODS else "other"
        meters.answered((route, told, status), time.perf_counter() - started)


def interaction(environ: Mapping[str, Any]) -> str:
    """What the client called its request, for it to see again (FAPI 1.0 Baseline §6.2.1-11).

    Where a resource is asked for without it, the request's own id: a UUID (RFC 9562 §5.7).
    Elsewhere empty: it has none.
    """
    told = environ.get(_INTERACTION)
    if told is not None and _UUID.fullmatch(told):
        return str(told)
    if not environ.get("PATH_INFO", "").startswith(_RESOURCES):
        return ""
    own = environ[REQUEST_ID]
    return f"{own[:8]}-{own[8:12]}-{own[12:16]}-{own[16:20]}-{own[20:]}"


def _length_of_headers(environ: Mapping[str, Any]) -> int:
    known: int | None = environ.get(LENGTH)
    if known is not None:
        return known
    return sum(len(str(value)) for name, value in environ.items() if name.startswith("HTTP_"))


@lru_cache(maxsize=256)
def _ours(told: tuple[str, ...], *, is_https: bool) -> tuple[tuple[str, str], ...]:
    """What is said beside the headers of these names: there are few such lists."""
    said = {name.lower() for name in told}
    ours = [pair for pair in _ALWAYS if pair[0].lower() not in said]
    if "content-security-policy" not in said:
        ours.append(("Content-Security-Policy", DEFAULT_CSP))
    if is_https:
        ours.append(("Strict-Transport-Security", "max-age=63072000; includeSubDomains"))
    return tuple(ours)


def _is_in(networks: tuple[Network, ...], address: str) -> bool:
    if not networks or not _is_address(address):
        return False
    return any(ip_address(address) in network for network in networks)


class _Process:
    """What tells the requests of this process from all others'; one that is forked draws anew."""

    counted = count()
    drawn = ""

    @classmethod
    def draw(cls) -> None:
        cls.drawn = f"{secrets.randbits(62) | 1 << 63:016x}"


_Process.draw()
os.register_at_fork(after_in_child=_Process.draw)


def _new_request_id() -> str:
    """Time-ordered and nobody else's, as 32 hexadecimal digits (RFC 9562 §5.7); no secret."""
    milliseconds, number = time.time_ns() // 1_000_000, next(_Process.counted) & 0xFFF
    return f"{milliseconds:012x}7{number:03x}{_Process.drawn}"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
