"""The one HTTP client: where it may go, how long it may take, how much it may bring back."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from AntiSSRF import AntiSSRFError, AntiSSRFPolicy, IPAddressRanges, PolicyConfigOptions
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from identity import settings, waiting
from identity.outbound_line import POOLS, OverdueError, within

SECONDS = 5.0  # for one exchange, name look-up and every byte included
MOST_BYTES = 1_048_576
LONGEST_URL = 2_048
_CHUNK = 16_384
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SERVER_ERROR = 500
# What a host that is named in MOTLAN_OUTBOUND_ALLOW may resolve to, beside public addresses.
# Never link-local: that is where clouds keep their credentials.
_PRIVATE = [
    *IPAddressRanges.loopback,
    *IPAddressRanges.private_use,
    *IPAddressRanges.shared_address_space,
    *IPAddressRanges.unique_local,
]
_DISGUISED = ["::/96"]  # IPv4-compatible IPv6: another spelling of every refused IPv4 address
# RFC 3986 without account, fragment, zone and anything that parsers disagree about.
_PLAIN_URL = re.compile(
    r"(?i:https?)://[A-Za-z0-9._:\[\]-]+([/?][A-Za-z0-9._~:/?\[\]!$&'()*+,;=%@-]*)?"
)
_HEADERS = {"User-Agent": "mot-lan", "Accept-Encoding": "identity"}

Result = TypeVar("Result")


class OutboundRefused(Exception):
    """We will not go there, or what came back is not taken. The host is named, no more."""


class OutboundRedirected(OutboundRefused):
    """It answered with a redirect, which is not followed."""


class OutboundFailed(OutboundRefused):
    """It could not be reached, was too slow or had an error of its own: later may be better."""


@dataclass(frozen=True)
class Message:
    """What is sent, and where to."""

    method: str
    url: str
    body: bytes | None = None  # null: nothing is sent
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Outbound:
    """The client under one set of rules; `get_json` and `post` below are it under our settings."""

    allow: tuple[str, ...] = ()  # hosts, addresses, networks that may be private, or plain http
    authorities: Path | None = None  # null: the public certificate authorities
    seconds: float = SECONDS
    most_bytes: int = MOST_BYTES

    def get_json(self, url: str, *, attempts: int = 1, redirects: int = 0) -> Any:  # noqa: ANN401 - JSON
        """The JSON at this address, which must answer 200.

        Raises:
            OutboundRefused: it may not be reached, or answers with no JSON, too much, a redirect.
            OutboundFailed: it did not answer in time, or with an error of its own.
        """
        accept = "application/json, */*;q=0.1"
        answer = _tried(lambda: self._get(url, accept=accept, redirects=redirects), attempts)
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise OutboundRefused(f"{_host(url)} sent no JSON") from None

    def get_text(self, url: str, *, accept: str) -> str:
        """The ASCII text at this address, which must answer 200, at the first try.

        Raises:
            OutboundRefused: it may not be reached, or answers with something else.
            OutboundFailed: it did not answer in time, or with an error of its own.
        """
        try:
            return self._get(url, accept=accept).body.decode("ascii")
        except UnicodeDecodeError:
            raise OutboundRefused(f"{_host(url)} sent no ASCII") from None

    def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str], attempts: int = 1
    ) -> Answer:
        """What this address answered, be it a refusal.

        Raises:
            OutboundRefused: it may not be reached, or answers with too much or a redirect.
            OutboundFailed: it did not answer in time, or with an error of its own.
        """
        message = Message("POST", url, body, headers)
        return _tried(lambda: self._exchange(message), attempts)

    def _get(self, url: str, *, accept: str, redirects: int = 0) -> Answer:
        message = Message("GET", url, headers={"Accept": accept})
        answer = self._exchange(message, redirects=redirects)
        if answer.status != requests.codes.ok:
            raise OutboundRefused(f"{_host(url)} answered {answer.status}")
        return answer

    def _exchange(self, message: Message, *, redirects: int = 0) -> Answer:
        waiting.require()
        try:
            return within(self.seconds, lambda: self._followed(message, redirects))
        except AntiSSRFError:
            raise OutboundRefused(f"{_host(message.url)} has no address we may reach") from None
        except OverdueError:
            raise OutboundFailed(f"{_host(message.url)} took too long") from None
        except (requests.RequestException, HTTPError, OSError) as error:
            kind = type(error).__name__  # its text may repeat the whole URL
            raise OutboundFailed(f"{_host(message.url)} could not be reached: {kind}") from None

    def _followed(self, message: Message, redirects: int) -> Answer:
        answer = self._once(message)
        while answer.status in _REDIRECTS:
            if redirects == 0:
                raise OutboundRedirected(f"{_host(message.url)} redirects, which is not followed")
            redirects -= 1
            target = urljoin(message.url, answer.headers.get("Location", ""))
            message = Message(message.method, target, headers=message.headers)
            answer = self._once(message)
        if answer.status >= _SERVER_ERROR:
            raise OutboundFailed(f"{_host(message.url)} answered {answer.status}")
        return answer

    def _once(self, message: Message) -> Answer:
        headers = _HEADERS | dict(message.headers)
        request = requests.Request(message.method, message.url, headers, data=message.body)
        verify = True if self.authorities is None else str(self.authorities)
        with self._session(message.url) as session:
            prepared = session.prepare_request(request)
            with session.send(
                prepared, stream=True, allow_redirects=False, timeout=self.seconds, verify=verify
            ) as response:
                body = self._body(response, _host(message.url))
                return Answer(response.status_code, response.headers, body)

    def _body(self, response: requests.Response, host: str) -> bytes:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise OutboundRefused(f"{host} sent a compressed answer")  # it might never end
        body = bytearray()
        while chunk := response.raw.read(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > self.most_bytes:
                raise OutboundRefused(f"{host} sent too much")
        return bytes(body)

    def _session(self, url: str) -> requests.Session:
        session: requests.Session = self._policy(url).get_antissrf_session()
        session.trust_env = False  # no proxy and no .netrc of whoever started us
        for prefix in session.adapters:
            session.get_adapter(prefix).poolmanager.pool_classes_by_scheme = POOLS  # type: ignore[attr-defined] # of HTTPAdapter
        return session

    def _policy(self, url: str) -> AntiSSRFPolicy:
        """Where a connection for this URL may go; every address that its host has must fit."""
        host, is_plain = _checked(url)
        is_named = host in self._hosts
        if is_plain and not is_named:
            policy = AntiSSRFPolicy(PolicyConfigOptions.INTERNAL_ONLY)  # the networks, nothing else
        else:
            policy = AntiSSRFPolicy(PolicyConfigOptions.EXTERNAL_ONLY_LATEST)
            policy.add_denied_addresses(_DISGUISED)
            policy.add_xff_header = False
        if allowed := self._networks + (_PRIVATE if is_named else []):
            policy.add_allowed_addresses(allowed)
        policy.allow_plain_text_http = is_plain
        return policy

    @cached_property
    def _networks(self) -> list[str]:
        return [entry for entry in self.allow if _is_network(entry)]

    @cached_property
    def _hosts(self) -> frozenset[str]:
        return frozenset(entry.lower() for entry in self.allow if not _is_network(entry))


def get_json(url: str, *, attempts: int = 1, redirects: int = 0) -> Any:  # noqa: ANN401 - JSON
    """The JSON at this address, under our settings; see `Outbound.get_json`."""
    return _ours().get_json(url, attempts=attempts, redirects=redirects)


def get_text(url: str, *, accept: str) -> str:
    """The text at this address, under our settings; see `Outbound.get_text`."""
    return _ours().get_text(url, accept=accept)


def post(url: str, body: bytes, *, headers: Mapping[str, str], attempts: int = 1) -> Answer:
    """What this address answered to the body, under our settings; see `Outbound.post`."""
    return _ours().post(url, body, headers=headers, attempts=attempts)


def _ours() -> Outbound:
    return _under(settings.current().outbound_allow)


@lru_cache(maxsize=4)
def _under(allow: tuple[str, ...]) -> Outbound:
    return Outbound(allow)


def _tried(exchange: Callable[[], Result], attempts: int) -> Result:
    retrying = Retrying(
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(multiplier=0.2, max=2),
        retry=retry_if_exception_type(OutboundFailed),
        reraise=True,
    )
    return retrying(exchange)


def _checked(url: str) -> tuple[str, bool]:
    """The host of a URL that cannot be read in two ways, and whether it is plain http."""
    if len(url) > LONGEST_URL or not _PLAIN_URL.fullmatch(url):
        raise OutboundRefused("only https addresses are reached, and no unusual ones")
    try:
        host, seen_by_client = urlsplit(url).hostname, parse_url(url).host
    except ValueError:  # the client's LocationParseError is one, too
        host = seen_by_client = None
    if host is None or seen_by_client is None or seen_by_client.strip("[]").lower() != host:
        raise OutboundRefused("the address is malformed")
    return host, url[:5].lower() == "http:"


def _host(url: str) -> str:
    # For messages: the path may hold what is nobody's business.
    return _checked(url)[0]


def _is_network(entry: str) -> bool:
    try:
        ip_network(entry, strict=False)
    except ValueError:
        return False
    return True
