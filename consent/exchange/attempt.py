"""The one statement of a release: the gate, the values, the log's entries; all or nothing."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from consent.attributes import records
from consent.attributes.envelopes import Sealed, Value, chosen, sealed_in, why_withheld
from consent.attributes.values import clause, of_registers, opened_from
from consent.exchange.coverage import Decided
from identity import trail
from identity.citizens import people
from identity.entry import Entry, Who, seal_entry
from identity.granted import grants
from identity.granted.gate import SAME, TokenRef
from identity.public_services.registered import Registered
from identity.together import Clause, look, together

RELEASED = "attributes:released"


class Question(NamedTuple):
    """Who asks for what about whom, under which decision: nothing of it is doubted any more."""

    ref: TokenRef
    service: Registered
    actor_id: uuid.UUID
    decided: Decided
    names: tuple[str, ...]  # asked for and covered
    request_id: str

    def acting(self) -> dict[str, Any]:
        """The actor part of its entries that everybody concerned may see: the agency."""
        return {
            "public_service": self.service.client_id,
            "organisation": self.service.organisation.code,
            "unit": self.service.organisation.name,
            "request": self.request_id,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """What is there for the names of a question, read before the statement is built again."""

    parts: Mapping[str, Sequence[Sealed]] = field(default_factory=dict)

    def tellable(self, names: Sequence[str]) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
        """The names that have something to send; and those that have not, and why."""
        reasons = {n: why_withheld(self.parts.get(n, ())) for n in of_registers(names)}
        missing = [(name, reason) for name, reason in reasons.items() if reason is not None]
        return tuple([name for name in names if reasons.get(name) is None]), missing

    def linked(self, names: Sequence[str]) -> dict[uuid.UUID, list[str]]:
        """Whom else the values are about, and which of them."""
        found: dict[uuid.UUID, list[str]] = {}
        for name in of_registers(names):
            about_id = chosen(self.parts[name]).about_id
            if about_id is not None:
                found.setdefault(about_id, []).append(name)
        return found

    def value_ids(self, names: Sequence[str]) -> list[uuid.UUID]:
        """Every value that must still stand when the statement runs."""
        return [part.value_id for name in of_registers(names) for part in self.parts[name]]


class Released(NamedTuple):
    """What may leave, now that its entry is committed."""

    values: dict[str, Value]
    withheld: list[tuple[str, str]]
    entry: trail.EntryRef
    was_last: bool  # the decision allows no further use


def standing(question: Question) -> Standing:
    """What is there now for the names of the question."""
    answer = look(clause(question.names, question.ref.citizen_id))
    return Standing(sealed_in(answer or {}))


def attempt(question: Question, known: Standing | None = None) -> Released | None:
    """Release in one statement; null: a condition was false, and nothing has happened.

    Without `known` it stands on the usual case: the decision has no limit of uses, there is a
    value for every name, none of them disputed, ended or about another person. With it, on exactly
    what was read. Either way the entry names what is released, no more and no less.
    """
    ref, is_usual = question.ref, known is None
    names, missing = (question.names, []) if known is None else known.tellable(question.names)
    values = _values(names, known=known)
    after = ("live", "vals", "person") if values else ("live", "person")
    budget = () if is_usual else grants.spend(after=after)
    after = after if is_usual else (*after, "budget")
    entry = _entry(question, names, missing=missing)
    gate = grants.unlimited_gate if is_usual else grants.gate
    answer = together(
        gate(ref, service=question.service, decision_id=question.decided.id),
        *values,
        people.identity_clause(ref.citizen_id),
        *budget,
        *trail.clauses(entry, after=after, same=SAME),
        *([] if known is None else _linked(question, known.linked(names), after=after)),
    )
    if answer is None:
        return None
    written = trail.ref(entry, answer["entry.id"])
    was_last = answer.get("budget.uses_left") == 0
    found = opened_from(answer, question.ref.citizen_id, names=names)
    return Released({name: found[name] for name in names}, missing, written, was_last)


def _values(names: Sequence[str], *, known: Standing | None) -> tuple[Clause, ...]:
    here = of_registers(names)
    if not here:
        return ()
    if known is None:
        return (records.whole_clause(here),)
    return (records.same_clause(here, value_ids=known.value_ids(names)),)


def _entry(
    question: Question, names: Sequence[str], *, missing: Sequence[tuple[str, str]]
) -> Entry:
    decided = question.decided
    subject: dict[str, Any] = {
        "attributes": list(names),
        "procedure": decided.procedure,
        "case": decided.case,
        "decision_id": decided.told_id,
        "basis": decided.basis,
        "result": "released",
    }
    if missing:
        # That there is none was told too.
        subject["without"] = [name for name, _ in missing]
    return seal_entry(
        RELEASED,
        Who(question.ref.citizen_id, question.actor_id, question.service.id),
        subject=subject,
        acting={**question.acting(), "grant": str(question.ref.grant_id)},
    )


def _linked(
    question: Question, about: Mapping[uuid.UUID, list[str]], *, after: tuple[str, ...]
) -> tuple[Clause, ...]:
    """An entry for each other person: which agency saw what of them, and not in whose matter."""
    clauses: list[Clause] = []
    for n, (citizen_id, seen) in enumerate(about.items()):
        entry = seal_entry(
            RELEASED,
            Who(citizen_id, None, question.service.id),
            subject={"linked person": True, "attributes": seen, "result": "released"},
            acting=question.acting(),
        )
        clauses += trail.clauses(entry, after=after, name=f"linked{n}")
    return tuple(clauses)
