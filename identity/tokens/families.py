"""A token family: what the tokens of one authorization say, and how they end together."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from identity import database, trail
from identity.authentication.sessions import Ended
from identity.binding.dpop import Proof
from identity.entry import Who
from identity.granted import grants, resources
from identity.granted.approval import Carried
from identity.granted.claims import (
    CLAIM,
    Earned,
    claims_of,
    decided,
    details,
    granted_scopes,
    registered,
    runnable,
    scope_decision,
    told,
    within,
)
from identity.granted.gate import TokenRef, seal_ref
from identity.managed import names
from identity.public_services import credentials, encryption
from identity.public_services.registered import Registered
from identity.signing import tokens
from identity.together import Answer, Clause, together

# Without offline access a family belongs to the browser's session and ends with it.
ONLINE_LIFETIME = timedelta(hours=12)
OFFLINE_LIFETIME = timedelta(days=365)
OFFLINE_IDLE = timedelta(days=30)
REPLAY, REVOCATION = "replay", "revocation"
Details = tuple[Mapping[str, Any], ...]  # granted `authorization_details`


@dataclass(frozen=True, slots=True)
class Asker:
    """The public service that sent a request, which one it was, and the key that it proved."""

    service: Registered
    request_id: str
    proof: Proof | None = None  # null: nothing is bound to a key

    @property
    def sender_key(self) -> str | None:
        """The key that it proved; null: none."""
        return None if self.proof is None else self.proof.key

    def buy(self, *clauses: Clause, after: str) -> Answer | None:
        """One statement of these, in which the proof is spent; null: nothing happened.

        `after` names the clause that writes. Whoever gets null calls `spend_proof` next.
        """
        if self.proof is None:
            return together(*clauses)
        return self.proof.spend_beside(*clauses, after=after)

    def spend_proof(self) -> None:
        """Nobody can use the proof again, whatever this request comes to.

        Raises:
            InvalidDpopProof: somebody did before.
        """
        if self.proof is not None:
            self.proof.spend()


def again(asker: Asker) -> Registered | None:
    """Who asks as it is registered now, past what we remember; null: it is no more.

    Raises:
        InvalidClient: what it proved itself by was taken back.
    """
    return credentials.again(asker.service, request_id=asker.request_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One family at the moment its tokens are signed, as the issuing statement read it."""

    citizen_id: uuid.UUID
    grant_id: uuid.UUID
    version: int
    family_id: uuid.UUID
    sub: str
    scope: str
    earned: Earned
    decisions: tuple[Carried, ...]

    def aimed(self, target: tuple[str, ...]) -> "Standing":
        """The same for these of its resources (RFC 8707 §2.2); empty: for all of them."""
        return replace(self, earned=replace(self.earned, resources=target)) if target else self

    def carrying(self, decisions: tuple[Carried, ...]) -> "Standing":
        """The same with these of its decisions, where its tokens reach what those are about."""
        if not resources.reaches_api(self.earned.resources):
            decisions = tuple([d for d in decisions if d.procedure is None])
        return self if decisions == self.decisions else replace(self, decisions=decisions)


def answer(
    standing: Standing,
    asker: Asker,
    *,
    only: Iterable[str] = (),
    refresh_token: str | None = None,
    is_first: bool = False,
) -> dict[str, Any]:
    """The token response, RFC 6749 §5.1 and OIDC Core §3.1.3.3; signed after the commit.

    `only` narrows the scope of this access token, and with it the details that hang on what is
    left out; empty: all that was granted. Claims asked for by themselves hang on no scope. The
    first ID token alone answers what its request sent along, a nonce and a state.
    """
    granted, wanted = standing.scope.split(), frozenset(only)
    kept = [s for s in granted if not wanted or s in wanted or s.startswith(CLAIM)]
    asked = registered(kept, asker.service)
    if standing.decisions:
        decisions = within(standing.decisions, asked=asked, granted=granted)
        standing = standing.carrying(runnable(decisions, asker.service))
    scopes = granted_scopes(asked, standing.decisions)
    allowed = details(standing.decisions)
    access_token = _access_token(standing, asker, scopes=scopes, allowed=allowed)
    said: dict[str, Any] = {
        "access_token": access_token,
        "token_type": tokens.kind_of(asker.sender_key),
        "expires_in": tokens.LIFETIME_SECONDS,
        "scope": " ".join(told(scopes)),
        "authorization_details": allowed,
    }
    if "openid" in scopes:
        said["id_token"] = _id_token(
            standing, asker.service, access_token=access_token, is_first=is_first
        )
    if standing.earned.is_managed:  # Grant Management §5.5
        said["grant_id"] = names.name(standing.citizen_id, standing.grant_id)
    if refresh_token is not None:
        said["refresh_token"] = refresh_token
    return said


def _access_token(
    standing: Standing, asker: Asker, *, scopes: tuple[str, ...], allowed: Details
) -> str:
    earned = standing.earned
    decision = scope_decision(standing.decisions, scopes)
    claims = decided(decision) & claims_of(scopes) if decision else frozenset[str]()
    ref = TokenRef(
        standing.citizen_id,
        standing.grant_id,
        standing.version,
        standing.family_id,
        scope_decision=decision.decision_id if decision and claims else None,
        claims=claims,
    )
    return tokens.sign_access_token(
        tokens.AccessToken(
            audience=resources.audience(earned.resources, has_details=bool(allowed)),
            subject=standing.sub,
            public_service=asker.service.client_id,
            reference=seal_ref(ref),
            scopes=told(scopes),
            details=allowed,
            authenticated_at=earned.auth_at,
            assurance=earned.acr,
            account_level=earned.account_level,
            confirmation=tokens.bound_to(asker.sender_key),
            actor=earned.actor,
        )
    )


def _id_token(standing: Standing, service: Registered, *, access_token: str, is_first: bool) -> str:
    earned = standing.earned
    token = tokens.IdToken(
        public_service=service.client_id,
        subject=standing.sub,
        authenticated_at=earned.auth_at,
        assurance=earned.acr,
        methods=earned.amr,
        session=earned.sid,
        account_level=earned.account_level,
        nonce=earned.nonce if is_first else None,
        access_token=access_token,
        state_hash=earned.state_hash if is_first else None,
        actor=earned.actor,
    )
    signed = tokens.sign_id_token(token, alg=service.id_token_alg)
    return encryption.encrypted(signed, service.id_token_encryption, service=service)


def end_for_replay(citizen_id: uuid.UUID, family_id: uuid.UUID) -> bool:
    """What a replayed code or refresh token bought is dead; whether anything lived until now."""
    with database.transaction():
        return grants.end_families(citizen_id, by=REPLAY, family_id=family_id) > 0


def leave_mark(asker: Asker, citizen_id: uuid.UUID, *, reason: str) -> None:
    """The refusal stands in the log, committed, before the caller raises it (design §2)."""
    trail.refuse(
        "token:refused",
        Who(citizen=citizen_id, public_service=asker.service.id),
        subject={"reason": reason, "result": "refused"},
        acting={"public_service": asker.service.client_id, "request": asker.request_id},
    )


def end_with_session(ended: Ended) -> None:
    """Tokens end with the sign-in they came from; where all sessions end: all of the person's.

    Those of the spared session stay. Runs in the transaction that ends the session. Offline
    access outlives a sign-out, but not the end of all other sessions.
    """
    grants.end_families(
        ended.citizen_id, by=ended.by, session_id=ended.session_id, spared_session=ended.spared
    )
