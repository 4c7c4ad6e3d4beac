"""The catalogue of administrative procedures, as it stands now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from consent.kept import Kept
from consent.procedures import records
from identity.errors import InvalidRequest


class Basis(StrEnum):
    """On what ground a procedure reuses data (docs/interfaces.md)."""

    REQUEST = "request"
    CONSENT = "consent"
    LAW = "law"


class UnknownProcedure(InvalidRequest):
    """No procedure has this code (RFC 9396 §5 where it was asked of `/authorize`)."""

    code, slug = "invalid_authorization_details", "unknown-procedure"
    title = "The procedure is not in the catalogue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """One procedure in its current version: what it needs, why, on what legal basis."""

    code: str
    version: int
    short_name_vi: str
    name_vi: str
    name_en: str
    organisation: str
    level: str
    basis: Basis
    min_account_level: int
    min_auth_level: int
    legal_basis: tuple[str, ...]
    purpose_vi: str
    purpose_en: str
    attributes_required: tuple[str, ...]
    attributes_optional: tuple[str, ...]
    retention: str  # ISO 8601 duration at the recipient
    verified: tuple[str, ...]
    source: str
    recorded_at: datetime
    max_auth_age_seconds: int | None  # of the sign-in, at a release; null: any

    @property
    def attributes(self) -> tuple[str, ...]:
        """Everything it may ask for, what it requires first."""
        return self.attributes_required + self.attributes_optional

    @property
    def needs_case(self) -> bool:
        """Whether it can only be asked for one dossier."""
        return self.basis is not Basis.CONSENT

    @property
    def template(self) -> str:
        """Which version a decision is about; the page's own text version is added to it."""
        return f"{self.code}@{self.version}"

    def name(self, language: str = "vi") -> str:
        """Its full name."""
        return self.name_en if language == "en" else self.name_vi

    def short_name(self, language: str = "vi") -> str:
        """What people call it."""
        return self.name_en if language == "en" else self.short_name_vi

    def purpose(self, language: str = "vi") -> str:
        """What the data is for, in one sentence."""
        return self.purpose_en if language == "en" else self.purpose_vi


_LISTS = ("legal_basis", "attributes_required", "attributes_optional", "verified")


def _load() -> Mapping[str, Procedure]:
    return {row.code: _read(row) for row in records.newest()}


def _read(row: Any) -> Procedure:  # noqa: ANN401 - a row of the table
    members = dict(row._mapping)  # noqa: SLF001 - the row's public view, named with a dash
    members |= {name: tuple(members[name]) for name in _LISTS}
    return Procedure(**members | {"basis": Basis(row.basis)})


_kept: Kept[Mapping[str, Procedure]] = Kept(_load)


def procedures() -> Mapping[str, Procedure]:
    """Every procedure by its code."""
    return _kept.get()


def procedure(code: str) -> Procedure:
    """The procedure with this national code.

    Raises:
        UnknownProcedure: there is none.
    """
    found = procedures().get(code)
    if found is None:
        raise UnknownProcedure("no procedure in the catalogue has this code")
    return found


def find_version(code: str, number: int) -> Procedure | None:
    """The procedure as an earlier version had it; null: there is no such version."""
    now = procedures().get(code)
    if now is not None and now.version == number:
        return now
    row = records.version(code, number)
    return None if row is None else _read(row)


def forget() -> None:
    """Read the catalogue again at the next use."""
    _kept.forget()
