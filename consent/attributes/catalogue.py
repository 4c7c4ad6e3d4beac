"""The catalogue of attributes and of the registers that own them, as it stands now."""

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from consent.attributes import records
from consent.kept import Kept
from identity.errors import InvalidRequest

DECLARED = "declared"  # the register of what people say themselves
PERSONAL_NUMBER = "personal_number"
# Identity keeps these; the population register reads them from there (design §1).
OF_IDENTITY: Mapping[str, str] = {
    "personal_number": "national_id",
    "full_name": "full_name",
    "date_of_birth": "date_of_birth",
    "sex": "sex",
}
_LIKE_NUMBER = re.compile(r"handle as (?:personal_number|it)\b")
_ABOUT_ANOTHER = "about another person"
_ASKED_BY_NONE = "no procedure here may ask for it"


class UnknownAttribute(InvalidRequest):
    """No attribute has this name, letter for letter (RFC 9396 §5 at `/authorize`)."""

    code, slug = "invalid_authorization_details", "unknown-attribute"
    title = "The attribute is not in the catalogue"


@dataclass(frozen=True, slots=True)
class Register:
    """One register and its keeper."""

    name: str
    name_vi: str
    name_en: str
    keeper: str | None  # null: nobody keeps it (declared)
    keeper_code: str | None  # null: not told yet

    def title(self, language: str = "vi") -> str:
        """What it is called."""
        return self.name_en if language == "en" else self.name_vi


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One attribute in its current version; it lives long, and is asked at every release."""

    name: str
    version: int
    label_vi: str
    label_en: str
    register: str
    type: str
    sensitivity: str
    freshness_days: int | None  # null: never stale
    equals_paper: bool
    may_be_supplied: bool
    notes: str
    source: str
    recorded_at: datetime
    meant_since: datetime  # since when register, type and sensitivity are what they are

    def label(self, language: str = "vi") -> str:
        """What it is called on a page."""
        return self.label_en if language == "en" else self.label_vi

    @property
    def is_sensitive(self) -> bool:
        """Whether the notice says so (Decree 356/2025 Art. 4 and 6.4)."""
        return self.sensitivity == "sensitive"

    @property
    def is_of_identity(self) -> bool:
        """Whether identity keeps the value itself."""
        return self.name in OF_IDENTITY

    @cached_property
    def is_like_number(self) -> bool:
        """Whether it may equal the personal number: released only beside it, masked alike."""
        return _LIKE_NUMBER.search(self.notes) is not None

    @property
    def is_about_another(self) -> bool:
        """Whether its value speaks of another person, whose log gets an entry too."""
        return _ABOUT_ANOTHER in self.notes

    @cached_property
    def is_asked_by_none(self) -> bool:
        """Whether no procedure may ask for it."""
        return _ASKED_BY_NONE in self.notes

    @cached_property
    def fresh_for(self) -> timedelta | None:
        """How long a value is fresh; null: for ever."""
        return None if self.freshness_days is None else timedelta(days=self.freshness_days)

    def is_stale(self, as_of: date, *, on: date) -> bool:
        """Whether a value of that day is beyond its freshness."""
        fresh = self.fresh_for
        return fresh is not None and on - as_of > fresh


def asked_at(decision_id: uuid.UUID) -> datetime:
    """When the request came that this decision answers.

    The id tells that millisecond (RFC 9562 §5.7), and it is all that a release has to look at:
    an attribute means what it meant then if it was `meant_since`.
    """
    # Its end: what was published just before it was known to the person.
    return datetime.fromtimestamp(((decision_id.int >> 80) + 1) / 1000, UTC)


def _load() -> Mapping[str, Attribute]:
    found: dict[str, Attribute] = {}
    for row in records.all_versions():
        before = found.get(row.name)
        meaning = (row.register, row.type, row.sensitivity)
        is_same = before and (before.register, before.type, before.sensitivity) == meaning
        meant_since = before.meant_since if before and is_same else row.recorded_at
        members = dict(row._mapping)  # noqa: SLF001 - the row's public view, named with a dash
        found[row.name] = Attribute(**members, meant_since=meant_since)
    return found


def _load_registers() -> Mapping[str, Register]:
    return {row.name: Register(**row._mapping) for row in records.registers()}  # noqa: SLF001 - as above


_kept: Kept[Mapping[str, Attribute]] = Kept(_load)
_kept_registers: Kept[Mapping[str, Register]] = Kept(_load_registers)


def attributes() -> Mapping[str, Attribute]:
    """Every attribute by its name, in the order of the catalogue's names."""
    return _kept.get()


def attribute(name: str) -> Attribute:
    """The attribute with this name, letter for letter.

    Raises:
        UnknownAttribute: there is none; another case or Unicode form is another name.
    """
    found = attributes().get(name)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> UnknownAttribute:
    return UnknownAttribute("no attribute in the catalogue has this name")


def registers() -> Mapping[str, Register]:
    """Every register by its name."""
    return _kept_registers.get()


def register(name: str) -> Register:
    """The register with this name.

    Raises:
        KeyError: there is none; names come from the catalogue, so that is a mistake of ours.
    """
    return registers()[name]


def knowing(names: Iterable[str]) -> Mapping[str, Attribute]:
    """The catalogue, in which each of these names stands.

    Raises:
        UnknownAttribute: one does not.
    """
    found = attributes()
    if not found.keys() >= set(names):
        raise _unknown()
    return found


def require_known(names: Iterable[str]) -> None:
    """Every name is in the catalogue.

    Raises:
        UnknownAttribute: one is not.
    """
    knowing(names)


def forget() -> None:
    """Read both catalogues again at the next use."""
    _kept.forget()
    _kept_registers.forget()
