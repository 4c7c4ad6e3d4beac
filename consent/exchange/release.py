"""Release decided attributes to a public service: `POST /api/attributes` (design §4)."""

from dataclasses import replace
from enum import StrEnum
from typing import Any, NamedTuple

from consent.attributes import catalogue
from consent.exchange import step_up, wire
from consent.exchange.attempt import Question, Released, attempt, standing
from consent.exchange.coverage import Decided, find_decided
from consent.exchange.step_up import StepUpNeeded
from consent.exchange.wire import Ask
from consent.ledger import withdraw
from consent.ledger.records import State
from consent.ledger.transitions import promise
from consent.ledger.withdraw import NoSuchDecision
from identity import clock, errors, trail
from identity.doors import Request
from identity.entry import Who
from identity.errors import Refusal
from identity.granted import grants
from identity.granted.gate import TokenRef
from identity.granted.grants import Grant
from identity.messages import NO_STORE, Response, json_response
from identity.provider import guard
from identity.provider.guard import Presented
from identity.public_services import registered
from identity.public_services.registered import Registered
from identity.together import look

REFUSED = "attributes:refused"


class Reason(StrEnum):
    """Why nothing is released; it stands in the citizen's log, and the developer hears it."""

    NOT_DECIDED = "not_decided"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    USED_UP = "used_up"
    SUPERSEDED = "superseded"
    TOKEN_ENDED = "token_ended"
    STEP_UP = "step_up"
    NOT_REGISTERED = "not_registered"


_SAID = {
    Reason.NOT_DECIDED: "the citizen has not decided that this may be released for this procedure"
    " and case; send them to /authorize with authorization_details",
    Reason.WITHDRAWN: "the citizen has withdrawn the decision; do not ask again without need",
    Reason.EXPIRED: "the decision has reached its end; ask the citizen again at /authorize",
    Reason.SUPERSEDED: "the citizen has decided the same anew: use the newest token",
    Reason.NOT_REGISTERED: "this public service is not registered for that procedure any more",
    Reason.STEP_UP: "send the person to /authorize with acr_values or max_age of the challenge",
    Reason.USED_UP: "the decision has been used as often as it allowed; ask the citizen again",
}


class NotCovered(errors.InsufficientScope):
    """No decision that stands covers what was asked; that there is no such citizen looks alike."""

    slug = "not-covered"
    title = "No decision covers this"


def release(request: Request, presented: Presented) -> Response:
    """The decided values leave, and the look at them stands in the log already.

    Raises:
        InvalidRequest: the body has another shape, or fits several decisions.
        UnknownAttribute, UnknownProcedure: no catalogue has that name.
        NotCovered: nothing asked for is decided, or the decision has ended; why is recorded.
        InvalidToken: the token was ended by something else than a withdrawal.
        StepUpNeeded: the sign-in is too weak or too old for the procedure.
    """
    ask = wire.asked(request.json())
    if ask.attributes is not None:
        catalogue.require_known(ask.attributes)
    decided = find_decided(presented.details, ask)
    if presented.ref is None or decided is None:
        raise _refused(_Attempted(presented, ask, None), _undecided(presented))
    attempted = _Attempted(presented, ask, decided)
    if not _may_run(presented.service, decided):
        raise _refused(attempted, Reason.NOT_REGISTERED)
    if (challenge := step_up.challenge(presented.token, decided)) is not None:
        raise _refused(attempted, Reason.STEP_UP, challenge=challenge)
    names = decided.attributes if ask.attributes is None else ask.attributes
    question = Question(
        ref=presented.ref,
        service=presented.service,
        actor_id=presented.ref.citizen_id,
        decided=decided,
        names=decided.covered(names),
        request_id=request.request_id,
    )
    if not question.names:
        raise _refused(attempted, _undecided(presented))
    # Who acts for another stands in the grant alone; it must be read for the entry.
    is_usual = presented.token.actor is None
    released = (attempt(question) if is_usual else None) or _release_again(question, attempted)
    if released.was_last:
        withdraw.exhaust(question.ref.citizen_id, decided.id)
    withheld = [(name, str(Reason.NOT_DECIDED)) for name in names if name not in question.names]
    return _answer(decided, released, withheld=withheld + released.withheld)


def _release_again(question: Question, attempted: "_Attempted") -> Released:
    """The statement found a condition false: look what stands, build it once more, then refuse."""
    grant, service = _look(question)
    reason = _why_not(question, grant)
    if reason is None and service is not None and not _may_run(service, question.decided):
        reason = Reason.NOT_REGISTERED
    if reason is None and grant is not None and service is not None:
        question = question._replace(
            ref=replace(question.ref, version=grant.version),
            service=service,
            actor_id=grant.actor_id,
        )
        released = attempt(question, standing(question))
        if released is not None:
            return released
        reason = _why_not(question, _look(question)[0]) or _why_still_not(question)
    raise _refused(attempted, reason or Reason.TOKEN_ENDED)


def _may_run(service: Registered, decided: Decided) -> bool:
    """Whether the procedure is still the service's: an operator takes it away without the person.

    Of a remembered registration; that it is the present one, the statement makes sure.
    """
    return decided.procedure in service.procedures


def _look(question: Question) -> tuple[Grant | None, Registered | None]:
    grant = grants.find_grant(question.ref.citizen_id, question.ref.grant_id)
    return grant, registered.again(question.service)


def _why_not(question: Question, grant: Grant | None) -> Reason | None:
    """What stands against the release; null: nothing that the grant tells."""
    if grant is None or _is_dead(question.ref, grant):
        return Reason.TOKEN_ENDED
    decision_id = question.decided.id
    carried = next((d for d in grant.decisions if d.decision_id == decision_id), None)
    if carried is None or question.ref.family_id in grant.ended:
        return _how_it_ended(question)
    if carried.until <= clock.now():
        return Reason.EXPIRED
    return Reason.USED_UP if carried.uses_left == 0 else None


def _undecided(presented: Presented) -> Reason:
    """Nothing asked for is decided; a token that was ended hears that first."""
    if presented.ref is None:
        return Reason.NOT_DECIDED
    grant = grants.find_grant(presented.ref.citizen_id, presented.ref.grant_id)
    return Reason.TOKEN_ENDED if _is_dead(presented.ref, grant) else Reason.NOT_DECIDED


def _is_dead(ref: TokenRef, grant: Grant | None) -> bool:
    """Whether the token's family was ended by anything else than its last decision's end."""
    by = None if grant is None else grant.ended.get(ref.family_id)
    return grant is None or by not in {None, *_WITH_THE_DECISION}


def _how_it_ended(question: Question) -> Reason:
    """The decision is carried no more: by time or use, by a newer one, or the citizen ended it."""
    try:
        latest = withdraw.standing(question.decided.id, of=question.ref.citizen_id)
    except NoSuchDecision:
        return Reason.WITHDRAWN
    return _ENDS.get(latest.state, Reason.WITHDRAWN)


# How a family ends with the last decision of its grant: then the API says why, with 403.
_WITH_THE_DECISION = (grants.WITHDRAWAL, grants.EXPIRY, grants.SUPERSESSION)
_ENDS = {
    State.EXPIRED: Reason.EXPIRED,
    State.EXHAUSTED: Reason.USED_UP,
    State.SUPERSEDED: Reason.SUPERSEDED,
}


def _why_still_not(question: Question) -> Reason:
    """The grant allows it, and still nothing came back.

    Raises:
        LogUnavailable: the gate is open, so values changed under the statement twice.
    """
    gate = grants.gate(question.ref, service=question.service, decision_id=question.decided.id)
    if look(gate) is not None:
        raise errors.unavailable()
    return Reason.TOKEN_ENDED


class _Attempted(NamedTuple):
    """What was tried, for the mark that a refusal leaves."""

    presented: Presented
    ask: Ask
    decided: Decided | None  # null: the token carries no decision of that kind


def _refused(attempted: _Attempted, reason: Reason, *, challenge: str = "") -> Refusal:
    """The refusal to raise; its mark is in the log already (design §2)."""
    presented, decided = attempted.presented, attempted.decided
    if presented.ref is not None:
        trail.refuse(
            REFUSED,
            Who(presented.ref.citizen_id, presented.ref.citizen_id, presented.service.id),
            subject=_subject(attempted, reason),
            acting={
                "public_service": presented.service.client_id,
                "organisation": presented.service.organisation.code,
                "unit": presented.service.organisation.name,
            },
        )
    note = f"{reason}: {decided.id if decided else 'no decision'}"
    if reason is Reason.TOKEN_ENDED:
        return guard.dead(note, at=guard.API)
    if reason is Reason.STEP_UP:
        refusal = StepUpNeeded(_SAID[reason], note=note)
        return guard.refused(refusal, at=guard.API, challenge=challenge)
    return guard.refused(NotCovered(_SAID[reason], note=note), at=guard.API)


def _subject(attempted: _Attempted, reason: Reason) -> dict[str, Any]:
    """Names of the catalogue and what the token says; a caller's free text would fill the log."""
    ask, decided = attempted.ask, attempted.decided
    names = ask.attributes or (decided.attributes if decided else ())
    subject: dict[str, Any] = {
        "attributes": sorted(names),
        "procedure": decided.procedure if decided else ask.procedure,
        "result": "refused",
        "reason": str(reason),
    }
    if decided is not None:
        subject |= {
            "case": decided.case,
            "decision_id": decided.told_id,
            "basis": decided.basis,
        }
    return subject


def _answer(decided: Decided, released: Released, *, withheld: list[tuple[str, str]]) -> Response:
    values = {name: wire.envelope(value) for name, value in released.values.items()}
    body = {
        "decision_id": decided.told_id,
        "procedure": decided.procedure,
        "basis": decided.basis,
        "case": decided.case,
        "values": values,
        "withheld": wire.withheld(withheld),
        "entry": {"id": str(released.entry.id), "promise": promise(released.entry)},
    }
    return json_response(body, headers=NO_STORE)
