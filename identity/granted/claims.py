"""What tokens and userinfo say: from scopes and decisions to claims (OIDC Core §5, RFC 9396 §7)."""

import uuid
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from identity import sealing
from identity.granted.approval import Carried
from identity.granted.details import SHORTHAND
from identity.granted.gate import SCOPE_CLAIMS, TokenRef
from identity.public_services.registered import Registered

# Inside, a claim asked for by itself (OIDC Core §5.5) is a scope of its own; no token says it.
CLAIM = "claim:"
DETAIL_TYPE = "vn_procedure"
# Design §5: what a scope stands for, and which attribute of the catalogue is behind each claim.
CLAIMS_OF = {
    "profile": frozenset({"name", "birthdate", "gender"}),
    "email": frozenset({"email"}),
    "phone": frozenset({"phone_number"}),
    "address": frozenset({"address"}),
}
_NOTHING: frozenset[str] = frozenset()
ATTRIBUTE_OF = {
    "name": "full_name",
    "birthdate": "date_of_birth",
    "gender": "sex",
    "email": "contact_email",
    "phone_number": "contact_phone",
    "address": "permanent_address",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """What one sign-in earned, as codes and families keep it and their tokens say it."""

    acr: str  # vn:auth:1 to 4
    amr: tuple[str, ...]
    auth_at: datetime
    account_level: int
    sid: str
    nonce: str | None = None  # null: the request had none
    actor: str | None = None  # pairwise sub of who acts; null: the person themselves
    state_hash: str | None = None  # `s_hash`; null: the request had no state
    resources: tuple[str, ...] = ()  # what its tokens are for (RFC 8707); empty: any
    is_managed: bool = False  # its service is told what the grant is called

    def stored(self) -> dict[str, Any]:
        """JSON for the column `claims`; members may be added, never renamed."""
        return {
            "acr": self.acr,
            "amr": list(self.amr),
            "auth_time": int(self.auth_at.timestamp()),
            "account_level": self.account_level,
            "sid": self.sid,
            "nonce": self.nonce,
            "act": self.actor,
            "s_hash": self.state_hash,
            "resources": list(self.resources),
            "managed": self.is_managed,
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Earned":
        """What `stored` wrote."""
        return cls(
            acr=stored["acr"],
            amr=tuple(stored["amr"]),
            auth_at=datetime.fromtimestamp(stored["auth_time"], UTC),
            account_level=stored["account_level"],
            sid=stored["sid"],
            nonce=stored["nonce"],
            actor=stored["act"],
            state_hash=stored.get("s_hash"),  # codes and families of before have none
            resources=tuple(stored.get("resources", ())),  # likewise
            is_managed=stored.get("managed", False),  # neither did they this
        )


def sid(session_id: uuid.UUID, public_service_id: uuid.UUID) -> str:
    """The session as one public service may know it: two services cannot join theirs."""
    material = session_id.bytes + public_service_id.bytes
    return urlsafe_b64encode(sealing.ring().mac("sid", material)[:16]).rstrip(b"=").decode()


def scope_decision(decisions: Iterable[Carried], scopes: Collection[str]) -> Carried | None:
    """The decision about scopes that lets out most of these; null: none lets out any.

    A grant that was added to may carry several; the latest was asked for all of them.
    """
    wanted = claims_of(scopes)
    found, most = None, 0
    for decision in decisions if wanted else ():
        lets_out = len(decided(decision) & wanted)
        if lets_out > most:
            found, most = decision, lets_out
    return found


def decided(decision: Carried | None) -> frozenset[str]:
    """Which claims a decision about scopes lets out: its attributes name them or what they are."""
    if decision is None or decision.procedure is not None:
        return _NOTHING
    named = decision.attributes
    return frozenset([c for c in SCOPE_CLAIMS if c in named or ATTRIBUTE_OF[c] in named])


def granted_scopes(asked: Iterable[str], decisions: tuple[Carried, ...]) -> tuple[str, ...]:
    """The asked scopes that decisions stand behind; the others were not granted."""
    asked = tuple(asked)
    claims = decided(scope_decision(decisions, asked))
    procedures = {f"{SHORTHAND}{d.procedure}" for d in decisions if d.procedure is not None}

    def is_granted(scope: str) -> bool:
        if scope in CLAIMS_OF or scope.startswith(CLAIM):
            return not claims.isdisjoint(_claims_of_one(scope))
        return not scope.startswith(SHORTHAND) or scope in procedures

    return tuple([scope for scope in asked if is_granted(scope)])


def within(
    decisions: Iterable[Carried], *, asked: Iterable[str], granted: Iterable[str]
) -> tuple[Carried, ...]:
    """The decisions that do not hang on a granted scope which is not asked for this time.

    What hangs on `procedure:CODE` is that procedure without a case; what was asked for in
    `authorization_details` hangs on no scope.
    """
    left = {scope.removeprefix(SHORTHAND) for scope in frozenset(granted) - frozenset(asked)}
    return tuple(d for d in decisions if d.case is not None or d.procedure not in left)


def registered(asked: Iterable[str], service: Registered) -> tuple[str, ...]:
    """The scopes that the service may still have: what was granted outlives a registration."""
    claims, procedures = _registered_claims(service.scopes), service.procedures

    def is_registered(scope: str) -> bool:
        if scope.startswith(SHORTHAND):
            return scope.removeprefix(SHORTHAND) in procedures
        if scope.startswith(CLAIM):
            return not claims.isdisjoint(_claims_of_one(scope))
        return scope == "openid" or scope in service.scopes

    return tuple([scope for scope in asked if is_registered(scope)])


def runnable(decisions: Iterable[Carried], service: Registered) -> tuple[Carried, ...]:
    """Likewise the decisions: those about scopes, and about procedures that are still its own."""
    own = service.procedures
    return tuple([d for d in decisions if d.procedure is None or d.procedure in own])


def sayable(ref: TokenRef, service: Registered) -> TokenRef:
    """Likewise the reference of a token: what userinfo may say to the service as it is now."""
    if ref.claims <= (own := _registered_claims(service.scopes)):
        return ref
    claims = ref.claims & own
    return replace(ref, claims=claims, scope_decision=ref.scope_decision if claims else None)


def claims_of(scopes: Collection[str]) -> frozenset[str]:
    """Which claims these scopes stand for, each by itself or several together."""
    return _NOTHING.union(*[_claims_of_one(scope) for scope in scopes])


def _claims_of_one(scope: str) -> frozenset[str]:
    if scope.startswith(CLAIM):
        return frozenset({scope.removeprefix(CLAIM)})
    return CLAIMS_OF.get(scope, _NOTHING)


@lru_cache(maxsize=256)
def _registered_claims(scopes: frozenset[str]) -> frozenset[str]:
    """The same of what was registered: many services register the same few scopes."""
    return claims_of(scopes)


def told(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes as the wire knows them."""
    return tuple(scope for scope in scopes if not scope.startswith(CLAIM))


def details(decisions: Iterable[Carried]) -> tuple[dict[str, Any], ...]:
    """The granted `authorization_details`, each with its decision (RFC 9396 §7.1)."""
    return tuple(_detail(d) for d in decisions if d.procedure is not None)


def _detail(decision: Carried) -> dict[str, Any]:
    said = {
        "type": DETAIL_TYPE,
        "procedure": decision.procedure,
        "attributes": list(decision.attributes),
        "basis": decision.basis,
        "decision_id": str(decision.decision_id),
    }
    return said if decision.case is None else said | {"case": decision.case}
