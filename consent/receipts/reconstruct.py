"""A security officer reconstructs a decision: who, when, what content, and what proves it."""

import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

from consent.ledger import mine
from consent.ledger import records as ledger
from consent.ledger.mine import Mine
from consent.looks.entries import tag
from consent.looks.review import LOOKED, OwnEntries, mark_own
from consent.receipts import records
from consent.receipts.proof import Proof, prove
from identity import trail
from identity.database import transaction
from identity.entry import Who
from identity.errors import NotFound
from identity.staff.sessions import StaffMember


class NoSuchReceipt(NotFound):
    """No receipt has this number."""

    slug = "no-such-receipt"
    title = "There is no such receipt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row of the decision's history: the receipt for it, and whether that holds."""

    entry: Any  # a row of the ledger
    actor_tag: str  # empty: the person themselves
    receipt: Any  # a row of the table
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstructed:
    """Everything that is kept about one decision, but for the values: those were never kept."""

    number: str
    tag: str
    decision: Mine = field(repr=False)
    steps: tuple[Step, ...]
    text_holds: bool  # the text gives the hash that the decision names

    @property
    def holds(self) -> bool:
        """Whether text, receipts, entries and log agree."""
        return self.text_holds and all(step.proof.holds for step in self.steps)


def reconstruct(
    officer: StaffMember, number: str, *, language: str, request_id: str
) -> Reconstructed:
    """The decision of a receipt, with its text and proofs; the look is an entry, written first.

    Raises:
        NoSuchReceipt: no receipt has this number.
        OwnEntries: it is the officer's own; the attempt stands in the log.
    """
    found = records.find(number)
    if found is None:
        raise NoSuchReceipt("no receipt has this number")
    if found.citizen_id == officer.own_citizen_id:
        mark_own(officer, found.citizen_id, receipt=found.number)
        raise OwnEntries("nobody reviews entries about themselves", note="own receipt")
    with transaction():
        trail.record(
            LOOKED,
            Who(citizen=found.citizen_id, actor=officer.id),
            subject={"result": "shown", "receipt": found.number},
            acting=officer.acting(request_id),
        )
    return _reconstructed(found, language)


def _reconstructed(found: Any, language: str) -> Reconstructed:  # noqa: ANN401 - a row of the table
    whose = (found.citizen_id, found.decision_id)
    receipts = ledger.receipts(*whose)
    decision = mine.decision(*whose, language=language)
    return Reconstructed(
        number=found.number,
        tag=tag("N", found.citizen_id),
        decision=decision,
        steps=tuple(
            _step(row, receipts[row.version], of=found.citizen_id) for row in ledger.history(*whose)
        ),
        text_holds=_digest(decision.text) == decision.entry.text_hash,
    )


def _step(row: Any, receipt: Any, *, of: uuid.UUID) -> Step:  # noqa: ANN401 - rows of the tables
    actor = "" if row.actor_id == of else tag("N", row.actor_id)
    return Step(entry=row, actor_tag=actor, receipt=receipt, proof=prove(receipt))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
