"""A citizen decides: what they chose on the page, and the one transaction that makes it true."""

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from consent.attributes import types, values
from consent.ledger import records, transitions
from consent.ledger.answer import Plan
from consent.ledger.records import DecidedMeanwhile, State
from consent.ledger.screen import Line, Part, Screen
from consent.ledger.transitions import Entry
from consent.procedures.catalogue import Basis
from identity import clock, sealing
from identity.authentication.sessions import CitizenSession
from identity.database import transaction
from identity.errors import InvalidRequest
from identity.granted import grants
from identity.granted.approval import Carried
from identity.granted.grants import DecisionEnded
from identity.requested import pending
from identity.requested.pending import AlreadyAnswered

ALLOW, DENY = "allow", "deny"
NO_PURPOSE, NOT_READ, NOT_TYPED = "purpose", "not-read", "not-typed"
Sent = Mapping[str, Sequence[str]]


class WiderThanShown(InvalidRequest):
    """The form names what its page did not offer: it was forged, or mixed up."""

    slug = "wider-than-shown"
    title = "More was sent than the page offered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the person chose: for each part that is sent, its attributes; and what they typed."""

    parts: Mapping[int, tuple[str, ...]]
    told: Mapping[str, types.Value] = field(repr=False)
    problems: Mapping[str, str]  # where something has to be put right, and what


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A page that came back."""

    session: CitizenSession
    screen: Screen
    plan: Plan
    choice: Choice
    texts: Mapping[int, str] = field(repr=False)  # of each part, as the page said it
    scopes: frozenset[str]
    request_id: str


def choose(screen: Screen, sent: Sent) -> Choice:
    """What the form says, held against the page it came from.

    Raises:
        WiderThanShown: an attribute, purpose or field that the page did not offer.
    """
    _refuse_wider(screen, sent)
    if list(sent.get("answer", ())) == [DENY] and not screen.is_law_only:
        return Choice(parts={}, told={}, problems={})
    if list(sent.get("answer", ())) != [ALLOW]:
        raise WiderThanShown("choose one of the two buttons")
    told, problems = _typed(screen, sent)
    ticked = set(sent.get("attribute", ()))
    problems |= {
        line.name: NOT_TYPED
        for line in screen.inputs.values()
        if line.field_name in ticked and line.name not in told and line.name not in problems
    }
    chosen = [part for part in screen.parts if _is_chosen(screen, part, sent=sent)]
    if not chosen:
        # Only purposes can be left out, so there is one; the page leads to the first of them.
        problems[f"purpose-{screen.of(Basis.CONSENT)[0].index}"] = NO_PURPOSE
    parts = {part.index: _attributes(part, ticked, told=told) for part in chosen}
    needed = {name for names in parts.values() for name in names}
    kept = {name: value for name, value in told.items() if name in needed}
    return Choice(parts=parts, told=kept, problems=problems)


def _refuse_wider(screen: Screen, sent: Sent) -> None:
    lines = [line for part in screen.parts for line in part.lines]
    offered = {
        "attribute": {line.field_name for line in lines if line.is_optional},
        "purpose": {part.purpose for part in screen.of(Basis.CONSENT)},
    }
    for name, allowed in offered.items():
        if not set(sent.get(name, ())) <= allowed:
            raise WiderThanShown("send only what the page offered", note=f"forged {name}")
    once = {"answer", "shown", "csrf_token", *screen.inputs}
    if set(sent) - once - set(offered) or any(len(sent.get(name, ())) > 1 for name in once):
        raise WiderThanShown("send only what the page offered", note="forged field")


def _typed(screen: Screen, sent: Sent) -> tuple[dict[str, types.Value], dict[str, str]]:
    told: dict[str, types.Value] = {}
    problems: dict[str, str] = {}
    for name, line in screen.inputs.items():
        text = "".join(sent.get(name, ())).strip()
        if not text:
            continue  # left open: the rest can be sent without it
        try:
            told[name] = types.supplied(line.attribute.type, text, attribute=name)
        except types.BadValue:
            problems[name] = NOT_READ
    return told, problems


def _is_chosen(screen: Screen, part: Part, *, sent: Sent) -> bool:
    if part.item.basis is not Basis.CONSENT or not screen.has_purposes:
        return True
    return part.purpose in sent.get("purpose", ())


def _attributes(
    part: Part, ticked: set[str], *, told: Mapping[str, types.Value]
) -> tuple[str, ...]:
    return tuple(line.name for line in part.lines if _is_sent(line, ticked, told=told))


def _is_sent(line: Line, ticked: set[str], *, told: Mapping[str, types.Value]) -> bool:
    # To fill in what nobody knows is to send it; the page says so beside the field.
    return not line.is_optional or line.field_name in ticked or line.name in told


def decide(answered: Answered) -> bool:
    """The decisions stand, and a grant carries those that were given; in one transaction.

    False: somebody was faster, with the same page or by ending what it relied on. Nothing was
    done, and the page has to be looked at again.
    """
    try:
        with transaction():
            _decide(answered)
    except (DecidedMeanwhile, DecisionEnded, AlreadyAnswered):
        return False
    return True


def _decide(answered: Answered) -> None:
    given = [part for part in answered.screen.parts if part.index in answered.choice.parts]
    entries = [_entry(answered, part) for part in answered.screen.parts if _is_told(answered, part)]
    replaced = _replaced([entry for entry in entries if entry.state is State.GIVEN])
    grant_id = None
    # What stands already is not on the page, so a no on it does not mean that.
    if given or answered.plan.taken:
        grant_id = _open_grant(answered, [_carried(e) for e in entries if e.state is State.GIVEN])
    outcome = {
        "citizen": answered.screen.citizen_id.hex,
        "grant_id": grant_id and grant_id.hex,
        "refused": [entry.basis for entry in entries if entry.state is State.REFUSED],
        "refused_scopes": sorted(_refused_scopes(answered)),
    }
    pending.decide(answered.screen.request_id, outcome)
    if answered.choice.told:
        values.declare(answered.screen.citizen_id, answered.choice.told)
    for part, entry in zip(_told(answered), entries, strict=True):
        _keep_text(entry, answered.texts[part.index])
        transitions.append(entry, acting=_acting(answered, grant_id))
    for old in replaced:
        over = old.followed_by(
            State.SUPERSEDED,
            actor_id=answered.session.actor_id,
            evidence=evidence(answered.session),
        )
        transitions.append(over, acting=_acting(answered, grant_id))


def _replaced(given: Sequence[Entry]) -> list[Entry]:
    """What the new decisions take the place of: in no grant any more, so it gives nothing more.

    The person's row is held before anything is looked at, so that of two pages about the same
    the second one sees what the first has decided.
    """
    if not given:
        return []
    new = given[0]
    grants.hold_person(new.citizen_id)
    live = records.live_for(new.citizen_id, new.public_service_id, at=new.decided_at)
    matters = {_matter(entry) for entry in given}
    found = [row.decision_id for row in live if _matter(row) in matters]
    for decision_id in found:
        grants.drop_decision(new.citizen_id, decision_id, by=grants.SUPERSESSION)
    newest = (records.find_newest(new.citizen_id, decision_id) for decision_id in found)
    return [transitions.read(row) for row in newest]


def _matter(decided: Any) -> tuple[str | None, str | None, tuple[str, ...]]:  # noqa: ANN401 - a row or entry
    """What a decision is about; two of one service about the same do not stand together."""
    return decided.procedure, decided.case, tuple(decided.purposes)


def _told(answered: Answered) -> list[Part]:
    return [part for part in answered.screen.parts if _is_told(answered, part)]


def _is_told(answered: Answered, part: Part) -> bool:
    """A notice by law cannot be refused: where nothing is sent, nothing was decided about it."""
    return part.index in answered.choice.parts or part.item.basis is not Basis.LAW


def _entry(answered: Answered, part: Part) -> Entry:
    item, session, screen = part.item, answered.session, answered.screen
    names = answered.choice.parts.get(part.index)
    at = clock.now()
    return Entry(
        citizen_id=screen.citizen_id,
        decision_id=_decision_id(screen, part),
        version=1,
        state=State.REFUSED if names is None else State.GIVEN,
        decided_at=at,
        actor_id=session.actor_id,
        mandate_id=session.mandate_id,
        public_service_id=screen.service.id,
        organisation_id=screen.service.organisation.id,
        procedure=item.code,
        case=item.case,
        basis=item.basis.value,
        purposes=list(item.purposes),
        attributes=list(item.written(item.required if names is None else names)),
        template=item.template,
        text_hash=hashlib.sha256(answered.texts[part.index].encode()).hexdigest(),
        preview_digest=screen.token,
        from_at=at,
        until=at if names is None else part.until,
        use_budget=None,
        channel="web",
        evidence=evidence(session),
        language=screen.language,
    )


def _decision_id(screen: Screen, part: Part) -> uuid.UUID:
    """The same id for the same page: sent twice, the second one collides with the first.

    In time order like all our ids: its first half is the request's.
    """
    whose = screen.request_id.bytes + screen.citizen_id.bytes + bytes([part.index])
    digest = sealing.ring().mac("decision", whose)
    return uuid.UUID(bytes=screen.request_id.bytes[:8] + b"\x80" + digest[:7])


def evidence(session: CitizenSession) -> dict[str, Any]:
    """How the person proved who they are when they decided; members may be added, none renamed."""
    return {"session": session.id.hex, "acr": session.acr, "amr": list(session.amr)}


def _carried(entry: Entry) -> Carried:
    return Carried(
        decision_id=entry.decision_id,
        procedure=entry.procedure,
        case=entry.case,
        basis=entry.basis,
        purposes=tuple(entry.purposes),
        attributes=tuple(entry.attributes),
        until=entry.until,
        uses_left=entry.use_budget,
    )


def _open_grant(answered: Answered, made: Iterable[Carried]) -> uuid.UUID:
    session = answered.session
    return grants.open_grant(
        citizen_id=session.citizen_id,
        actor_id=session.actor_id,
        mandate_id=session.mandate_id,
        public_service_id=answered.screen.service.id,
        scope=" ".join(sorted(answered.scopes - _refused_scopes(answered))),
        decisions=made,
        taken=[decision.decision_id for decision in answered.plan.taken],
    )


def _refused_scopes(answered: Answered) -> set[str]:
    left = [part for part in answered.screen.parts if part.index not in answered.choice.parts]
    return {scope for part in left for scope in part.item.scopes}


def _keep_text(entry: Entry, text: str) -> None:
    records.keep_text(
        {
            "hash": entry.text_hash,
            "template": entry.template,
            "language": entry.language,
            "text": text,
            "recorded_at": entry.decided_at,
        }
    )


def _acting(answered: Answered, grant_id: uuid.UUID | None) -> dict[str, Any]:
    return {"grant": grant_id and str(grant_id), "request": answered.request_id, "channel": "web"}
