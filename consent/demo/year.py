"""The year that the demo country has behind it: told in `year.jsonl`, done by the real verbs.

Every line is a matter that takes its course in steps; the steps of all of them happen in order of
time, each at its own moment, so that the log tells them as if they had been lived.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from consent.audit import heads, sequencer
from consent.demo import files
from consent.demo.matter import Matter
from consent.demo.officers import Officer
from consent.demo.people import PHONE, Citizen
from consent.facets import draw
from consent.ledger import withdraw
from consent.looks import records as looks
from identity import clock, trail
from identity.citizens.records import Status
from identity.staff import change
from identity.staff.add import NewStaff, add_staff
from identity.staff.records import Role

Line = Mapping[str, Any]
Act = Callable[[], object]
DAYS = 365
OPENS = time(7, 30)
SATURDAY = 5
# After its last moment a decision is over, and the worker's next turn says so.
A_TURN = timedelta(minutes=1)


def start(loaded_on: date) -> datetime:
    """The moment at which the country begins."""
    return moment(loaded_on, days_ago=DAYS, at=OPENS)


def moment(loaded_on: date, *, days_ago: int, at: time, in_office: bool = False) -> datetime:
    """A time of day in Viet Nam so many days ago; offices wait for Monday."""
    day = loaded_on - timedelta(days=days_ago)
    if in_office and day.weekday() >= SATURDAY:
        day += timedelta(days=7 - day.weekday())
    return datetime.combine(day, at, tzinfo=clock.VIETNAM)


def has_begun() -> bool:
    """Whether the log holds anything: what is older could not be put before it."""
    return bool(looks.entries(limit=1))


def as_begun(person: Line, start: datetime) -> dict[str, Any]:
    """A person as they were a year ago: what the year brings them has not come."""
    told = dict(person)
    died = told["deceased_on"]
    if told["status"] != Status.DECEASED or date.fromisoformat(died) > start.date():
        told |= {"status": str(Status.ACTIVE), "deceased_on": None}
    for line in files.lines("year.jsonl"):
        if line["who"] == person["national_id"] and line["does"] == "changes password":
            told["password"] = line["from"]
    return told


@dataclass
class Agenda:
    """What is to happen, the earliest first; steps may add what follows from them."""

    loaded_on: date
    now: datetime = field(default_factory=clock.now)  # while steps run, the clock tells theirs
    _steps: list[tuple[datetime, int, Act]] = field(default_factory=list)
    _people: dict[str, Citizen] = field(default_factory=dict)
    _count: Iterator[int] = field(default_factory=itertools.count)

    def add(self, at: datetime, act: Act) -> None:
        """It happens at that moment; not at all, if that is before the year or has not come."""
        if start(self.loaded_on) <= at <= self.now:
            heapq.heappush(self._steps, (at, next(self._count), act))

    def run(self) -> int:
        """Everything has happened; how many steps."""
        done = 0
        while self._steps:
            at, _, act = heapq.heappop(self._steps)
            with clock.at(at):
                act()
            done += 1
        return done

    def citizen(self, number: str) -> Citizen:
        """One of the people, who keep their browsers from one line to the next."""
        if number not in self._people:
            self._people[number] = Citizen(number)
        return self._people[number]

    def on(self, line: Line, *, in_office: bool = False) -> datetime:
        """The moment that a line speaks of."""
        at = time.fromisoformat(line["at"])
        return moment(self.loaded_on, days_ago=line["days_ago"], at=at, in_office=in_office)

    def may_be(self, line: Line) -> bool:
        """Whether whom the line speaks of still lives then; days of death do not move."""
        died = _died_on(line["who"])
        return "days_ago" not in line or died is None or self.on(line).date() < died

    def later(self, than: datetime, told: Line) -> datetime:
        """A moment of an office some days after another one."""
        ago = (self.loaded_on - than.astimezone(clock.VIETNAM).date()).days - told["days"]
        at = time.fromisoformat(told["at"])
        return moment(self.loaded_on, days_ago=ago, at=at, in_office=True)


def tell(loaded_on: date) -> int:
    """The year has happened, and every entry of it has its place in the tree; how many steps."""
    agenda = Agenda(loaded_on)
    for line in files.lines("year.jsonl"):
        if agenda.may_be(line):
            _COURSES[line["does"]](agenda, line)
    done = agenda.run()
    trail.write_repeats()
    place()
    heads.sign()
    return done


def place() -> None:
    """What stands in the log has its place and can be found: the worker's duties, in its stead."""
    while sequencer.sequence() == sequencer.BATCH:
        pass
    while draw.draw() >= draw.BATCH:
        pass


def _decides(agenda: Agenda, line: Line) -> None:
    """Somebody is asked, decides, and what was given is used; then it may end or be doubted."""
    at, matter = agenda.on(line), Matter(agenda.citizen(line["who"]), line)
    agenda.add(at, matter.sign_in)
    agenda.add(at + timedelta(minutes=3), lambda: _decided(agenda, matter))
    agenda.add(at + timedelta(minutes=3, seconds=20), matter.fetch)
    for use in line.get("uses", ()):
        agenda.add(agenda.later(at, use), matter.fetch_again)
    for name, course in (("withdraws", _withdraws), ("objects", _objects)):
        if name in line:
            course(agenda, line[name], matter=matter)
    if "complains" in line:
        _complains(agenda, {"who": line["who"], **line["complains"]})


def _decided(agenda: Agenda, matter: Matter) -> None:
    for until in matter.decide():
        agenda.add(until + A_TURN, withdraw.expire)


def _withdraws(agenda: Agenda, told: Line, *, matter: Matter) -> None:
    at = agenda.on(told)
    agenda.add(at, matter.sign_in_again)
    if told.get("asked_after"):
        agenda.add(at + timedelta(minutes=1), matter.fetch_again)
        agenda.add(at + timedelta(minutes=3), matter.fetch)
    agenda.add(at + timedelta(minutes=2), matter.withdraw)


def _objects(agenda: Agenda, told: Line, *, matter: Matter) -> None:
    at = agenda.on(told)
    agenda.add(at, matter.sign_in_again)
    agenda.add(at + timedelta(minutes=4), lambda: matter.object(told["reason"]))
    if "answer" in told:
        officer, text = _answers(agenda, told["answer"], than=at)
        answered = agenda.later(at, told["answer"]) + timedelta(minutes=9)
        agenda.add(answered, lambda: officer.answer_objection(matter.objection, text))


def _complains(agenda: Agenda, told: Line) -> None:
    at, person = agenda.on(told), agenda.citizen(told["who"])
    agenda.add(at, person.sign_in)
    agenda.add(at + timedelta(minutes=3), lambda: person.complain(told["about"], told["text"]))
    if "answer" in told:
        officer, text = _answers(agenda, told["answer"], than=at)
        answered = agenda.later(at, told["answer"]) + timedelta(minutes=12)
        agenda.add(answered, lambda: officer.answer_complaint(person.complaint, text))


def _answers(agenda: Agenda, told: Line, *, than: datetime) -> tuple[Officer, str]:
    officer = Officer(told["by"])
    agenda.add(agenda.later(than, told), officer.sign_in)
    return officer, told["text"]


def _signs_in(agenda: Agenda, line: Line) -> None:
    at, person = agenda.on(line), agenda.citizen(line["who"])
    for n in range(line.get("mistypes", 0)):
        agenda.add(at + timedelta(minutes=2 * n), person.mistype)
    if not line.get("gives_up"):
        device = line.get("device", PHONE)
        agenda.add(at + timedelta(minutes=11), lambda: person.sign_in(device))


def _account(agenda: Agenda, line: Line) -> None:
    person, told = agenda.citizen(line["who"]), line
    acts: dict[str, Act] = {
        "changes password": lambda: person.change_password(told["from"]),
        "names device": lambda: person.name_device(told["called"]),
        "ends others": person.end_others,
        "becomes": person.become,
    }
    agenda.add(agenda.on(line) if "days_ago" in line else _known(line), acts[line["does"]])


def _known(line: Line) -> datetime:
    """Two days after somebody's death, whenever that was, the register hears of it."""
    died = _died_on(line["who"])
    if died is None:
        raise LookupError(line["does"])
    at = time.fromisoformat(line["at"])
    return datetime.combine(died + timedelta(days=2), at, tzinfo=clock.VIETNAM)


@cache
def _died_on(number: str) -> date | None:
    told = {line["national_id"]: line["deceased_on"] for line in files.lines("citizens.jsonl")}
    died = told.get(number)
    return None if died is None else date.fromisoformat(died)


def _works(agenda: Agenda, line: Line) -> None:
    """An officer signs in, and some minutes later does what the line tells."""
    at, officer = agenda.on(line, in_office=True), Officer(line["who"])
    for n in range(line.get("mistypes", 0)):
        agenda.add(at - timedelta(minutes=2 * n + 2), officer.mistype)
    agenda.add(at, officer.sign_in)
    acts: dict[str, Act] = {
        "looks in": lambda: None,
        "searches": lambda: _search(officer, line),
        "reads": lambda: officer.read(line["filters"]),
        "helps": lambda: officer.help(
            line["person"], need=line["need"], card=line["card"], gives=line["gives"]
        ),
        "inspects": lambda: officer.inspect(
            most=line["most"], doubts=line["doubts"], note=line["note"]
        ),
        "exports": lambda: officer.ask_export(line["filters"], reason=line["reason"]),
    }
    if line["does"] in {"searches", "reads", "inspects", "exports"}:
        agenda.add(at + timedelta(minutes=4), place)
    agenda.add(at + timedelta(minutes=5), acts[line["does"]])
    if "complaint" in line:
        _complains(agenda, {"who": line["person"], **line["complaint"]})
    if "second" in line:
        second = Officer(line["second"]["by"])
        agenda.add(agenda.later(at, line["second"]), second.sign_in)
        confirms, later = line["second"]["confirms"], agenda.later(at, line["second"])
        agenda.add(
            later + timedelta(minutes=6),
            lambda: second.decide_export(officer.export, confirms=confirms),
        )


def _search(officer: Officer, line: Line) -> None:
    case = line["case"].format(year=clock.today().year)
    officer.search(line["person"], case=case, reason=line["reason"])


def _staff(agenda: Agenda, line: Line) -> None:
    """Somebody begins to work here who is not there any more, or leaves."""
    at = agenda.on(line, in_office=True)
    if line["does"] == "leaves":
        agenda.add(at, lambda: change.leave(line["who"]))
        return
    new = NewStaff(
        username=line["who"], name=line["name"], role=Role(line["role"]), unit=line["unit"]
    )
    agenda.add(at, lambda: add_staff(new))


_COURSES: Mapping[str, Callable[[Agenda, Line], None]] = {
    "decides": _decides,
    "complains": _complains,
    "signs in": _signs_in,
    **dict.fromkeys(("changes password", "names device", "ends others", "becomes"), _account),
    **dict.fromkeys(("looks in", "searches", "reads", "helps", "inspects", "exports"), _works),
    **dict.fromkeys(("begins", "leaves"), _staff),
}
