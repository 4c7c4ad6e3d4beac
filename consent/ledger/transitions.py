"""What may follow what in the life of a decision (design §5); the one way to add to it."""

import base64
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from consent.ledger import records
from consent.ledger.records import State
from identity import clock, log_keys, settings, trail
from identity.entry import Who, seal_entry
from identity.errors import Refusal
from identity.together import together
from identity.trail import EntryRef

# Null: the decision does not exist yet. What is no key here is an end.
FOLLOWS: Mapping[State | None, frozenset[State]] = {
    None: frozenset({State.REQUESTED, State.GIVEN, State.REFUSED}),
    State.REQUESTED: frozenset({State.GIVEN, State.REFUSED, State.LAPSED}),
    State.GIVEN: frozenset(
        {
            State.WITHDRAWN,
            State.EXPIRED,
            State.EXHAUSTED,
            State.SUPERSEDED,
            State.RETURNED,
        }
    ),
}
PROMISE = "motlan-promise+jwt"


class DecisionOver(Refusal):
    """The decision has ended, so nothing more can happen to it."""

    status, code, slug = 409, "invalid_request", "decision-over"
    title = "The decision has ended already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of a decision's history."""

    citizen_id: uuid.UUID
    decision_id: uuid.UUID
    version: int
    state: State
    decided_at: datetime
    actor_id: uuid.UUID
    mandate_id: uuid.UUID | None  # null: the citizen decided for themselves
    public_service_id: uuid.UUID
    organisation_id: uuid.UUID
    procedure: str | None  # null: a decision about scopes
    case: str | None
    basis: str
    purposes: list[str]
    attributes: list[str]
    template: str
    text_hash: str
    preview_digest: bytes
    from_at: datetime
    until: datetime
    use_budget: int | None  # null: no limit
    channel: str
    evidence: dict[str, Any]
    language: str

    def followed_by(
        self, state: State, *, actor_id: uuid.UUID, evidence: Mapping[str, Any]
    ) -> "Entry":
        """The next row of the same decision.

        Raises:
            DecisionOver: the table does not let this state follow.
        """
        require(self.state, state)
        return replace(
            self,
            version=self.version + 1,
            state=state,
            decided_at=clock.now(),
            actor_id=actor_id,
            evidence=dict(evidence),
        )


def read(row: Any) -> Entry:  # noqa: ANN401 - a row of the table
    """The history's row as the verbs use it."""
    return Entry(**row._mapping)  # noqa: SLF001 - the row's public view, named with a dash


def require(before: State | None, after: State) -> None:
    """The one may follow the other.

    Raises:
        DecisionOver: it may not.
    """
    if after not in FOLLOWS.get(before, frozenset()):
        raise DecisionOver("this decision has ended already", note=f"{before} to {after}")


def append(entry: Entry, *, acting: Mapping[str, Any]) -> EntryRef:
    """The history and the access log say so, and the person has a receipt; in a transaction.

    Raises:
        records.DecidedMeanwhile: another request was first.
    """
    sealed = seal_entry(
        f"decision:{entry.state.value}",
        Who(entry.citizen_id, entry.actor_id, entry.public_service_id),
        subject=_subject(entry),
        acting={"mandate": entry.mandate_id and entry.mandate_id.hex, **acting},
    )
    appending = records.appending({each.name: getattr(entry, each.name) for each in fields(entry)})
    answer = together(appending, *trail.clauses(sealed, after=(appending.name,)))
    if answer is None:
        raise records.DecidedMeanwhile("open the page again to see what was decided")
    written = trail.ref(sealed, answer["entry.id"])
    records.add_receipt(_receipt(entry, written))
    return written


def _subject(entry: Entry) -> dict[str, Any]:
    return {
        "decision_id": str(entry.decision_id),
        "procedure": entry.procedure,
        "case": entry.case,
        "basis": entry.basis,
        "attributes": entry.attributes,
        "text": entry.text_hash,
        "preview": base64.b64encode(entry.preview_digest).decode(),
        "result": entry.state.value,
    }


def _receipt(entry: Entry, written: EntryRef) -> dict[str, Any]:
    return {
        "citizen_id": entry.citizen_id,
        "decision_id": entry.decision_id,
        "version": entry.version,
        "number": new_number("ML"),
        "entry_id": written.id,
        "body_commit": written.body_commit,
        "promise": promise(written),
        "issued_at": entry.decided_at,
    }


def promise(written: EntryRef) -> str:
    """The log's signed word that the entry will stand in its tree (design §7)."""
    claims = {
        "iss": settings.current().issuer,
        "entry": str(written.id),
        "type": written.type,
        "minute": written.minute,
        "body_commit": base64.b64encode(written.body_commit).decode(),
    }
    return log_keys.log_key().sign_jws(PROMISE, claims)


def new_number(kind: str) -> str:
    """A number to read out at a counter: `ML-2026-7KQ2M4XDAB`; 50 random bits, nobody's count."""
    letters = base64.b32encode(secrets.token_bytes(7)).decode()[:10]
    return f"{kind}-{clock.today().year}-{letters}"
