"""What a person holds in hand after a decision: one receipt, with everything that stands on it."""

import uuid
from dataclasses import dataclass
from typing import Any

from consent.ledger import mine
from consent.ledger.mine import Mine, Step
from consent.my import records
from identity.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One receipt: of which step of which decision."""

    receipt: Any  # a row of the table, with the entry's place; null there: not in the tree yet
    one: Mine
    step: Step


def receipt(citizen_id: uuid.UUID, number: str, *, language: str) -> Held:
    """The receipt of this number.

    Raises:
        NotFound: nobody has it, or another citizen: the two look the same.
    """
    row = records.find_receipt(citizen_id, number)
    if row is None:
        raise NotFound("no receipt of this person has this number")
    one = mine.decision(citizen_id, row.decision_id, language=language)
    return Held(receipt=row, one=one, step=one.steps[row.version - 1])
