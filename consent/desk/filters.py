"""What an officer narrows a list to: read from an address or a form, and told in the log."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from consent.desk import records
from consent.facets.records import Narrowed, within
from identity import clock
from identity.presentation import by_words

# Every type that is written (docs/interfaces.md); a test compares them.
KINDS = (
    "attributes:released",
    "attributes:refused",
    "decision:given",
    "decision:refused",
    "decision:withdrawn",
    "decision:expired",
    "decision:exhausted",
    "decision:superseded",
    "decision:returned",
    "objection:raised",
    "objection:answered",
    "objection:extended",
    "sign_in:succeeded",
    "sign_in:refused",
    "token:refused",
    "service:refused",
    "service:registered",
    "service:ended",
    "invitation:made",
    "invitation:ended",
    "complaint:raised",
    "complaint:answered",
    "complaint:extended",
    "staff:looked",
    "staff:added",
    "staff:enrolled",
    "staff:changed",
    "staff:reset",
    "staff:left",
    "staff:refused",
    "counter:looked",
    "counter:refused",
    "inspection:looked",
    "inspection:reviewed",
    "letter:issued",
    "letter:voided",
    "account:activated",
    "account:recovered",
    "activation:refused",
    "password:changed",
    "factor:changed",
    "device:named",
    "device:allowed",
    "device:refused",
    "remote:allowed",
    "remote:refused",
    "session:ended",
    "security:refused",
    "search:saved",
    "search:removed",
    "export:requested",
    "export:confirmed",
    "export:declined",
    "export:refused",
    "export:made",
    "key:rotated",
    "key:removed",
    "log:closed",
    "database:restored",
)
BASES = ("request", "consent", "law")
RESULTS = ("done", "refused")
PERIODS = (1, 7, 30)  # calendar days, today among them
_FORMS = ("%Y-%m-%d", "%d/%m/%Y")
FIRST_YEAR, LAST_YEAR = 2000, 2100
NAMES = ("type", "service", "organisation", "basis", "result", "last", "from", "until")


@dataclass(frozen=True, slots=True)
class Choice:
    """A public service that a list can be narrowed to."""

    id: UUID
    client_id: str
    names: Mapping[str, str]
    organisation: str  # its code
    organisation_name: str

    def name(self, language: str) -> str:
        """What people are shown."""
        return self.names.get(language) or self.names.get("") or self.client_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What was asked for; empty, null or zero where it was not."""

    type: str = ""
    service: str = ""
    organisation: str = ""
    basis: str = ""
    result: str = ""
    last: int = 0
    since: date | None = None
    until: date | None = None  # included

    def asked(self) -> dict[str, str]:
        """As parameters of an address: what was not asked for is left out."""
        told: dict[str, Any] = {name: getattr(self, name) for name in NAMES if name != "from"}
        told["from"], told["last"] = self.since, self.last or ""
        return {name: str(told[name]) for name in NAMES if told[name]}

    def settled(self) -> "Filters":
        """With days of the calendar in the place of a period that moves with them."""
        if not self.last:
            return self
        today = clock.today()
        return replace(self, last=0, since=today - timedelta(days=self.last - 1), until=today)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read, and what could not be: the parameter, and what is wrong with it."""

    filters: Filters
    faults: Sequence[tuple[str, str]]


def choices() -> list[Choice]:
    """The public services there are, those of one organisation together."""
    return [
        Choice(
            id=row.id,
            client_id=row.client_id,
            names=_names(row.registration),
            organisation=row.code,
            organisation_name=row.name,
        )
        for row in by_words(records.services(), lambda row: str(row.name))
    ]


def _names(registration: Mapping[str, Any]) -> dict[str, str]:
    prefix = "client_name#"
    tagged = {k.removeprefix(prefix): v for k, v in registration.items() if k.startswith(prefix)}
    return {"": registration["client_name"]} | tagged


def named(among: Sequence[Choice], language: str) -> dict[str, dict[str, str]]:
    """What services and organisations are called, by their codes in an address."""
    return {
        "service": {each.client_id: each.name(language) for each in among},
        "organisation": {each.organisation: each.organisation_name for each in among},
    }


def read(told: Mapping[str, str], among: Sequence[Choice]) -> Read:
    """What these parameters ask for; a choice that there is not is a fault, and narrows nothing."""
    faults: list[tuple[str, str]] = []
    offered: dict[str, Container[str]] = {
        "type": KINDS,
        "service": {each.client_id for each in among},
        "organisation": {each.organisation for each in among},
        "basis": BASES,
        "result": RESULTS,
        "last": {str(days) for days in PERIODS},
    }
    chosen = {name: _one_of(told, name, among=offered[name], faults=faults) for name in offered}
    day = partial(_day, told, faults=faults)
    since, until = day("from"), day("until")
    if since and until and since > until:
        faults.append(("until", "order"))
    last = int(chosen.pop("last") or 0)
    if last and (since or until):
        faults.append(("last", "both"))
    return Read(Filters(**chosen, last=last, since=since, until=until), faults)


def _one_of(
    told: Mapping[str, str], name: str, *, among: Container[str], faults: list[tuple[str, str]]
) -> str:
    asked = told.get(name, "").strip()
    if not asked or asked in among:
        return asked
    faults.append((name, "unknown"))
    return ""


def _day(told: Mapping[str, str], name: str, *, faults: list[tuple[str, str]]) -> date | None:
    text = told.get(name, "").strip()
    for form in _FORMS:
        try:
            # A day of the calendar: no zone belongs to it.
            found = datetime.strptime(text, form).date()  # noqa: DTZ007 - see above
        except ValueError:
            continue
        if FIRST_YEAR <= found.year <= LAST_YEAR:
            return found
    if text:
        faults.append((name, "day"))
    return None


def narrowed(filters: Filters, among: Sequence[Choice], *, but: UUID | None) -> Narrowed:
    """The same in the words of the database; one statement more where there is a period."""
    settled = filters.settled()
    since = None if settled.since is None else _midnight(settled.since)
    until = None if settled.until is None else _midnight(settled.until + timedelta(days=1))
    first, last = (None, None) if since is None and until is None else within(since, until)
    return Narrowed(
        but=but,
        type=settled.type or None,
        services=_services(settled, among),
        basis=settled.basis or None,
        is_refused={"refused": True, "done": False}.get(settled.result),
        since=since,
        until=until,
        first=first,
        last=last,
    )


def _services(filters: Filters, among: Sequence[Choice]) -> tuple[UUID, ...] | None:
    if not filters.service and not filters.organisation:
        return None
    return tuple(
        each.id
        for each in among
        if filters.service in {"", each.client_id}
        and filters.organisation in {"", each.organisation}
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.VIETNAM)
