"""How a public service proves who it is, RFC 6749 §2.3 and OpenID Connect Core §9."""

import binascii
import hashlib
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from identity import sealing, settings, single_use, trail
from identity.doors import Request
from identity.entry import Who
from identity.errors import InvalidClient, InvalidRequest
from identity.messages import Headers
from identity.parameters import Parameter, Parameters, decoded
from identity.public_services import (
    client_assertion,
    client_certificate,
    records,
    registered,
    service_keys,
)
from identity.public_services.client_assertion import Claimed
from identity.public_services.registered import Registered
from identity.together import Clause

BASIC, POST, ASSERTION, NONE = (
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "none",
)
log = structlog.get_logger(__name__)
WITHOUT_CERTIFICATE = (BASIC, POST, ASSERTION, NONE)
OFFERED = (*WITHOUT_CERTIFICATE, *client_certificate.METHODS)
WITH_SECRET = (BASIC, POST)
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 §2.2
# RFC 6749 §5.2: the scheme that was, or could have been, used.
CHALLENGE: Headers = (("WWW-Authenticate", 'Basic realm="motlan"'),)
# In a form, for whoever does not authenticate by the header.
PARAMETERS = (
    Parameter(
        name="client_id",
        meaning="the public service; alone for none and where a certificate proves it,"
        " with client_secret for client_secret_post",
        example="residence-portal",
    ),
    Parameter(name="client_secret", meaning="for client_secret_post: RFC 6749 section 2.3.1"),
    Parameter(
        name="client_assertion",
        meaning="for private_key_jwt: a JWT with iss, sub, aud (the issuer), jti, exp; RFC 7523",
    ),
    Parameter(
        name="client_assertion_type",
        meaning="stands with client_assertion",
        one_of=(JWT_BEARER,),
        example=JWT_BEARER,
    ),
)
TOKEN_PATH = "/token"
_NEVER_IN_THE_URL = ("client_secret", "client_assertion")


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request claims and how it means to prove it."""

    method: str
    client_id: str
    proof: str = field(repr=False, default="")
    request: Request | None = field(repr=False, default=None)  # where the text is not enough
    assertion: Claimed | None = field(repr=False, default=None)  # where it is a signed one


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a proof does not hold."""

    reason: str  # a word, for the access log
    why: str = ""  # more exactly, for the operator


def authenticate(request: Request) -> Registered:
    """The public service that sent this form, proven by its one registered method.

    Known services that fail leave a mark in the log; unknown ones do not, since anybody can
    invent a name. Both hear the same sentence.

    Raises:
        InvalidRequest: more than one method at once, or a credential in the URL.
        InvalidClient: unknown, ended, not proven, or proven by another method.
    """
    presented = _presented(request)
    service = registered.find(presented.client_id)
    if service is None:
        _spend_the_same_time(presented)
        raise _refusal("unknown")
    fault = _fault(service, presented)
    if fault and fault.reason in {"proof", "method"} and presented.method != ASSERTION:
        # A secret or method that was changed less than 30 seconds ago counts at once.
        service = registered.again(service) or service
        fault = _fault(service, presented)
    if fault is not None:
        _leave_mark(service, fault, request_id=request.request_id)
        raise _refusal(fault.reason)
    return service


def again(service: Registered, *, request_id: str) -> Registered | None:
    """The same service as it is now, past the memory; null: there is none any more.

    It proved itself to what this process remembered, so what proved it must still count.

    Raises:
        InvalidClient: its secret, key or method was changed or taken back meanwhile.
    """
    now = registered.again(service)
    if now is not None and not _counts_still(service, now):
        _leave_mark(service, Fault("changed"), request_id=request_id)
        raise _refusal("changed")
    return now


def _counts_still(before: Registered, now: Registered) -> bool:
    """Whether nothing that proved the service then was taken from it; keys may have been added."""
    same = ("auth_method", "secret_digest", "jwks_uri", "assertion_alg", "certificate_name")
    is_same = all(getattr(before, name) == getattr(now, name) for name in same)
    return is_same and all(key in now.keys for key in before.keys)


def offered() -> tuple[str, ...]:
    """The methods that work here: those by certificate only where one can reach us."""
    return (*WITHOUT_CERTIFICATE, *client_certificate.offered())


def live_clause(service: Registered) -> Clause:
    """The condition `service`: it is as it was when it was authenticated, and may still ask."""
    return records.live(service.id, service.version)


def new_secret() -> str:
    """A fresh secret: 256 bits, so that a keyed digest is enough to keep."""
    return secrets.token_urlsafe(32)


def secret_digest(public_service_id: uuid.UUID, secret: str) -> bytes:
    """How a secret is stored: keyed, and good for that one service only."""
    return sealing.ring().mac("client-secret", public_service_id.bytes + secret.encode())


def _presented(request: Request) -> Presented:
    for name in _NEVER_IN_THE_URL:
        if request.query.one(name) is not None:
            raise InvalidRequest(f"{name} must be in the body or header, never in the URL")
    form = request.form
    found = [one for one in (_basic(request), _post(form), _assertion(request)) if one is not None]
    if len(found) > 1:  # RFC 6749 §2.3
        raise InvalidRequest("use one way to authenticate, not several")
    claimed = form.one("client_id")
    if not found:
        if claimed is None:
            raise _refusal("nothing presented")
        return Presented(NONE, claimed, request=request)
    if claimed not in {None, found[0].client_id}:
        raise InvalidClient("client_id is not the one that was authenticated", headers=CHALLENGE)
    return found[0]


def _basic(request: Request) -> Presented | None:
    header = request.header("Authorization")
    if header is None:
        return None
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient("authenticate with the registered method", headers=CHALLENGE)
    try:
        told = binascii.a2b_base64(encoded.strip(), strict_mode=True).decode()
        client_id, secret = told.split(":", 1)
        # RFC 6749 §2.3.1: both are form-encoded before they are joined.
        return Presented(BASIC, decoded(client_id), decoded(secret))
    except ValueError:
        raise InvalidClient("the Authorization header cannot be read", headers=CHALLENGE) from None


def _post(form: Parameters) -> Presented | None:
    secret = form.one("client_secret")
    return None if secret is None else Presented(POST, form.required("client_id"), secret)


def _assertion(request: Request) -> Presented | None:
    form = request.form
    assertion, kind = form.one("client_assertion"), form.one("client_assertion_type")
    if assertion is None and kind is None:
        return None
    if assertion is None or kind != JWT_BEARER:
        raise InvalidClient(
            f"send client_assertion with client_assertion_type {JWT_BEARER}", headers=CHALLENGE
        )
    try:
        claimed = client_assertion.read(assertion)
    except InvalidClient as fault:
        raise _refusal(fault.note) from None
    return Presented(ASSERTION, claimed.client_id, request=request, assertion=claimed)


def _fault(service: Registered, presented: Presented) -> Fault | None:
    """Why this proof does not hold; null: it does."""
    if _shown_as(service.auth_method) != presented.method:
        return Fault("method")
    fault = _PROOFS[service.auth_method](service, presented)
    if fault is None and not service.is_active:
        return Fault("ended")
    return fault


def _shown_as(method: str) -> str:
    """How a request looks that uses this method: a certificate is not in the request itself."""
    return NONE if method in client_certificate.METHODS else method


def _by_secret(service: Registered, presented: Presented) -> Fault | None:
    material = service.id.bytes + presented.proof.encode()
    kept = service.secret_digest or b""
    is_it = sealing.ring().is_mac("client-secret", material, claimed=kept)
    return None if is_it else Fault("proof")


def _by_assertion(service: Registered, presented: Presented) -> Fault | None:
    claimed, request = presented.assertion, presented.request
    if claimed is None or request is None:
        return Fault("proof")
    try:
        keys = service_keys.keys(service, claimed.kid)
        verified = client_assertion.verify(
            claimed,
            client_id=service.client_id,
            keys=keys,
            audiences=_audiences(service, request),
            algorithms=service_keys.assertion_algs(service, keys),
        )
    except InvalidClient as fault:
        return Fault("proof", fault.note or "")
    # Durable before anything is issued: no other process, and no restart, takes it again.
    digest = hashlib.sha256(f"{service.client_id}\x1f{verified.jti}".encode()).digest()
    spent = records.spent(digest, verified.expires_at)
    return None if single_use.spend(request, digest, by=spent) else Fault("replay")


def _audiences(service: Registered, request: Request) -> tuple[str, ...]:
    """The issuer; at `/token` that too, for who may go by OIDC Core §9 alone (decision 0052)."""
    issuer = settings.current().issuer
    is_by_core = service.is_plain and not service.require_pkce
    return (issuer, issuer + TOKEN_PATH) if is_by_core and request.path == TOKEN_PATH else (issuer,)


def _by_certificate(service: Registered, presented: Presented) -> Fault | None:
    request = presented.request
    why = "none shown" if request is None else client_certificate.fault(service, request)
    return None if why is None else Fault("proof", why)


def _by_nothing(_service: Registered, _presented: Presented) -> Fault | None:
    return None


_PROOFS: dict[str, Callable[[Registered, Presented], Fault | None]] = {
    BASIC: _by_secret,
    POST: _by_secret,
    ASSERTION: _by_assertion,
    NONE: _by_nothing,
    client_certificate.BY_AUTHORITY: _by_certificate,
    client_certificate.SELF_SIGNED: _by_certificate,
}


def _spend_the_same_time(presented: Presented) -> None:
    if presented.method in WITH_SECRET:
        sealing.ring().is_mac("client-secret", presented.proof.encode(), claimed=b"")


def _leave_mark(service: Registered, fault: Fault, *, request_id: str) -> None:
    trail.refuse(
        "service:refused",
        Who(public_service=service.id),
        subject={"reason": fault.reason},
        acting={"public_service": service.client_id, "request": request_id},
    )
    if fault.why:  # not before: the loop leaves what writes to a thread, which begins anew
        log.info("not proven", service=service.client_id, why=fault.why)


def _refusal(reason: str) -> InvalidClient:
    return InvalidClient(
        "not authenticated: check client_id, its credential and its registered method",
        note=f"client: {reason}",
        headers=CHALLENGE,
    )
