"""What is not as it was when a person last allowed the same public service the same procedure."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from consent.attributes import catalogue, masking
from consent.attributes.envelopes import Value
from consent.attributes.history import Past
from consent.ledger.answer import SCOPE_CLAIMS
from consent.procedures.catalogue import Procedure, find_version
from identity import clock

VALUE, SOURCE, FOUND, LOST = "value", "source", "found", "lost"
_CLAIMS = {claim: name for told in SCOPE_CLAIMS.values() for claim, name in told.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a decision says, or a page would make it say."""

    basis: str
    template: str  # procedure code @ version / page text version
    attributes: Sequence[str]  # names of the catalogue
    days: int
    values: Mapping[str, Value] | None = field(repr=False)  # null: nobody knows any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item that both ask for, and that does not say the same."""

    name: str
    what: str  # VALUE: another value; SOURCE: the same from elsewhere; FOUND, LOST: there or gone
    before: Value | None = field(repr=False)

    def shown(self, language: str) -> str:
        """What stood there before; empty where nothing did, or where it is covered."""
        if self.before is None or masking.is_covered(self.name):
            return ""
        if self.what == SOURCE:
            return catalogue.register(self.before.register).title(language)
        return self.before.shown(language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What the later one says that the earlier one did not, and the other way round."""

    decision_id: uuid.UUID  # of the one that it is compared with
    on: date  # that one's day
    before: Said = field(repr=False)
    now: Said = field(repr=False)
    added: tuple[str, ...]
    removed: tuple[str, ...]
    items: Mapping[str, Item]
    earlier: Procedure | None  # null: the scopes, or a version that is not there
    procedure: Procedure | None

    @property
    def is_none(self) -> bool:
        """Whether it is all as before."""
        return not self.items and not self.is_said

    @property
    def is_said(self) -> bool:
        """Whether the decision itself is another: its items, ground, words, or how long."""
        return (
            bool(self.added or self.removed)
            or self.is_other_basis
            or self.days_before is not None
            or self.before.template != self.now.template
        )

    @property
    def is_other_basis(self) -> bool:
        """Whether it rests on another ground."""
        return self.before.basis != self.now.basis

    @property
    def days_before(self) -> int | None:
        """For how many days it was, where that is another number; null: for as long."""
        return None if self.before.days == self.now.days else self.before.days

    @property
    def is_longer(self) -> bool:
        """Whether it holds for longer than before."""
        return self.now.days > self.before.days

    def purpose_before(self, language: str) -> str:
        """What it was for, where that is said otherwise now."""
        return self._changed("purpose_en" if language == "en" else "purpose_vi")

    @property
    def retention_before(self) -> str:
        """How long its recipient kept the data, where that is another time now."""
        return self._changed("retention")

    @property
    def is_other_law(self) -> bool:
        """Whether it names other articles now."""
        if self.earlier is None or self.procedure is None:
            return False
        return self.earlier.legal_basis != self.procedure.legal_basis

    @property
    def is_reissued(self) -> bool:
        """Whether the procedure was published anew and says of all this what it said before."""
        then, now = (said.template.partition("/")[0] for said in (self.before, self.now))
        told = self.is_other_law or self.retention_before or self.purpose_before("vi")
        return then != now and not (told or self.purpose_before("en"))

    @property
    def is_reworded(self) -> bool:
        """Whether the page's own words mean something else since."""
        return _text_version(self.before.template) != _text_version(self.now.template)

    @property
    def mark(self) -> list[Any]:
        """What of it binds the page: both sides are kept, so names are enough."""
        items = sorted([item.name, item.what] for item in self.items.values())
        return [self.decision_id.hex, list(self.added), list(self.removed), items]

    def told(self, what: str) -> tuple[str, ...]:
        """The names of the items of which this is so."""
        return tuple(item.name for item in self.items.values() if item.what == what)

    def _changed(self, member: str) -> str:
        if self.earlier is None or self.procedure is None:
            return ""
        then = getattr(self.earlier, member)
        return "" if then == getattr(self.procedure, member) else str(then)


def between(
    before: Said,
    now: Said,
    *,
    other: Any,  # noqa: ANN401 - a row of the ledger
) -> Difference:
    """How what is said now differs from before; one of the two is the other decision."""
    asked, sent = set(now.attributes), set(before.attributes)
    return Difference(
        decision_id=other.decision_id,
        on=other.from_at.astimezone(clock.VIETNAM).date(),
        before=before,
        now=now,
        added=tuple(name for name in now.attributes if name not in sent),
        removed=tuple(name for name in before.attributes if name not in asked),
        items={item.name: item for item in _items(before, now)},
        earlier=_procedure(before.template),
        procedure=_procedure(now.template),
    )


def said(decided: Any, past: Past) -> Said:  # noqa: ANN401 - a row or entry of the ledger
    """What a decision said when it was made, with the values that stood then."""
    names = names_of(decided)
    return Said(
        basis=decided.basis,
        template=decided.template,
        attributes=names,
        days=days(decided.until - decided.from_at),
        values=past.at(decided.from_at, names),
    )


def labels(names: Iterable[str], language: str) -> str:
    """What they are called, in one line."""
    return "; ".join(catalogue.attribute(name).label(language) for name in names)


def names_of(decided: Any) -> list[str]:  # noqa: ANN401 - as above
    """Its attributes as the catalogue names them; a decision about scopes keeps claims."""
    return [_CLAIMS.get(name, name) for name in decided.attributes]


def days(lasts: timedelta) -> int:
    """In whole days; the moment between showing and sending counts for nothing."""
    return round(lasts / timedelta(days=1))


def _items(before: Said, now: Said) -> list[Item]:
    if before.values is None or now.values is None:
        return []
    both = [name for name in now.attributes if name in set(before.attributes)]
    found = ((name, before.values.get(name), now.values.get(name)) for name in both)
    return [
        Item(name=name, what=what, before=then)
        for name, then, value in found
        if (what := _what(then, value))
    ]


def _what(then: Value | None, now: Value | None) -> str:
    """What became of one item; empty: nothing."""
    if then is None or now is None:
        return "" if then is now else (FOUND if then is None else LOST)
    if then.value != now.value:
        return VALUE
    return "" if then.register == now.register else SOURCE


def _procedure(template: str) -> Procedure | None:
    code, _at, rest = template.partition("@")
    number = rest.partition("/")[0]
    return find_version(code, int(number)) if number.isdigit() else None


def _text_version(template: str) -> str:
    return template.rpartition("/")[2]
