"""Who enters with an access token: RFC 6750, RFC 9449 §7. What it may do, the gate decides."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from identity import rate, settings
from identity.binding import dpop, senders
from identity.doors import FORM, Request
from identity.errors import InsufficientScope, InvalidRequest, InvalidToken, Refusal
from identity.granted import resources
from identity.granted.gate import TokenRef, open_ref, token_key
from identity.messages import Headers
from identity.parameters import Parameter
from identity.public_services import registered
from identity.public_services.registered import Registered
from identity.signing import tokens
from identity.signing.tokens import AccessToken

# RFC 6750 §2.2; the header is better.
PARAMETERS = (Parameter(name="access_token", meaning="where no Authorization header is sent"),)
SCHEMES = frozenset({"bearer", "dpop"})
NOT_VALID = "the access token is missing, forged, late, ended, or its key did not come with it"


@dataclass(frozen=True, slots=True)
class Presented:
    """A token of ours, in time and for this door, and the public service it was given to."""

    token: AccessToken
    ref: TokenRef | None  # null: client credentials, so no person and no grant
    service: Registered

    @property
    def jti(self) -> UUID:
        """Under which key the token would be revoked."""
        return token_key(self.token.token_id)

    @property
    def client_id(self) -> str:
        """The public service on the wire."""
        return self.token.public_service

    @property
    def scopes(self) -> frozenset[str]:
        """What the token reaches, as it was signed."""
        return frozenset(self.token.scopes)

    @property
    def details(self) -> tuple[Mapping[str, Any], ...]:
        """The granted `authorization_details`, as they were signed."""
        return self.token.details


Bearer = Callable[[Request], Presented]


def access_token(
    *,
    audience: Iterable[str] | None = None,
    scopes: Iterable[str] = (),
    needs_person: bool = True,
) -> Bearer:
    """A guard for doors: a token of one of these audiences that has all of these scopes.

    `audience` null means our own API alone; `BOTH` is what userinfo takes.
    """
    needed = frozenset(scopes)
    at = API if audience is None else tuple(audience)

    def admit(request: Request) -> Presented:
        scheme, text = _sent(request, at)
        if not text:
            # RFC 6750 §3.1: who sent nothing hears of no error.
            raise InvalidToken(NOT_VALID, note="token: none sent", headers=_challenges(at))
        presented = _read(request, text, is_dpop=scheme == "dpop", at=at)
        if needs_person and presented.ref is None:
            told = "this needs a token that a citizen's sign-in gave"
            raise refused(InsufficientScope(told), at=at)
        if not needed <= presented.scopes:
            told = "this needs the scope " + " ".join(sorted(needed))
            raise refused(InsufficientScope(told), at=at)
        rate.machines.take(presented.client_id)
        return presented

    return admit


Audience = tuple[str, ...]
BOTH: Audience = ("issuer", "api")
API: Audience = ("api",)


def _audiences(at: Audience) -> list[str]:
    issuer, api = resources.known()
    return [issuer if name == "issuer" else api for name in at]


def _sent(request: Request, at: Audience) -> tuple[str, str]:
    """By which scheme an access token came, and the token; both may be empty (RFC 6750 §2).

    Raises:
        InvalidRequest: in the URL, where it would be logged, or in two places.
    """
    if request.query.one("access_token") is not None:
        raise refused(InvalidRequest("never send an access token in the URL"), at=at)
    scheme, _, told = (request.header("Authorization") or "").partition(" ")
    scheme = scheme.lower()
    in_header = told.strip() if scheme in SCHEMES else ""
    is_form = request.method == "POST" and request.content_type == FORM
    in_form = request.form.one("access_token") if is_form else None
    if in_header and in_form:
        raise refused(InvalidRequest("send the access token once"), at=at)
    return scheme, in_header or in_form or ""


def _bearers_key(request: Request, token: AccessToken) -> str | None:
    """RFC 8705 §3: the certificate of the connection, for a token that is bound to one."""
    is_wanted = tokens.is_certificate(tokens.sender_key(token))
    return senders.certificate_key(request) if is_wanted else None


def _proved_key(request: Request, text: str, *, at: Audience) -> str:
    """The key whose proof came with the token."""
    try:
        return dpop.prove(request, token=text).key
    except (dpop.ProofRefused, dpop.NonceWanted) as refusal:
        # Only this challenge: it says what to do, and clients look for it alone.
        refusal.headers = (*refusal.headers, _challenge("DPoP", at, said=_error(refusal)))
        raise


def _read(request: Request, text: str, *, is_dpop: bool, at: Audience) -> Presented:
    try:
        token = tokens.read_access_token(text, audiences=_audiences(at))
        proved = _proved_key(request, text, at=at) if is_dpop else _bearers_key(request, token)
        tokens.require_sender(token, proved)
        ref = token.reference and open_ref(token.reference, token.token_id)
    except InvalidToken as invalid:
        raise refused(InvalidToken(NOT_VALID, note=invalid.note), at=at) from None
    service = registered.find(token.public_service)
    if service is None or not service.is_active:
        raise refused(InvalidToken(NOT_VALID, note="token: public service ended"), at=at)
    return Presented(token, ref or None, service)


def refused(refusal: Refusal, *, at: Audience = BOTH, challenge: str = "") -> Refusal:
    """The refusal with the challenge that RFC 6750 §3 wants beside it, and what more it asks."""
    refusal.headers = (*refusal.headers, *_challenges(at, _error(refusal) + challenge))
    return refusal


def dead(note: str, *, at: Audience = BOTH) -> Refusal:
    """The refusal of a token that is well signed and no longer stands."""
    return refused(InvalidToken(NOT_VALID, note=f"token: {note}"), at=at)


def _error(refusal: Refusal) -> str:
    return f', error="{refusal.code}", error_description="{refusal.told}"'


def _challenges(at: Audience, said: str = "") -> Headers:
    """Both ways to use a token, RFC 9449 §7.2."""
    return _challenge("Bearer", at, said=said), _challenge("DPoP", at, said=said)


def _challenge(scheme: str, at: Audience, *, said: str) -> tuple[str, str]:
    algorithms = f', algs="{" ".join(dpop.ALGORITHMS)}"' if scheme == "DPoP" else ""
    address = resources.metadata_address(is_api="issuer" not in at)  # RFC 9728 §5.1
    about = f'{said}{algorithms}, resource_metadata="{address}"'
    return "WWW-Authenticate", f'{scheme} realm="{settings.current().host}"{about}'
