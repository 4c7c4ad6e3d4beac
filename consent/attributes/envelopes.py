"""The envelope of a value: what is sealed, what stands beside it, which of two stands first."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from consent.attributes import catalogue, types
from consent.attributes.catalogue import DECLARED, Attribute
from identity import clock, sealing
from identity.sealing import Opener
from identity.together import Answer
from identity.written import own_json

VERIFIED, TOLD = 1, 2  # source of the envelope: by government, by the person
TABLE, COLUMN = "attribute_value", "sealed"
MISSING, DISPUTED, EXPIRED = "missing", "disputed", "expired"  # contract, "Asking for data"


class Value(NamedTuple):
    """One value with its envelope (contract, "Asking for data"); a repr does not show it."""

    name: str
    value: types.Value
    source: int
    register: str
    as_of: date
    valid_from: str | None
    valid_to: str | None
    equals_paper: bool
    is_stale: bool
    is_disputed: bool
    about_id: uuid.UUID | None  # whom else it is about, where known
    row: str | None  # the id of its row, in hex digits; null: identity keeps it

    def __repr__(self) -> str:
        """Which one it is."""
        return f"Value({self.name!r}, register={self.register!r}, as_of={self.as_of!r})"

    @property
    def has_ended(self) -> bool:
        """Whether its last day is over."""
        return self.valid_to is not None and date.fromisoformat(self.valid_to) < clock.today()

    def shown(self, language: str = "vi") -> str:
        """The text on a page, unmasked."""
        kind = catalogue.attribute(self.name).type
        return types.shown(kind, self.value, attribute=self.name, language=language)


class Sealed(NamedTuple):
    """A value that stands for one register, not opened yet; in the order of the clause `vals`."""

    name: str
    register: str
    source: int
    as_of: date
    row: str  # its id in hex digits, as the seal names it
    sealed: bytes
    about_id: uuid.UUID | None
    is_disputed: bool
    valid_to: date | None  # null: no end is told

    @property
    def value_id(self) -> uuid.UUID:
        """Which value it is."""
        return uuid.UUID(hex=self.row)

    @property
    def has_ended(self) -> bool:
        """Whether its last day is over: it says nothing about today any more."""
        return self.valid_to is not None and self.valid_to < clock.today()


def sealed_in(answer: Answer) -> dict[str, list[Sealed]]:
    """What stands for each name in the answer of the clause `vals`."""
    found: dict[str, list[Sealed]] = {}
    for row in own_json(answer.get("vals.found", "[]")):
        found.setdefault(row[0], []).append(_sealed(row))
    return found


def _sealed(row: Sequence[Any]) -> Sealed:
    name, register, source, as_of, value_id, sealed, about_id, is_disputed, ends = row
    return Sealed(
        name,
        register,
        source,
        date.fromisoformat(as_of),
        value_id.replace("-", ""),
        bytes.fromhex(sealed),
        None if about_id is None else uuid.UUID(about_id),
        bool(is_disputed),
        None if ends is None else date.fromisoformat(ends),
    )


def chosen(parts: Sequence[Sealed]) -> Sealed:
    """The register's own value wins unless it is missing, stale (design §6) or ended."""
    if len(parts) == 1:
        return parts[0]
    told = next((part for part in parts if part.register == DECLARED), None)
    owned = next((part for part in parts if part.register != DECLARED), None)
    if owned is None or told is None:
        return owned or told or parts[0]
    return told if _is_old(owned) and not _is_old(told) else owned


def why_withheld(parts: Sequence[Sealed]) -> str | None:
    """Why nothing leaves of what stands for one name; null: its value may be told."""
    if not parts:
        return MISSING
    if any(part.is_disputed for part in parts):
        return DISPUTED
    return EXPIRED if chosen(parts).has_ended else None


def _is_old(part: Sealed) -> bool:
    return part.has_ended or catalogue.attribute(part.name).is_stale(part.as_of, on=clock.today())


def opened(part: Sealed, key: bytes | Opener, *, of: Attribute, on: date) -> Value:
    """The value of this attribute, opened with its person's key, as it stands on that day.

    Raises:
        sealing.Unreadable: another person's key, another row, or changed bytes.
    """
    members = _opened_members(part.sealed, key, row=part.row)
    return Value(
        name=part.name,
        value=members["value"],
        source=part.source,
        register=part.register,
        as_of=part.as_of,
        valid_from=members["valid_from"],
        valid_to=members["valid_to"],
        # The word of a person never stands for a paper.
        equals_paper=of.equals_paper and part.source == VERIFIED,
        is_stale=of.is_stale(part.as_of, on=on),
        is_disputed=part.is_disputed,
        about_id=part.about_id,
        row=part.row,
    )


def members_of(
    value: types.Value,
    *,
    valid_from: str | None = None,
    valid_to: str | None = None,
    record: str | None = None,
) -> dict[str, Any]:
    """The sealed part of an envelope. Never change: members may be added, none renamed."""
    return {"value": value, "valid_from": valid_from, "valid_to": valid_to, "record": record}


def seal_members(members: Mapping[str, Any], key: bytes, *, value_id: uuid.UUID) -> bytes:
    """The sealed part, readable only in the row of this value."""
    text = json.dumps(members, sort_keys=True, ensure_ascii=False).encode()
    return sealing.seal(key, text, table=TABLE, column=COLUMN, row=value_id.hex)


def open_members(sealed: bytes, key: bytes, *, value_id: uuid.UUID) -> dict[str, Any]:
    """What `seal_members` closed.

    Raises:
        sealing.Unreadable: another person's key, another row, or changed bytes.
    """
    return _opened_members(sealed, key, row=value_id.hex)


def _opened_members(sealed: bytes, key: bytes | Opener, *, row: str) -> dict[str, Any]:
    text = sealing.open_sealed(key, sealed, table=TABLE, column=COLUMN, row=row)
    members: dict[str, Any] = own_json(text.decode())
    return members
