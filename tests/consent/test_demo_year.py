"""The year behind the demo: done by the real verbs in order of time, once (decision 0028)."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from consent.audit.records import LogPosition
from consent.audit.verify import verify
from consent.demo import files, load, written, year
from consent.desk.filters import KINDS
from consent.ledger import records as ledger
from identity import clock, database, trail, worker
from identity.citizens.national_id import NationalId
from identity.citizens.people import find_by_number
from identity.entry import Who
from identity.trail import AccessEntry
from tests.tampering import Log

LAN, TU = "097188004217", "097050005261"
LOADED = (date(2026, 12, 1), date(2027, 4, 1), date(2027, 7, 1))
LINES = files.lines("year.jsonl")
PEOPLE = {line["national_id"]: line for line in files.lines("citizens.jsonl")}
STAFF = {member["username"] for member in files.read("staff.json")}
FOLLOWS = ("withdraws", "objects", "complains", "complaint", "second")
NEW_YEARS_EVE = date(2026, 12, 31)


def test_each_line_is_about_somebody_who_is_there() -> None:
    gone = {line["who"] for line in LINES if line["does"] in {"begins", "leaves"}}

    assert {line["who"] for line in LINES} <= PEOPLE.keys() | STAFF | gone
    assert gone.isdisjoint(PEOPLE.keys() | STAFF)
    assert {line["person"] for line in LINES if "person" in line} <= PEOPLE.keys()


def test_the_story_of_lan_and_the_canary_are_left_alone() -> None:
    """Lan's pages begin empty, and nobody has a reason to look at the canary."""
    told = {line["who"]: line["does"] for line in LINES}

    assert LAN not in told
    assert told["099192007480"] == "signs in"
    assert {line.get("person") for line in LINES}.isdisjoint({LAN, "099192007480"})


@pytest.mark.parametrize("loaded_on", [NEW_YEARS_EVE + timedelta(days=n) for n in range(7)])
def test_on_whatever_day_it_is_loaded_nothing_comes_before_what_it_rests_on(
    loaded_on: date,
) -> None:
    """Offices wait for Monday, people do not: a day's shift must not turn a matter around."""
    agenda = year.Agenda(loaded_on)
    for line in (line for line in LINES if "days_ago" in line and agenda.may_be(line)):
        at = agenda.on(line, in_office=line["who"] in STAFF)
        uses = [agenda.later(at, use) for use in line.get("uses", ())]
        follows = [line[name] for name in FOLLOWS if name in line]
        uses += [_in_order(agenda, at, told) for told in follows]

        assert all(at < moment for moment in uses), line
        assert all(moment.date() < loaded_on for moment in [at, *uses]), line
        if "withdraws" in line:
            assert max(uses) == agenda.on(line["withdraws"]), line


def _in_order(agenda: year.Agenda, before: datetime, told: dict[str, Any]) -> datetime:
    """The last moment of what follows; an answer comes after its question."""
    at = agenda.on(told) if "days_ago" in told else agenda.later(before, told)
    if "answer" not in told:
        return at
    answered = agenda.later(at, told["answer"])
    assert before < at < answered, told
    return answered


def test_days_of_death_do_not_move_and_the_dead_sign_in_nowhere() -> None:
    """The file's days are counted from the day of the load, a death is a date (decision 0009)."""
    his = [line for line in LINES if line["who"] == TU and "days_ago" in line]
    died = date(2026, 5, 17)

    assert [len([x for x in his if year.Agenda(on).may_be(x)]) for on in LOADED] == [2, 1, 0]
    for on in LOADED:
        begun = year.as_begun(PEOPLE[TU], year.start(on))
        assert (begun["status"] == "active") == (on - timedelta(days=year.DAYS) < died)


def test_offices_keep_their_hours() -> None:
    agenda = year.Agenda(NEW_YEARS_EVE)

    for line in (line for line in LINES if line["who"] in STAFF):
        at = agenda.on(line, in_office=True)
        assert at.weekday() < year.SATURDAY
        assert 7 <= at.hour <= 17


@dataclass
class Country:
    """A fresh database that the demo can be loaded into, and what the loader said beside."""

    app: Flask
    said: list[str] = field(default_factory=list)

    def load(self) -> dict[str, Any]:
        """Load it, or load it again."""
        with self.app.test_request_context(base_url="http://localhost:8000"):
            return load.load(tell=self.said.append)


@pytest.fixture
def country(own_log: Log, monkeypatch: pytest.MonkeyPatch) -> Country:
    """Without the thousands of places, which other tests read."""
    monkeypatch.setattr(load.places_file, "publish", lambda _folder: None)
    return Country(own_log.app)


@pytest.mark.slow
def test_a_year_is_there_and_there_once(country: Country) -> None:
    told = country.load()
    entries = _entries()
    kept = written.loaded_on()

    assert verify().is_whole
    assert country.load() == told
    assert _entries() == entries
    assert (country.said, _behind()) == ([], 0)
    assert kept is not None
    assert told["loaded_on"] == kept.isoformat()
    _is_a_believable_year(entries)


def _is_a_believable_year(entries: list[Any]) -> None:
    kinds = Counter(kind for _, kind, _ in entries)
    months = Counter((at.year, at.month) for _, _, at in entries)
    mine = find_by_number(NationalId.strict(LAN))

    assert [at for _, _, at in entries] == sorted(at for _, _, at in entries)
    assert entries[0][2] < clock.now() - timedelta(days=364) < entries[-1][2] < clock.now()
    assert len(entries) > 400
    assert set(kinds) <= set(KINDS)
    assert len(kinds) >= 20
    assert len(months) >= 12
    assert all(months[month] >= 5 for month in sorted(months)[1:-1])
    assert kinds["attributes:refused"] == 1
    assert mine is not None
    assert list(ledger.newest_of(mine)) == []


def test_where_the_log_has_entries_the_year_is_left_out(country: Country) -> None:
    """A log is written in order of time, so nothing can be put before what stands."""
    trail.record("service:registered", Who())

    country.load()

    assert "left out" in country.said[0]
    assert len(_entries()) < 20


def test_while_a_worker_runs_nothing_is_put_before_its_entries(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_settle", lambda _people, **_told: None)

    with worker.alone():
        country.load()

    assert "left out" in country.said[0]
    assert _entries() == []


def _entries() -> list[Any]:
    query = select(AccessEntry.id, AccessEntry.type, AccessEntry.at).order_by(AccessEntry.id)
    return [tuple(row) for row in database.rows(query)]


def _behind() -> int:
    late = select(LogPosition.position).where(LogPosition.behind_seconds.is_not(None))
    return len(database.rows(late))
