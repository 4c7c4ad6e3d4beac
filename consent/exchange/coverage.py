"""Which decision of a token covers a question, and which names of it; nothing is read for it."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from consent.attributes import catalogue
from consent.attributes.catalogue import PERSONAL_NUMBER
from consent.exchange.wire import Ask
from consent.procedures.catalogue import procedure
from identity.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as the token tells it; the gate knows whether it still stands."""

    id: uuid.UUID
    procedure: str
    case: str | None
    basis: str
    attributes: tuple[str, ...]

    def covers(self, name: str) -> bool:
        """Whether it lets this attribute out, in the meaning that the person agreed to."""
        if name not in self.attributes:
            return False
        attribute = catalogue.attribute(name)
        if attribute.is_asked_by_none or not attribute.is_as_in(self.id):
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
    return Decided(
        id=uuid.UUID(detail["decision_id"]),
        procedure=detail["procedure"],
        case=detail.get("case"),
        basis=detail["basis"],
        attributes=tuple(detail["attributes"]),
    )
