"""What the decision page shows of a person's data, and the digest that binds it (design §2.10)."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from consent.attributes import catalogue, history, masking, values
from consent.attributes.catalogue import Attribute
from consent.attributes.envelopes import TOLD, Value
from consent.attributes.history import Past
from consent.ledger import difference, records
from consent.ledger.answer import LIFETIME, SCOPES, Item, Plan
from consent.ledger.difference import Difference, Said
from consent.procedures.catalogue import Basis
from identity import clock, presentation, sealing
from identity.public_services.registered import Registered

PURPOSE, LINE = "preview", "preview-line"
MANY = 12  # lines of one part; more of them stand in groups
MAC, MARK = 32, 4  # bytes: what binds the page, and what tells which of its lines changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One attribute on the page."""

    attribute: Attribute
    value: Value | None = field(repr=False)  # null: nobody knows it
    language: str
    is_optional: bool
    is_new: bool  # it was not sent when the same was allowed last
    field_name: str  # the value of its checkbox

    @property
    def name(self) -> str:
        """Its name in the catalogue; an input for it is named so."""
        return self.attribute.name

    @property
    def label(self) -> str:
        """What it is called."""
        return self.attribute.label(self.language)

    @property
    def shown(self) -> str:
        """The value as a text."""
        return self.value.shown(self.language) if self.value else ""

    @property
    def covered(self) -> str:
        """The same with its number covered, as it first stands on the page."""
        return masking.masked(self.value, self.language) if self.value else ""

    @property
    def is_covered(self) -> bool:
        """Whether the value stands behind `<details>`."""
        return masking.is_covered(self.name)

    @property
    def register(self) -> str:
        """Who says so."""
        return catalogue.register(self.value.register).title(self.language) if self.value else ""

    @property
    def shelf(self) -> str:
        """Under which register it stands among many: whose value it is, or would be."""
        return self.register or catalogue.register(self.attribute.register).title(self.language)

    @property
    def as_of(self) -> str:
        """The day it is from."""
        return presentation.day(self.value.as_of) if self.value else ""

    @property
    def is_told(self) -> bool:
        """Whether it is the person's own word."""
        return self.value is not None and self.value.source == TOLD

    @property
    def may_be_typed(self) -> bool:
        """Whether nobody knows it and the person may say it here."""
        return self.value is None and self.attribute.may_be_supplied


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One decision of the page."""

    index: int
    item: Item
    lines: tuple[Line, ...]
    until: datetime
    difference: Difference | None  # null: this service was never allowed this before

    @property
    def until_on(self) -> date:
        """The last day, as the calendar in Vietnam has it."""
        return self.until.astimezone(clock.VIETNAM).date()

    @property
    def purpose(self) -> str:
        """The value of its checkbox where purposes are chosen one by one."""
        code = self.item.code or SCOPES
        return code if self.item.case is None else f"{code}/{self.item.case}"

    @property
    def groups(self) -> Mapping[str, tuple[Line, ...]]:
        """The lines in groups by register where they are many; else all of them in one, unnamed."""
        if len(self.lines) <= MANY:
            return {"": self.lines}
        found: dict[str, tuple[Line, ...]] = {}
        for line in self.lines:
            found[line.shelf] = (*found.get(line.shelf, ()), line)
        return found

    @property
    def has_sensitive(self) -> bool:
        """Whether the notice has to say so (Decree 356/2025 Art. 6.4)."""
        return any(line.attribute.is_sensitive for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One decision page as one person sees it now."""

    citizen_id: uuid.UUID
    request_id: uuid.UUID
    service: Registered
    language: str
    parts: tuple[Part, ...]
    digest: bytes = field(repr=False)

    def of(self, basis: str) -> tuple[Part, ...]:
        """The parts of one section."""
        return tuple(part for part in self.parts if part.item.basis == basis)

    @property
    def is_law_only(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.of(Basis.LAW)) == len(self.parts)

    @property
    def is_long(self) -> bool:
        """Whether the answers are far below what is read first."""
        return len(self.lines) > MANY

    @property
    def has_purposes(self) -> bool:
        """Whether purposes are ticked one by one; the scopes alone are one purpose, its button."""
        return bool(self.of(Basis.CONSENT)) and any(
            part.item.procedure is not None for part in self.parts
        )

    @property
    def inputs(self) -> Mapping[str, Line]:
        """What the person may supply, each once."""
        lines = [line for part in self.parts for line in part.lines if line.may_be_typed]
        return {line.name: line for line in reversed(lines)}

    def is_shown(self, carried: bytes) -> bool:
        """Whether this is what a page showed that carried this."""
        return sealing.ring().is_mac(PURPOSE, self.digest, claimed=carried[:MAC])

    @property
    def token(self) -> bytes:
        """What the decision keeps of the page: nobody else can make it."""
        return sealing.ring().mac(PURPOSE, self.digest)

    @property
    def carried(self) -> bytes:
        """What the page carries: the token, and a mark of each line."""
        return self.token + b"".join(dict.fromkeys(map(self._mark, self.lines)))

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line of the page."""
        return tuple(line for part in self.parts for line in part.lines)

    def changed(self, carried: bytes) -> Mapping[str, str]:
        """Name and label of each line that an earlier page of this request did not show so.

        Nothing where every line is as it was: then the words or the language changed.
        """
        marks = carried[MAC:]
        seen = {marks[at : at + MARK] for at in range(0, len(marks), MARK)}
        return {line.name: line.label for line in self.lines if self._mark(line) not in seen}

    def _mark(self, line: Line) -> bytes:
        told = json.dumps([self.request_id.hex, _shown(line)], ensure_ascii=False)
        return sealing.ring().mac(LINE, told.encode())[:MARK]


def build(
    citizen_id: uuid.UUID, request_id: uuid.UUID, *, service: Registered, plan: Plan, language: str
) -> Screen:
    """The page of what is open in the plan, with the values that stand now."""
    names = dict.fromkeys(name for item in plan.open for name in item.attributes)
    found = values.current(citizen_id, names)
    codes = [item.code for item in plan.open]
    last = {row.procedure: row for row in records.given(citizen_id, service.id, procedures=codes)}
    past = history.past(citizen_id, names) if last else None
    parts = tuple(
        _part(index, item, found=found, before=(last.get(item.code), past), language=language)
        for index, item in enumerate(plan.open)
    )
    return Screen(
        citizen_id=citizen_id,
        request_id=request_id,
        service=service,
        language=language,
        parts=parts,
        digest=_digest((citizen_id, request_id), parts, language=language),
    )


def _prefix(index: int) -> str:
    # Two procedures may offer the same attribute: each choice has a value of its own.
    return f"{index}." if index else ""


def _part(
    index: int,
    item: Item,
    *,
    found: Mapping[str, Value],
    before: tuple[Any, Past | None],  # a row of the ledger, null: none; and what was known
    language: str,
) -> Part:
    lasts = LIFETIME[item.basis]
    now = Said(
        basis=item.basis.value,
        template=item.template,
        attributes=item.attributes,
        days=difference.days(lasts),
        values=found,
    )
    earlier, past = before
    unlike = None
    if earlier is not None and past is not None:
        unlike = difference.between(difference.said(earlier, past), now, other=earlier)
    new = frozenset(unlike.added if unlike else ())
    lines = tuple(
        Line(
            attribute=catalogue.attribute(name),
            value=found.get(name),
            language=language,
            is_optional=name in item.optional,
            is_new=name in new,
            field_name=_prefix(index) + name,
        )
        for name in item.attributes
    )
    until = clock.now() + lasts
    return Part(index=index, item=item, lines=lines, until=until, difference=unlike)


def _digest(whose: Iterable[uuid.UUID], parts: Iterable[Part], *, language: str) -> bytes:
    """Never change its members: what is stored was made by them."""
    told = [_told(part) for part in parts]
    text = json.dumps([[one.hex for one in whose], language, told], ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def _told(part: Part) -> list[Any]:
    lines = [_shown(line) for line in part.lines]
    # Where there is no earlier decision, as it was before pages told a difference.
    unlike = [part.difference.mark] if part.difference else []
    return [part.item.template, part.item.case, lines, *unlike]


def _shown(line: Line) -> list[Any]:
    value = line.value
    if value is None:
        return [line.name, line.is_optional]
    stored = value.row or value.value
    marks = [value.register, value.as_of.isoformat(), value.is_stale, value.is_disputed]
    # A mark of its own, so that what was stored before there was one keeps its digest.
    ended = ["ended"] if value.has_ended else []
    return [line.name, line.is_optional, stored, *marks, *ended]
