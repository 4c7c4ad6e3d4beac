"""An access token for a lesser one, RFC 8693: of the same person, service, key and end.

It never widens anything. Nobody can be named as acting for somebody else by an `actor_token`,
since no mandate can be given here yet; who acted in the sign-in (`act`) stays who acted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from identity.errors import InvalidRequest, InvalidScope, InvalidToken, UnauthorizedClient
from identity.granted import details, grants, resources
from identity.granted.approval import Detail
from identity.granted.claims import claims_of, registered, sayable
from identity.granted.details import SHORTHAND, InvalidAuthorizationDetails
from identity.granted.gate import TokenRef, gate, open_ref, seal_ref
from identity.granted.resources import InvalidTarget
from identity.public_services.registered import Registered
from identity.signing import tokens
from identity.signing.tokens import AccessToken
from identity.together import look
from identity.tokens import families
from identity.tokens.families import Asker

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
REFUSED = "subject_token is forged, late, ended, bound to another key, or another service's"
Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the lesser token is to be; null or empty: as the one that it is made of."""

    scope: tuple[str, ...] | None
    target: tuple[str, ...]
    details: tuple[Detail, ...] | None


@dataclass(frozen=True, slots=True)
class _Subject:
    """A token of ours that was shown, as it was signed."""

    token: AccessToken = field(repr=False)
    ref: TokenRef


def exchange(text: str, asker: Asker, *, wanted: Wanted) -> dict[str, Any]:
    """The token response of RFC 8693 §2.2: nothing is stored, the family of the token goes on.

    Raises:
        UnauthorizedClient: a service that cannot prove who it is.
        InvalidRequest: the subject token is none that this service may exchange (§2.2.2).
        InvalidScope, InvalidTarget, InvalidAuthorizationDetails: more was asked for than it has.
        InvalidClient: what proved the service was taken back a moment ago.
    """
    if asker.service.is_public:
        raise UnauthorizedClient("this needs a public service that authenticates itself")
    subject = _live(_read(text, asker), asker)
    token = _narrowed(subject, wanted)
    confirmation = subject.token.confirmation or tokens.bound_to(asker.sender_key)
    signed = tokens.sign_access_token(replace(token, confirmation=confirmation))
    return {
        "access_token": signed,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": tokens.kind_of(asker.sender_key),
        "expires_in": token.lifetime_seconds,
        "scope": " ".join(token.scopes),
        "authorization_details": token.details,
    }


def _read(text: str, asker: Asker) -> _Subject:
    try:
        token = tokens.read_access_token(text, audiences=resources.known())
        ref = open_ref(token.reference, token.token_id) if token.reference else None
        bound_to = tokens.sender_key(token)
    except InvalidToken as invalid:
        raise InvalidRequest(REFUSED, note=invalid.note) from None
    if ref is None:
        raise InvalidRequest(REFUSED, note="exchange: no person")
    if token.public_service != asker.service.client_id:
        raise _refused(asker, ref, reason="another public service")
    if bound_to not in {None, asker.sender_key}:
        raise _refused(asker, ref, reason="another key")
    return _Subject(token, ref)


def _refused(asker: Asker, ref: TokenRef, *, reason: str) -> InvalidRequest:
    """The refusal to raise (§2.2.2); its mark is in the person's log already."""
    families.leave_mark(asker, ref.citizen_id, reason=f"exchange: {reason}")
    return InvalidRequest(REFUSED, note=f"exchange: {reason}")


def _live(subject: _Subject, asker: Asker) -> _Subject:
    """The token at the version that its grant has now, with the decisions that still stand."""
    if _stands(subject.ref, asker.service):
        return _registered(subject, asker.service)
    service, renewed = families.again(asker), grants.renew(subject.ref)
    if service is None or renewed is None or not _stands(renewed[0], service):
        raise _refused(asker, subject.ref, reason="ended")
    ref, grant = renewed
    carried = {d.decision_id for d in grant.in_force()}
    left = tuple(d for d in subject.token.details if UUID(d["decision_id"]) in carried)
    return _registered(_Subject(replace(subject.token, details=left), ref), service)


def _registered(subject: _Subject, service: Registered) -> _Subject:
    """The token without what the service may not have any more."""
    token, procedures = subject.token, service.procedures
    scopes = registered(token.scopes, service)
    left = tuple(d for d in token.details if d["procedure"] in procedures)
    return _Subject(replace(token, scopes=scopes, details=left), sayable(subject.ref, service))


def _stands(ref: TokenRef, service: Registered) -> bool:
    return look(gate(ref, service=service)) is not None


def _narrowed(subject: _Subject, wanted: Wanted) -> AccessToken:
    token = subject.token
    scopes = token.scopes if wanted.scope is None else wanted.scope
    if not set(scopes) <= set(token.scopes):
        raise InvalidScope("ask for no more than the subject token has")
    is_for_api = token.audience == resources.known()[1]
    if not is_for_api and resources.known()[1] in wanted.target:
        raise InvalidTarget("the subject token is not for that resource")
    kept = _details(token, scopes=scopes, wanted=wanted)
    target = wanted.target or (token.audience,)
    now = tokens.now_seconds()
    return AccessToken(
        audience=resources.audience(target, has_details=bool(kept)),
        subject=token.subject,
        public_service=token.public_service,
        reference=seal_ref(_lesser(subject, scopes)),
        scopes=scopes,
        details=kept,
        authenticated_at=token.authenticated_at,
        assurance=token.assurance,
        account_level=token.account_level,
        actor=token.actor,
        issued_at_seconds=now,
        # It ends with the other: a chain of exchanges is no way to live on.
        lifetime_seconds=token.ends_at_seconds - now,
    )


def _lesser(subject: _Subject, scopes: tuple[str, ...]) -> TokenRef:
    """What userinfo may still say. Claims asked for by themselves hang on no scope."""
    ref, of_scopes = subject.ref, claims_of(subject.token.scopes)
    claims = (ref.claims & claims_of(scopes)) | (ref.claims - of_scopes)
    return replace(ref, claims=claims, scope_decision=ref.scope_decision if claims else None)


def _details(
    token: AccessToken, *, scopes: Iterable[str], wanted: Wanted
) -> tuple[Mapping[str, Any], ...]:
    if not resources.reaches_api(wanted.target):
        return ()
    dropped = {s.removeprefix(SHORTHAND) for s in set(token.scopes) - set(scopes)}
    left = tuple(d for d in token.details if d.get("case") or d["procedure"] not in dropped)
    if wanted.details is None:
        return left
    return tuple(_one(asked, left) for asked in wanted.details)


def _one(asked: Detail, signed: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The detail of the subject token that is asked for, with fewer attributes or all."""
    same = (asked.procedure, asked.case)
    found = next((d for d in signed if (d["procedure"], d.get("case")) == same), None)
    if found is None or not set(asked.attributes or ()) <= set(found["attributes"]):
        raise InvalidAuthorizationDetails("ask for no more than the subject token has")
    return found if asked.attributes is None else {**found, "attributes": list(asked.attributes)}


def asked_details(text: str | None) -> tuple[Detail, ...] | None:
    """The details that are asked for; null: those of the subject token.

    Raises:
        InvalidAuthorizationDetails: they cannot be read.
    """
    return None if text is None else details.read(text, ())
