"""A grant is changed by its public service, or given back (Grant Management for OAuth 2.0).

Decisions are never edited here: a grant carries more of them or fewer. Which of them no grant
carries any more, the caller hears, so that their history can say it.
"""

import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from identity import clock
from identity.granted import grants, records
from identity.granted.grants import DecisionEnded, Grant
from identity.managed import change_records
from identity.together import Clause, together

# Why tokens ended that were bought before their grant was changed (§5.2), or with it.
CHANGED, GIVEN_BACK = "grant-changed", "grant-given-back"


# Decisions of a person that no grant carries any more, because their service has no use for them.
LetGo = Callable[[uuid.UUID, tuple[uuid.UUID, ...]], None]
_keepers: list[LetGo] = []


def on_let_go(keeper: LetGo) -> None:
    """From now on this one keeps the history of what a service gives back; in its transaction."""
    _keepers[:] = [keeper]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one authorization does to a grant that there is."""

    grant: Grant
    scope: str
    taken: tuple[uuid.UUID, ...]  # decisions that it is to carry from now on
    is_replaced: bool  # it carries nothing else then
    spent: uuid.UUID | None = None  # a grant that only brought the decisions here, and goes


def rewrite(change: Change) -> None:
    """The grant is one version on and carries what was decided; its older tokens are dead.

    In a running transaction. A decision that no grant carries any more has ended.

    Raises:
        DecisionEnded: one that was to be taken in is not in force any more, or the grant is not.
    """
    grant = change.grant
    # First, as everywhere: nobody ends a decision of this person while it is being moved.
    grants.hold_person(grant.citizen_id)
    if together(*_changing(change)) is None:
        raise DecisionEnded("the grant or a decision has just ended; authorize again")
    now = grants.find_grant(grant.citizen_id, grant.id)
    others = {d.decision_id for d in (now.decisions if now else ())} - set(change.taken)
    dropped = others if change.is_replaced else set()
    records.drop_from(grant.citizen_id, grant.id, decision_ids=dropped)
    if change.spent is not None:
        dropped |= set(_ended(grant.citizen_id, change.spent) or ())
    grants.end_families(grant.citizen_id, by=CHANGED, grant_id=grant.id)
    _let_go(grant.citizen_id, dropped)


def give_back(citizen_id: uuid.UUID, grant_id: uuid.UUID) -> bool:
    """The grant has ended, its tokens, and what no other grant carries; in a transaction.

    False: it was not alive.
    """
    grants.hold_person(citizen_id)
    dropped = _ended(citizen_id, grant_id)
    if dropped is None:
        return False
    grants.end_families(citizen_id, by=GIVEN_BACK, grant_id=grant_id)
    _let_go(citizen_id, dropped)
    return True


def _changing(change: Change) -> Iterable[Clause]:
    grant, takes = change.grant, bool(change.taken)
    params: dict[str, Any] = {
        "open_citizen": grant.citizen_id,
        "open_grant": grant.id,
        "open_scope": change.scope,
        "open_now": clock.now(),
    }
    if takes:
        params |= {"open_taken": list(change.taken), "open_wanted": len(change.taken)}
    return change_records.changing(params, takes=takes)


def _ended(citizen_id: uuid.UUID, grant_id: uuid.UUID) -> tuple[uuid.UUID, ...] | None:
    """What the grant carried until it ended now; null: it was not alive."""
    if not records.end_grant(citizen_id, grant_id, at=clock.now()):
        return None
    # The head is held: no release looks at these rows through it any more.
    grant = grants.find_grant(citizen_id, grant_id)
    carried = tuple(d.decision_id for d in (grant.decisions if grant else ()))
    records.drop_from(citizen_id, grant_id, decision_ids=carried)
    return carried


def _let_go(citizen_id: uuid.UUID, dropped: Collection[uuid.UUID]) -> None:
    gone = tuple(sorted(set(dropped) - records.carried_of(citizen_id, dropped)))
    for keeper in _keepers:
        keeper(citizen_id, gone)
