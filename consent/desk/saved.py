"""Searches that an officer keeps: a name and filters, never a person; their own alone."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consent.desk import records
from consent.desk.filters import Filters
from consent.looks.review import holds_a_number
from identity import clock, trail
from identity.database import new_id, transaction
from identity.entry import Who
from identity.errors import InvalidRequest, NotFound
from identity.presentation import by_words
from identity.staff.sessions import StaffMember

LONGEST = 60
MOST = 20


class NoSuchSavedSearch(NotFound):
    """Unknown, removed, or another officer's: all look the same."""

    slug = "no-such-saved-search"
    title = "There is no such saved search"


class UnfitName(InvalidRequest):
    """A saved search needs a short name without anybody's number, and there is room for twenty."""

    slug = "unfit-search-name"
    title = "The saved search cannot be kept under this name"

    def __init__(self, detail: str, *, is_full: bool = False) -> None:
        super().__init__(detail)
        self.is_full = is_full


@dataclass(frozen=True, slots=True)
class Saved:
    """One of them."""

    id: uuid.UUID
    name: str
    filters: Mapping[str, str]


def saved(officer: StaffMember) -> Sequence[Saved]:
    """What this officer keeps, by name."""
    kept = [Saved(row.id, row.name, row.filters) for row in records.saved(officer.id)]
    return by_words(kept, lambda one: one.name)


def keep(officer: StaffMember, filters: Filters, *, name: str, request_id: str) -> uuid.UUID:
    """The search can be run again by its name.

    Raises:
        UnfitName: no name, a long one, one with a number in it, or one too many.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST:
        raise UnfitName(f"a name of 1 to {LONGEST} characters")
    if holds_a_number(name):
        raise UnfitName("no personal number; a saved search is never about a person")
    search_id, asked = new_id(), filters.asked()
    row = {"id": search_id, "staff_id": officer.id, "name": name, "filters": asked}
    with transaction():
        records.hold(officer.id)
        if len(records.saved(officer.id)) >= MOST:
            raise UnfitName(f"there is room for {MOST}: remove one first", is_full=True)
        records.keep({**row, "created_at": clock.now()})
        told = {"saved": search_id.hex, "filters": asked}
        _record("search:saved", officer, subject=told, request_id=request_id)
    return search_id


def remove(officer: StaffMember, search_id: uuid.UUID, *, request_id: str) -> None:
    """The search is not kept any more.

    Raises:
        NoSuchSavedSearch: this officer keeps none of that id.
    """
    with transaction():
        if not records.remove(search_id, of=officer.id):
            raise NoSuchSavedSearch("open the list again")
        told = {"saved": search_id.hex}
        _record("search:removed", officer, subject=told, request_id=request_id)


def _record(
    kind: str, officer: StaffMember, *, subject: Mapping[str, Any], request_id: str
) -> None:
    trail.record(
        kind,
        Who(actor=officer.id),
        subject=subject,
        acting=officer.acting(request_id),
    )
