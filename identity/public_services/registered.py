"""A public service as the rest of the house sees it: parsed once, remembered for a short while."""

import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from identity.certificates.names import MEMBERS
from identity.errors import NotFound
from identity.public_services import records
from identity.public_services.client_assertion import ALGORITHMS
from identity.public_services.records import Block, Level

if TYPE_CHECKING:
    from sqlalchemy import Row

# Whoever relies on the memory puts `version` into the statement that decides (design §4).
REMEMBERED_SECONDS = 30.0
MOST_REMEMBERED = 4096
GRANT_QUERY, GRANT_REVOKE = "grant_management_query", "grant_management_revoke"
# Of a service for itself (Grant Management §6.1); registered by name, never by saying nothing.
OF_SERVICES = frozenset({GRANT_QUERY, GRANT_REVOKE})
POLL, PING = "poll", "ping"  # CIBA Core §5
USUAL_ENC = "A128CBC-HS256"  # OIDC Registration §2, RFC 9701 §6, JARM §3
EVERY_SCOPE = frozenset({"openid", "profile", "email", "phone", "address", "offline_access"})


@dataclass(frozen=True, slots=True)
class OrganisationOf:
    """The agency behind a public service; `code` is its electronic agency code."""

    id: uuid.UUID
    code: str
    name: str
    level: Level
    block: Block


@dataclass(frozen=True, slots=True)
class Encryption:
    """How an answer is encrypted: `alg` for its key and `enc` for the content (RFC 7516 §4.1)."""

    alg: str
    enc: str


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One public service at one version of its registration (RFC 7591 §2, contract "Commands")."""

    id: uuid.UUID
    client_id: str
    names: Mapping[str, str]  # by language; "" is the one without a language
    organisation: OrganisationOf
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    auth_method: str
    secret_digest: bytes | None = field(repr=False)  # null: no secret
    grant_types: frozenset[str]
    scopes: frozenset[str]
    id_token_alg: str
    id_token_encryption: Encryption | None  # null: it is signed alone
    userinfo_alg: str | None  # null: userinfo answers plain JSON
    userinfo_encryption: Encryption | None
    introspection_alg: str  # RFC 9701 §6, where a signed answer is asked for
    introspection_encryption: Encryption | None
    procedures: frozenset[str]
    require_pkce: bool
    require_pushed: bool  # RFC 9126 §6
    require_signed_request: bool  # RFC 9101 §10.5
    request_alg: str | None  # of its request objects; null: any that is offered but RS256
    request_uris: tuple[str, ...]  # where its request objects may be fetched
    response_modes: frozenset[str] | None  # FAPI 2.0 Message Signing §5.4; null: any
    authorization_alg: str  # of answers that are signed (JARM §3)
    authorization_encryption: Encryption | None  # of the same
    dpop_bound: bool  # RFC 9449 §5.2
    certificate_bound: bool  # RFC 8705 §3.4
    certificate_name: tuple[str, str] | None  # which member of RFC 8705 §2.1.2, and its value
    profile: str
    application_type: str
    sector: str
    version: int
    is_active: bool
    delivery_mode: str | None  # of CIBA answers, poll or ping; null: it does not ask so
    notification_endpoint: str | None  # where a ping goes; null: it polls
    backchannel_request_alg: str | None  # of its signed CIBA requests; null: it signs none
    backchannel_logout_uri: str | None  # null: it does not hear of sign-outs
    decision_events_uri: str | None  # null: withdrawals are kept for polling
    jwks_uri: str | None  # null: the keys stand in the registration, or there are none
    keys: tuple[Mapping[str, Any], ...]  # public JWKs of the registration
    assertion_alg: str | None  # of its client assertions; null: any, RS256 by a key that says so
    links: Mapping[str, str]  # client_uri, logo_uri, policy_uri, tos_uri, also `policy_uri#en`
    initiate_login_uri: str | None  # null: nobody starts there (OIDC Core §4)
    default_max_age: int | None  # seconds; null: any age, unless a request says one

    @property
    def request_algs(self) -> tuple[str, ...]:
        """What its request objects may be signed by; RS256 only where it was registered."""
        return (self.request_alg,) if self.request_alg else ALGORITHMS

    def name(self, language: str) -> str:
        """What people are shown; the plain name where the language has none of its own."""
        return self.names.get(language) or self.names.get("") or self.client_id

    def link(self, name: str, language: str) -> str | None:
        """An address of its own for people; null: it registered none."""
        return self.links.get(f"{name}#{language}") or self.links.get(name)

    def told_links(self, language: str) -> dict[str, str]:
        """Every one that it registered, as a page names them."""
        return {name: uri for name in LINKS if (uri := self.link(name, language))}

    @property
    def is_plain(self) -> bool:
        """Whether OpenID Connect holds for it as it stands, and not the FAPI 2.0 profile."""
        return self.profile != "fapi2"

    @property
    def rotates(self) -> bool:
        """Whether each use of a refresh token brings another (FAPI 2.0 §5.3.2.1-9: it does not)."""
        return self.is_plain

    @property
    def is_public(self) -> bool:
        """Whether it can keep no secret (RFC 6749 §2.1)."""
        return self.auth_method == "none"


LINKS = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
# What is taken as it was registered: our word, the member, and what its absence means.
_OPTIONAL: Mapping[str, tuple[str, Any]] = {
    "require_pushed": ("require_pushed_authorization_requests", False),
    "require_signed_request": ("require_signed_request_object", False),
    "request_alg": ("request_object_signing_alg", None),
    "assertion_alg": ("token_endpoint_auth_signing_alg", None),
    "dpop_bound": ("dpop_bound_access_tokens", False),
    "certificate_bound": ("tls_client_certificate_bound_access_tokens", False),
    "delivery_mode": ("backchannel_token_delivery_mode", None),
    "notification_endpoint": ("backchannel_client_notification_endpoint", None),
    "backchannel_request_alg": ("backchannel_authentication_request_signing_alg", None),
    "backchannel_logout_uri": ("backchannel_logout_uri", None),
    "decision_events_uri": ("decision_events_uri", None),
    "jwks_uri": ("jwks_uri", None),
    "initiate_login_uri": ("initiate_login_uri", None),
    "default_max_age": ("default_max_age", None),
}


def parsed(row: "Row[Any]") -> Registered:
    """What a row of the table says, in the country's words."""
    told: Mapping[str, Any] = row.registration
    organisation = OrganisationOf(row.organisation_id, row.code, row.name, row.level, row.block)
    scope = told.get("scope")
    optional = {name: told.get(member, absent) for name, (member, absent) in _OPTIONAL.items()}
    return Registered(
        **optional,
        id=row.id,
        client_id=row.client_id,
        names=_names(told),
        organisation=organisation,
        redirect_uris=tuple(told["redirect_uris"]),
        post_logout_redirect_uris=tuple(told["post_logout_redirect_uris"]),
        auth_method=told["token_endpoint_auth_method"],
        secret_digest=row.secret_digest,
        grant_types=frozenset(told["grant_types"]),
        scopes=EVERY_SCOPE if scope is None else frozenset(scope.split()),
        **_answers(told),
        procedures=frozenset(told["procedures"]),
        require_pkce=told["require_pkce"],
        request_uris=tuple(told.get("request_uris", ())),
        response_modes=_modes(told.get("response_modes")),
        certificate_name=next(((name, told[name]) for name in MEMBERS if name in told), None),
        profile=told["profile"],
        application_type=told["application_type"],
        sector=row.sector,
        version=row.version,
        is_active=row.is_active,
        keys=tuple(told.get("jwks", {"keys": []})["keys"]),
        links={name: uri for name, uri in told.items() if name.partition("#")[0] in LINKS},
    )


def _names(told: Mapping[str, Any]) -> dict[str, str]:
    prefix = "client_name#"
    tagged = {k.removeprefix(prefix): v for k, v in told.items() if k.startswith(prefix)}
    return {"": told["client_name"]} | tagged


def _modes(told: Iterable[str] | None) -> frozenset[str] | None:
    """JARM §2.3.4: `jwt` is how a code travels signed, which is in the query."""
    return None if told is None else frozenset("query.jwt" if m == "jwt" else m for m in told)


def _answers(told: Mapping[str, Any]) -> dict[str, Any]:
    """How its answers are signed and encrypted."""
    return {
        "id_token_alg": told["id_token_signed_response_alg"],
        "id_token_encryption": _encryption(told, "id_token"),
        "userinfo_alg": told.get("userinfo_signed_response_alg"),
        "userinfo_encryption": _encryption(told, "userinfo"),
        # RFC 9701 §6
        "introspection_alg": told.get("introspection_signed_response_alg", "RS256"),
        "introspection_encryption": _encryption(told, "introspection"),
        "authorization_alg": told.get("authorization_signed_response_alg", "ES256"),
        "authorization_encryption": _encryption(told, "authorization"),
    }


def _encryption(told: Mapping[str, Any], answer: str) -> Encryption | None:
    alg = told.get(f"{answer}_encrypted_response_alg")
    enc = told.get(f"{answer}_encrypted_response_enc", USUAL_ENC)
    return None if alg is None else Encryption(alg, enc)


@dataclass(frozen=True, slots=True)
class _Kept:
    service: Registered
    until: float


class _Memory:
    """What this process has read; unknown ids are not kept, so nobody can fill it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str | uuid.UUID, _Kept] = {}

    def fresh(self, key: str | uuid.UUID) -> Registered | None:
        kept = self._kept.get(key)
        return kept.service if kept is not None and time.monotonic() < kept.until else None

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()

    def keep(self, service: Registered) -> Registered:
        fresh = _Kept(service, time.monotonic() + REMEMBERED_SECONDS)
        with self._lock:
            if len(self._kept) >= MOST_REMEMBERED:
                self._kept.clear()
            self._kept[service.client_id] = self._kept[service.id] = fresh
        return service

    def drop(self, service: Registered) -> None:
        with self._lock:
            self._kept.pop(service.client_id, None)
            self._kept.pop(service.id, None)


_memory = _Memory()


def find(client_id: str) -> Registered | None:
    """The public service of that id on the wire, at most 30 seconds old; null: there is none."""
    known = _memory.fresh(client_id)
    if known is not None:
        return known
    if not (client_id.isascii() and client_id.isprintable()):
        return None  # no name of ours, and a NUL would be an accident in PostgreSQL
    row = records.find(client_id)
    return None if row is None else _memory.keep(parsed(row))


def by_id(public_service_id: uuid.UUID) -> Registered:
    """The public service of that id of ours, at most 30 seconds old.

    Raises:
        NotFound: there is none.
    """
    known = _memory.fresh(public_service_id)
    if known is not None:
        return known
    row = records.find_by_id(public_service_id)
    if row is None:
        raise NotFound("there is no such public service")
    return _memory.keep(parsed(row))


def by_ids(public_service_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Registered]:
    """Those of these ids that there are, at most 30 seconds old; one statement reads the unknown.

    A page that shows many calls it first, so that none of them is looked up alone.
    """
    wanted = set(public_service_ids)
    known = {one: service for one in wanted if (service := _memory.fresh(one)) is not None}
    rows = records.find_by_ids(wanted - set(known)) if wanted - set(known) else ()
    return known | {row.id: _memory.keep(parsed(row)) for row in rows}


def again(service: Registered) -> Registered | None:
    """The same service as it is now, past the memory: when a statement found another version."""
    _memory.drop(service)
    return find(service.client_id)


def forget() -> None:
    """Remember nothing: after a registration in this process, and for a new app."""
    _memory.forget()
