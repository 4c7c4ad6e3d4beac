"""A decision ends: the citizen withdraws it, its time passes, its uses are up (design §5)."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from consent.ledger import records, transitions
from consent.ledger.grant import evidence
from consent.ledger.records import State
from consent.ledger.transitions import DecisionOver, Entry
from consent.procedures.catalogue import Basis
from identity import clock, outbox
from identity.authentication.sessions import CitizenSession
from identity.authorization import subjects
from identity.database import transaction
from identity.errors import NotFound, Refusal
from identity.granted import grants
from identity.public_services import registered

KIND = "decision:withdrawn"  # of the outbox message
AT_MOST = 200  # decisions that one turn of the duty closes


class NoSuchDecision(NotFound):
    """Nobody made it, or another citizen did: the two look the same, so ids cannot be probed."""

    slug = "no-such-decision"
    title = "There is no such decision"


class AlreadyWithdrawn(DecisionOver):
    """There is nothing left to end."""

    slug = "already-withdrawn"


class BoundByLaw(Refusal):
    """The basis is law: there is an objection, and no withdrawal."""

    status, code, slug = 409, "invalid_request", "bound-by-law"
    title = "This reuse rests on the law"


def standing(decision_id: uuid.UUID, *, of: uuid.UUID) -> Entry:
    """Where one decision of a person stands.

    Raises:
        NoSuchDecision: unknown, or another citizen's.
    """
    row = records.find_newest(of, decision_id)
    if row is None:
        raise NoSuchDecision("there is no such decision")
    return transitions.read(row)


def withdraw(decision_id: uuid.UUID, *, by: CitizenSession, request_id: str = "") -> Entry:
    """The decision is over from now on; what was released before stays in the log.

    Raises:
        NoSuchDecision: unknown, or another citizen's.
        AlreadyWithdrawn: there is nothing left to end.
        BoundByLaw: it is not the citizen's to end.
        records.DecidedMeanwhile: another request changed it first.
    """
    latest = standing(decision_id, of=by.citizen_id)
    _require_withdrawable(latest)
    service = registered.by_id(latest.public_service_id)
    with transaction():
        # First: the heads are held from here on, and every disclosure before stands before.
        changed = grants.drop_decision(by.citizen_id, decision_id, by=grants.WITHDRAWAL)
        ended = latest.followed_by(State.WITHDRAWN, actor_id=by.actor_id, evidence=evidence(by))
        outbox.put(
            KIND,
            service.id,
            reference=str(decision_id),
            target=service.decision_events_uri,
            body=_told(ended, sub=subjects.subject(by.citizen_id, service.sector)),
        )
        acting = {"grants": [str(grant) for grant in changed], "request": request_id}
        transitions.append(ended, acting=acting)
    return ended


def _require_withdrawable(latest: Entry) -> None:
    if latest.state is State.WITHDRAWN:
        raise AlreadyWithdrawn("this decision has been withdrawn already")
    transitions.require(latest.state, State.WITHDRAWN)
    if latest.until <= clock.now():
        raise DecisionOver("the time of this decision has passed")
    if latest.basis == Basis.LAW:
        raise BoundByLaw("this reuse rests on the law; an objection can be raised instead")


def _told(ended: Entry, *, sub: str) -> dict[str, Any]:
    """What the public service is told; never change: members may be added, none renamed."""
    return {
        "sub": sub,
        "decision_id": str(ended.decision_id),
        "procedure": ended.procedure,
        "case": ended.case,
        "withdrawn_at": int(ended.decided_at.timestamp()),
    }


def expire(at_most: int = AT_MOST) -> int:
    """Decisions whose time has passed say so, and no grant carries them; how many.

    The worker's duty. Nothing was released after their time anyway: the gate looks at `until`.
    """
    due = records.past_their_time(clock.now(), at_most=at_most)
    for row in due:
        _close(row.citizen_id, row.decision_id, state=State.EXPIRED, evidence=_BY_TIME)
    return len(due)


def _close(
    citizen_id: uuid.UUID, decision_id: uuid.UUID, *, state: State, evidence: Mapping[str, Any]
) -> None:
    with transaction():
        changed = grants.drop_decision(citizen_id, decision_id, by=grants.EXPIRY)
        row = records.find_newest(citizen_id, decision_id)
        if row is None or row.state != State.GIVEN:
            return
        ended = transitions.read(row).followed_by(state, actor_id=citizen_id, evidence=evidence)
        transitions.append(ended, acting={"grants": [str(grant) for grant in changed]})


def give_back(citizen_id: uuid.UUID, decision_ids: Iterable[uuid.UUID]) -> None:
    """Their public service has no use for these decisions any more, and they say so.

    In the running transaction, in which no grant carries them already.
    """
    for decision_id in decision_ids:
        row = records.find_newest(citizen_id, decision_id)
        if row is not None and row.state == State.GIVEN:
            entry = transitions.read(row)
            ended = entry.followed_by(
                State.RETURNED, actor_id=citizen_id, evidence={"by": "service"}
            )
            transitions.append(ended, acting={"by": "service"})


def exhaust(citizen_id: uuid.UUID, decision_id: uuid.UUID) -> None:
    """The last use of a decision was taken: it says so, and no grant carries it."""
    row = records.find_newest(citizen_id, decision_id)
    if row is not None and row.state == State.GIVEN:
        _close(citizen_id, decision_id, state=State.EXHAUSTED, evidence=_BY_USE)


_BY_USE: Mapping[str, Any] = {"by": "use"}
_BY_TIME: Mapping[str, Any] = {"by": "time"}
