"""The answer to an authorization request: one grant, one code, given once (RFC 6749 §4.1.2)."""

import uuid

from identity.authentication import sessions
from identity.authentication.sessions import CitizenSession
from identity.authorization import changing, subjects
from identity.database import transaction
from identity.granted import claims, grants
from identity.granted.approval import Approved
from identity.granted.claims import Earned
from identity.granted.grants import DecisionEnded, NewGrant
from identity.managed import asking
from identity.polled import ways
from identity.public_services import credentials
from identity.requested import acr, pending, pushed
from identity.requested.wish import Wish
from identity.signing import algorithms
from identity.together import Clause, together
from identity.tokens import codes
from identity.tokens.codes import NewCode

# Of the statement: the registration stands, the session goes on, the person has a `sub` there.
CONDITIONS = ("service", "session", "subject")


class Moved(Exception):
    """What the answer rests on changed, a registration, a session, a decision: look again."""


def issue(
    wish: Wish, session: CitizenSession, *, approved: Approved, request_id: uuid.UUID | None
) -> str:
    """The code is on record, with the grant it stands for, and a stored request is answered.

    Without a stored or pushed request it is one statement: one round trip, one commit.

    Raises:
        Moved: nothing was written; look at everything again.
        AlreadyAnswered: the stored or pushed request had its answer before.
    """
    if request_id is None and wish.pushed is None and not asking.is_change(wish.said):
        return _code(wish, session, approved=approved)
    try:
        with transaction():
            _answer(wish, request_id)
            if wish.polled is not None:
                ways.of(wish.polled).allow(wish.polled, session)
            taken_in = changing.changed(wish, session, approved=approved)
            return _code(wish, session, approved=taken_in)
    except DecisionEnded:
        raise Moved from None


def _code(wish: Wish, session: CitizenSession, *, approved: Approved) -> str:
    actor = _actor(wish, session)
    code, clauses = _clauses(wish, session, approved=approved, actor=actor)
    if together(*clauses) is None:
        raise Moved
    return code


def close(wish: Wish, request_id: uuid.UUID | None) -> None:
    """A stored or pushed request is answered without a code; any other leaves no trace.

    Raises:
        AlreadyAnswered: it had its answer before.
    """
    if request_id is not None or wish.pushed is not None:
        with transaction():
            _answer(wish, request_id)
            if wish.polled is not None:
                ways.of(wish.polled).refuse(wish.polled)


def _answer(wish: Wish, request_id: uuid.UUID | None) -> None:
    if request_id is not None:
        pending.answer(request_id)
    if wish.pushed is not None:
        pushed.spend(wish.pushed)


def _actor(wish: Wish, session: CitizenSession) -> str | None:
    if session.actor_id == session.citizen_id:
        return None
    return subjects.subject(session.actor_id, wish.public_service.sector)


def _clauses(
    wish: Wish, session: CitizenSession, *, approved: Approved, actor: str | None
) -> tuple[str, tuple[Clause, ...]]:
    service = wish.public_service
    known = subjects.clauses(session.citizen_id, service.sector)
    scope = changing.left(wish, approved)
    grant_id, opening = _grant(wish, session, approved=approved, scope=scope)
    new = NewCode(
        citizen_id=session.citizen_id,
        grant_id=grant_id,
        public_service_id=service.id,
        session_id=session.id,
        redirect_uri=wish.redirect_uri,
        code_challenge=wish.code_challenge,
        sub=None,  # the clause `subject` says it, in the same statement
        scope=scope,
        earned=_earned(wish, session, actor=actor),
        sender_key=wish.sender_key,
        polled=(wish.polled.digest, wish.polled.until) if wish.polled else None,
    )
    after = (*CONDITIONS, "opened") if opening else CONDITIONS
    code, issuing = codes.issuing(new, after=after)
    stands = credentials.live_clause(service), sessions.living(session)
    return code, (*stands, *known, *opening, issuing)


def _grant(
    wish: Wish, session: CitizenSession, *, approved: Approved, scope: str
) -> tuple[uuid.UUID, tuple[Clause, ...]]:
    """The grant that the person's decision made, or the clauses of a new one."""
    if approved.grant_id is not None:
        return approved.grant_id, ()
    new = NewGrant(
        citizen_id=session.citizen_id,
        actor_id=session.actor_id,
        mandate_id=session.mandate_id,
        public_service_id=wish.public_service.id,
        scope=scope,
    )
    taken = [decision.decision_id for decision in approved.decisions]
    return grants.opening(new, taken=taken, after=CONDITIONS)


def _earned(wish: Wish, session: CitizenSession, *, actor: str | None) -> Earned:
    alg = wish.public_service.id_token_alg
    return Earned(
        acr=acr.value(wish.acr.told(session.acr)),
        amr=session.amr,
        auth_at=session.auth_at,
        account_level=session.account_level,
        sid=claims.sid(session.id, wish.public_service.id),
        nonce=wish.nonce,
        resources=wish.resources,
        actor=actor,
        is_managed=asking.action(wish.said) is not None,
        state_hash=wish.state and algorithms.half_hash(wish.state, alg),
    )
