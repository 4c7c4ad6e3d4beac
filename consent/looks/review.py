"""Security officers look for one person in the log: in a case, and for a reason that is told."""

import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from consent.looks import records
from identity import clock, sealing, trail
from identity.citizens import people
from identity.citizens.national_id import NationalId
from identity.database import new_id, transaction
from identity.entry import Who
from identity.errors import AccessDenied, InvalidRequest, NotFound
from identity.staff.sessions import StaffMember

LOOKED = "staff:looked"
PAGE = 50
LIFETIME = timedelta(hours=1)
LONGEST = 500
TABLE, COLUMN = "audit_search", "sealed"
# What is written down stays for good, so a number of a person has no place in it.
_LIKE_A_NUMBER = re.compile(r"(?<!\w)(?:\d[ .\u00a0-]?){11}\d(?!\w)")


class OwnEntries(AccessDenied):
    """Nobody reviews the entries about themselves."""

    slug = "own-entries"
    title = "These entries are about yourself"


class NoSuchSearch(NotFound):
    """Unknown, ended after an hour, or another officer's: all look the same."""

    slug = "no-such-search"
    title = "There is no such search"


class UnfitSearch(InvalidRequest):
    """Case number or reason are missing, too long, or hold what looks like a personal number."""

    slug = "unfit-search"
    title = "The search lacks a case number or a reason"

    def __init__(self, member: str, detail: str) -> None:
        super().__init__(detail)
        self.member = member


@dataclass(frozen=True, slots=True)
class Search:
    """Whom an officer looks for, in which case and why."""

    id: uuid.UUID
    found: uuid.UUID | None  # null: the number is nobody's
    case: str
    reason: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an officer asks to see: of one search, or of all."""

    search: Search | None = None


def search(officer: StaffMember, number: NationalId, *, case: str, reason: str) -> uuid.UUID:
    """The search can be opened by this officer for an hour; its id says nothing about anybody.

    Raises:
        UnfitSearch: case number or reason will not do.
        OwnEntries: the number is the officer's own; the attempt stands in the log.
    """
    case, reason = _fit("case", case), _fit("reason", reason)
    found = people.find_by_number(number)
    if found is not None and found == officer.own_citizen_id:
        mark_own(officer, found, case=case, reason=reason)
        raise OwnEntries("nobody reviews entries about themselves", note="own entries")
    search_id, at = new_id(), clock.now()
    key = sealing.new_data_key()
    wrapped, kek_id = sealing.ring().wrap(key)
    told = json.dumps({"case": case, "reason": reason}, ensure_ascii=False).encode()
    row = {
        "id": search_id,
        "staff_id": officer.id,
        "found_id": found,
        "wrapped": wrapped,
        "kek_id": kek_id,
        "sealed": sealing.seal(key, told, table=TABLE, column=COLUMN, row=search_id.hex),
        "created_at": at,
        "expires_at": at + LIFETIME,
    }
    with transaction():
        records.add_search(row)
    return search_id


def holds_a_number(text: str) -> bool:
    """Whether it holds what looks like a personal number."""
    return _LIKE_A_NUMBER.search(text) is not None


def _fit(member: str, text: str) -> str:
    text = " ".join(text.split())
    if not 0 < len(text) <= LONGEST:
        raise UnfitSearch(member, f"{member}: 1 to {LONGEST} characters")
    if holds_a_number(text):
        raise UnfitSearch(member, f"{member}: no personal number; it would stay in the log")
    return text


def mark_own(officer: StaffMember, found: uuid.UUID, **sought: str) -> None:
    """The attempt to look at oneself stands in the log."""
    trail.refuse(
        LOOKED,
        Who(citizen=found, actor=officer.id),
        subject={"result": "refused", **sought},
        acting=officer.acting(),
    )


def find_search(officer: StaffMember, search_id: uuid.UUID) -> Search:
    """A search that this officer made within the hour.

    Raises:
        NoSuchSearch: there is none.
    """
    row = records.find_search(search_id, officer.id, at=clock.now())
    if row is None:
        raise NoSuchSearch("search again; a search ends after an hour")
    key = sealing.ring().unwrap(bytes(row.wrapped), row.kek_id)
    told = sealing.open_sealed(
        key, bytes(row.sealed), table=TABLE, column=COLUMN, row=search_id.hex
    )
    return Search(search_id, row.found_id, **json.loads(told))
