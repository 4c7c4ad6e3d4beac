"""A citizen's own timeline: every entry about them, day by day; reading it leaves no entry."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from consent.looks import records as looks
from consent.looks.entries import Look, opened
from consent.my import records
from consent.my.records import Narrowed
from identity import clock
from identity.entry import NOBODY
from identity.presentation import by_words
from identity.public_services import registered
from identity.public_services.registered import OrganisationOf, Registered

PAGE = 50
# What is sealed can only be told by opening it: so many entries are opened for one page at most.
BATCH, TURNS = 250, 4
STAFF = "staff"  # in place of an organisation's code: our own security officers
RELEASED, REFUSED = "released", "refused"
PERIODS = (7, 30, 90, 365)  # days
Services = Mapping[uuid.UUID, Registered]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person narrows the list to; nothing of it says anything about them. Empty: all."""

    before: int | None = None
    institution: str = ""
    basis: str = ""
    result: str = ""
    days: int | None = None
    attribute: str = ""
    decision: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the page is chosen."""
        return replace(self, before=None) != Wanted()

    @property
    def opens_entries(self) -> bool:
        """Whether it asks for what is sealed."""
        return any((self.basis, self.result, self.attribute, self.decision))

    def types(self) -> tuple[str, ...]:
        """Which types can be meant; none: every one."""
        if self.attribute or self.result == RELEASED:
            return ("attributes:released",)
        return ("attributes:", "decision:") if self.basis or self.decision else ()

    def fits(self, look: Look) -> bool:
        """Whether an opened entry is meant."""
        subject = look.subject
        return (
            self.basis in {"", subject.get("basis")}
            and self.result in {"", REFUSED if look.is_refused else RELEASED}
            and (not self.attribute or self.attribute in subject.get("attributes", ()))
            and self.decision in {"", subject.get("decision_id")}
        )


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day, as the calendar in Viet Nam has it; the latest first."""

    on: date
    looks: Sequence[Look]


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page of it. `listed` and `missing` are about the whole, so that a gap can be seen."""

    days: Sequence[Day]
    older: int | None  # the entry before which the next page begins; null: this is the last
    listed: int  # how many entries the log has numbered for this person
    missing: int  # how many of those are gone: the log was changed
    institutions: Sequence[OrganisationOf]  # which ever had a part, by name


def timeline(
    citizen_id: uuid.UUID, *, before: int | None, language: str, wanted: Wanted | None = None
) -> Timeline:
    """The entries about one person, older than `before`, as narrowed."""
    wanted = replace(wanted or Wanted(), before=before)
    services = registered.by_ids(set(records.services(citizen_id)) - {NOBODY})
    looks_found, older = page(citizen_id, wanted, services=services, language=language)
    listed, readable = looks.counts(citizen_id)
    known = {service.organisation.code: service.organisation for service in services.values()}
    return Timeline(
        days=[Day(on, list(same)) for on, same in groupby(looks_found, key=_day)],
        older=older,
        listed=listed,
        missing=listed - readable,
        institutions=by_words(known.values(), lambda one: one.name),
    )


def page(
    citizen_id: uuid.UUID, wanted: Wanted, *, services: Services, language: str, turns: int = 0
) -> tuple[list[Look], int | None]:
    """At most a page of looks, and where the next one begins; null: there is none.

    Where entries have to be opened to tell, a page may hold fewer than there is room for, even
    none, and still be followed by another. `turns` of reading at most, zero for the usual.
    """
    narrowed = _narrowed(wanted, services)
    if not wanted.opens_entries:
        rows = records.entries(citizen_id, narrowed, limit=PAGE + 1)
        newest = [opened(row, language) for row in rows[:PAGE]]
        return newest, newest[-1].id if len(rows) > PAGE else None
    found: list[Look] = []
    seen = None
    for row in _walk(citizen_id, narrowed, turns=turns or TURNS):
        if row is None:
            return found, None
        look = opened(row, language)
        if wanted.fits(look):
            if len(found) == PAGE:
                return found, seen
            found.append(look)
        seen = look.id
    return found, seen


def _walk(citizen_id: uuid.UUID, narrowed: Narrowed, *, turns: int) -> Iterator[Any]:
    """The rows of so many batches; null at the end of all entries, and only there."""
    for _ in range(turns):
        rows = records.entries(citizen_id, narrowed, limit=BATCH)
        yield from rows
        if len(rows) < BATCH:
            yield None
            return
        narrowed = replace(narrowed, before=rows[-1].id)


def _narrowed(wanted: Wanted, services: Services) -> Narrowed:
    since = None if wanted.days is None else clock.now() - timedelta(days=wanted.days)
    chosen = None
    if wanted.institution and wanted.institution != STAFF:
        of = wanted.institution
        chosen = tuple(one.id for one in services.values() if one.organisation.code == of)
    return Narrowed(
        before=wanted.before,
        since=since,
        types=wanted.types(),
        services=chosen,
        is_by_staff=wanted.institution == STAFF,
    )


def _day(look: Look) -> date:
    return look.at.astimezone(clock.VIETNAM).date()
