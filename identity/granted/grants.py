"""The live grants: opened, rewritten when a decision ends, ended; the head row is the truth.

Whoever changes what a grant carries raises its version in the same transaction (design §4).
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from identity import clock, columns, database
from identity.errors import InvalidGrant
from identity.granted import end_records, grant_records, records
from identity.granted.approval import Carried
from identity.granted.claims import decided
from identity.granted.gate import TokenRef, gate, spend, unlimited_gate
from identity.granted.records import GrantState
from identity.together import Clause, Json, look, together

__all__ = [
    "DecisionEnded",
    "Grant",
    "NewGrant",
    "TokenRef",
    "drop_decision",
    "end_families",
    "find_grant",
    "gate",
    "hold_person",
    "open_grant",
    "opening",
    "renew",
    "spend",
    "unlimited_gate",
]

# A family ended because its grant ran empty: what was decided in it ended so.
WITHDRAWAL, EXPIRY, SUPERSESSION = "withdrawal", "expiry", "supersession"


class DecisionEnded(InvalidGrant):
    """A decision that was to be taken in has ended meanwhile: ask again what still stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGrant:
    """What one authorization gives one public service."""

    citizen_id: uuid.UUID
    actor_id: uuid.UUID
    mandate_id: uuid.UUID | None  # null: the citizen acts for themselves
    public_service_id: uuid.UUID
    scope: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as it stands: its head, the decisions it carries, and its ended families."""

    citizen_id: uuid.UUID
    id: uuid.UUID
    actor_id: uuid.UUID
    mandate_id: uuid.UUID | None
    public_service_id: uuid.UUID
    scope: str
    is_active: bool
    version: int
    created_at: datetime
    changed_at: datetime
    decisions: tuple[Carried, ...]
    ended: Mapping[uuid.UUID, str]  # family: by what it ended; the others are alive

    def decision(self, decision_id: uuid.UUID) -> Carried | None:
        """The decision in force of that id; null: not carried, late or used up."""
        return next((d for d in self.in_force() if d.decision_id == decision_id), None)

    def in_force(self) -> tuple[Carried, ...]:
        """The decisions that may be used now."""
        now = clock.now()
        return tuple(d for d in self.decisions if d.until > now and d.uses_left != 0)


def open_grant(  # noqa: PLR0913 - the columns of the head row, each by its name
    *,
    citizen_id: uuid.UUID,
    actor_id: uuid.UUID,
    mandate_id: uuid.UUID | None,
    public_service_id: uuid.UUID,
    scope: str,
    decisions: Iterable[Carried] = (),
    taken: Iterable[uuid.UUID] = (),
) -> uuid.UUID:
    """A new grant carries the decisions just made in this transaction, and those `taken` in.

    `taken` are decisions that other grants carry already; the database copies them, so that
    one withdrawn a moment ago cannot come back.

    Raises:
        DecisionEnded: one of `taken` is not in force any more; nothing was written.
    """
    new = NewGrant(
        citizen_id=citizen_id,
        actor_id=actor_id,
        mandate_id=mandate_id,
        public_service_id=public_service_id,
        scope=scope,
    )
    grant_id, clauses = opening(new, decisions=decisions, taken=taken)
    if together(*clauses) is None:
        raise DecisionEnded("a decision has just ended; authorize again")
    return grant_id


def opening(
    new: NewGrant,
    *,
    decisions: Iterable[Carried] = (),
    taken: Iterable[uuid.UUID] = (),
    after: tuple[str, ...] = (),
) -> tuple[uuid.UUID, tuple[Clause, ...]]:
    """The new grant's id, and the clauses that open it, for a statement with more in it.

    Their last condition is `opened`; no row from it means that one of `taken` has ended, or
    that a condition named in `after` did not hold.
    """
    grant_id, made, copied = database.new_id(), list(decisions), list(dict.fromkeys(taken))
    params: dict[str, Any] = {
        "open_citizen": new.citizen_id,
        "open_grant": grant_id,
        "open_actor": new.actor_id,
        "open_mandate": new.mandate_id,
        "open_service": new.public_service_id,
        "open_scope": new.scope,
        "open_now": clock.now(),
    }
    if copied:
        params |= {"open_taken": copied, "open_wanted": len(copied)}
    if made:
        params["open_made"] = Json([_written(decision) for decision in made])
    takes, makes = bool(copied), bool(made)
    return grant_id, grant_records.opening(params, takes=takes, makes=makes, after=after)


def _written(decision: Carried) -> dict[str, Any]:
    return {
        "decision_id": decision.decision_id.hex,
        "procedure": decision.procedure,
        "case": decision.case,
        "basis": decision.basis,
        "purposes": list(decision.purposes),
        "attributes": list(decision.attributes),
        "until": decision.until.isoformat(),
        "until_us": columns.microseconds(decision.until),
        "uses_left": decision.uses_left,
    }


def carried(listed: Sequence[Mapping[str, Any]] | None) -> tuple[Carried, ...]:
    """Decisions as a clause returned them, in either database's JSON; null: there are none."""
    return tuple(
        Carried(
            decision_id=uuid.UUID(one["decision_id"]),
            procedure=one["procedure"],
            case=one["case"],
            basis=one["basis"],
            purposes=tuple(one["purposes"]),
            attributes=tuple(one["attributes"]),
            until=_until(one["until"]),
            uses_left=one["uses_left"],
        )
        for one in listed or ()
    )


def _until(told: int | str) -> datetime:
    return columns.instant(told) if isinstance(told, int) else datetime.fromisoformat(told)


def find_grant(citizen_id: uuid.UUID, grant_id: uuid.UUID) -> Grant | None:
    """The grant as one statement sees it; null: that person has none of that id."""
    answer = look(grant_records.head(citizen_id, grant_id))
    if answer is None:
        return None
    return Grant(
        citizen_id=citizen_id,
        id=grant_id,
        actor_id=answer["head.actor_id"],
        mandate_id=answer["head.mandate_id"],
        public_service_id=answer["head.public_service_id"],
        scope=answer["head.scope"],
        is_active=answer["head.state"] == records.GrantState.ACTIVE,
        version=answer["head.version"],
        created_at=answer["head.created_at"],
        changed_at=answer["head.changed_at"],
        decisions=carried(answer["head.decisions"]),
        ended={uuid.UUID(family): by for family, by in answer["head.ends"].items()},
    )


def hold_person(citizen_id: uuid.UUID) -> None:
    """Until the transaction ends, no decision of this person begins or ends elsewhere."""
    records.hold_person(citizen_id)


def drop_decision(
    citizen_id: uuid.UUID, decision_id: uuid.UUID, *, by: str = WITHDRAWAL
) -> tuple[uuid.UUID, ...]:
    """No grant carries the decision any more; a grant left with none is ended, its tokens too.

    Where a newer decision takes its place the grant itself stays, since that may go into it.
    The verb calls it first in its transaction and records its entry after it: the heads are
    held from here on, so that every disclosure stands in the log before that entry. Answers
    the grants that were changed.
    """
    now = clock.now()
    # Alone: the next statement sees what was opened while we waited for the person.
    records.hold_person(citizen_id)
    left_empty = GrantState.ACTIVE if by == SUPERSESSION else GrantState.ENDED
    params = {
        "drop_citizen": citizen_id,
        "drop_decision": decision_id,
        "drop_now": now,
        "drop_empty": left_empty.value,
    }
    dropped = together(*end_records.dropping(params))
    told = {uuid.UUID(one): state for one, state in (dropped["heads.told"] if dropped else [])}
    emptied = [one for one, state in told.items() if state == GrantState.ENDED]
    if by == SUPERSESSION:
        emptied = records.emptied(citizen_id, told)
    if emptied:
        ending = {"end_citizen": citizen_id, "end_grants": emptied, "end_by": by, "end_now": now}
        together(*end_records.ending(ending))
    return tuple(told)


def end_families(  # noqa: PLR0913 - whose, why, and the ways to say which
    citizen_id: uuid.UUID,
    *,
    by: str,
    session_id: uuid.UUID | None = None,
    grant_id: uuid.UUID | None = None,
    family_id: uuid.UUID | None = None,
    spared_session: uuid.UUID | None = None,
) -> int:
    """Every token of the person's families that match is dead, and no code starts a new one.

    With none of the three ids: all of them, but for those of the spared session. A family without
    a session (offline access) is spared by `session_id`. Answers how many families were ended.
    """
    wanted = {"session_id": session_id, "grant_id": grant_id, "family_id": family_id}
    only = {name: value for name, value in wanted.items() if value is not None}
    return records.end_families(
        clock.now(),
        by,
        citizen_id=citizen_id,
        spared_session=spared_session,
        **only,
    )


def renew(ref: TokenRef) -> tuple[TokenRef, Grant] | None:
    """The reference at the version the grant has now; null: the grant or family has ended.

    For the one rebuild of a statement that found nothing. A scope decision that no longer
    covers what the token says of it is dropped from the reference.
    """
    grant = find_grant(ref.citizen_id, ref.grant_id)
    if grant is None or not grant.is_active or ref.family_id in grant.ended:
        return None
    fresh = replace(ref, version=grant.version)
    if ref.scope_decision is not None:
        decision = grant.decision(ref.scope_decision)
        still = ref.claims & decided(decision)
        fresh = replace(
            fresh,
            scope_decision=decision.decision_id if decision and still else None,
            claims=still,
        )
    return fresh, grant
