"""Which decision of a token covers a question, and which names of it; nothing is read for it."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from consent.attributes import catalogue
from consent.attributes.catalogue import PERSONAL_NUMBER, Attribute
from consent.exchange.wire import Ask
from consent.procedures.catalogue import procedure
from identity.errors import InvalidRequest

REMEMBERED = 2048  # decisions; as many as tokens, which tell them again and again


class Decided(NamedTuple):
    """A decision as the token tells it; the gate knows whether it still stands."""

    id: uuid.UUID
    told_id: str  # the same, as the token says it
    asked_at: datetime  # when the request came that it answers
    procedure: str
    case: str | None
    basis: str
    attributes: tuple[str, ...]

    def covered(self, names: Collection[str]) -> tuple[str, ...]:
        """Those of the names that it lets out, in the meaning that the person agreed to.

        Raises:
            UnknownAttribute: the catalogue has no such name.
        """
        known = catalogue.knowing(names)
        return tuple([n for n in names if n in self.attributes and self._lets_out(known[n])])

    def _lets_out(self, attribute: Attribute) -> bool:
        if attribute.is_asked_by_none or attribute.meant_since > self.asked_at:
            return False
        return not attribute.is_like_number or PERSONAL_NUMBER in self.attributes


def find_decided(details: Iterable[Mapping[str, Any]], ask: Ask) -> Decided | None:
    """The decision that the question is about; null: the token carries none of that kind.

    Raises:
        InvalidRequest: it fits several; the caller must say which.
        UnknownProcedure: no procedure has that code.
    """
    if ask.procedure is not None:
        procedure(ask.procedure)
    fitting = [decided for decided in map(_decided, details) if _fits(decided, ask)]
    if len(fitting) > 1:
        raise InvalidRequest(
            "the token carries several decisions: say procedure and case,"
            " null for the one without a case"
        )
    return fitting[0] if fitting else None


def _fits(decided: Decided, ask: Ask) -> bool:
    is_case = ask.case == decided.case or not ask.names_case
    return ask.procedure in (None, decided.procedure) and is_case


def _decided(detail: Mapping[str, Any]) -> Decided:
    told_id = detail["decision_id"]
    decision_id, asked_at = _identified(told_id)
    return Decided(
        id=decision_id,
        told_id=told_id,
        asked_at=asked_at,
        procedure=detail["procedure"],
        case=detail.get("case"),
        basis=detail["basis"],
        attributes=tuple(detail["attributes"]),
    )


@lru_cache(maxsize=REMEMBERED)
def _identified(told_id: str) -> tuple[uuid.UUID, datetime]:
    """The decision, and the time in its id: neither ever changes."""
    decision_id = uuid.UUID(told_id)
    return decision_id, catalogue.asked_at(decision_id)
