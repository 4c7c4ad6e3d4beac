"""The demo country is loaded: once with a year behind it, and again without any change.

The days of the files move with the day of the first load (decision 0009), so that what is fresh
in the story is fresh on the day somebody tries it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from consent.attributes import publish as attributes_file
from consent.demo import files, written, year
from consent.places import files as places_files
from consent.places import publish as places_file
from consent.procedures import catalogue
from consent.procedures import publish as procedures_file
from consent.registers.fill import fill
from identity import clock, worker
from identity.citizens.enrolment import enrol
from identity.citizens.national_id import NationalId
from identity.citizens.people import find_by_number
from identity.registration.register import documents, register
from identity.staff.accounts import Factor
from identity.staff.add import NewStaff, add_staff, find_staff
from identity.staff.records import Role

Tell = Callable[[str], None]
Person = Mapping[str, Any]


class Misfit(Exception):
    """A line of the demo's own files is not accepted."""


def load(*, tell: Tell) -> dict[str, Any]:
    """Everything of the demo country stands; what `demo.json` now says.

    `tell` hears why there is no year behind it, where there is none.
    """
    loaded_on = written.loaded_on() or clock.today()
    people = files.lines("citizens.jsonl")
    why_not = "the log holds entries already" if year.has_begun() else _with_a_year(loaded_on)
    if why_not is None:
        people = []  # the year has made of them what the files say
    elif written.loaded_on() is None:
        tell(f"The year before today is left out: {why_not}.")
    _settle(people, as_seen_on=loaded_on)
    return written.write(loaded_on)


def _with_a_year(loaded_on: date) -> str | None:
    """The country as it was a year ago, then what happened since; or why that cannot be."""
    start = year.start(loaded_on)
    try:
        with worker.alone():
            with clock.at(start):
                people = [year.as_begun(person, start) for person in files.lines("citizens.jsonl")]
                _settle(people, as_seen_on=start.astimezone(clock.VIETNAM).date())
            year.tell(loaded_on)
    except worker.AlreadyWorking:
        return "a worker runs, which would put entries between"
    return None


def _settle(people: Iterable[Person], *, as_seen_on: date) -> None:
    """Catalogues, people, services, staff and registers are as the files say."""
    if not catalogue.procedures():
        attributes_file.publish_registers(attributes_file.packaged("registers.csv"))
        attributes_file.name_keepers(files.read("keepers.json"))
    attributes_file.publish(attributes_file.packaged("catalogue.csv"))
    procedures_file.publish(procedures_file.packaged(), askable=attributes_file.askable())
    places_file.publish(places_files.packaged())
    enrol([files.enrolled(person) for person in people])
    register(documents(files.services()))
    for member in files.read("staff.json"):
        if find_staff(member["username"]) is None:
            add_staff(_new_staff(member))
    for name, lines in files.registers(as_seen_on=as_seen_on):
        fill(name, lines, tell=_refuse, advance=lambda _size: None)


def _new_staff(told: Mapping[str, str]) -> NewStaff:
    own = told.get("national_id")
    return NewStaff(
        own_citizen_id=None if own is None else find_by_number(NationalId.strict(own)),
        username=told["username"],
        name=told["name"],
        role=Role(told["role"]),
        unit=told["unit"],
        password=told["password"],
        factor=Factor("demo", told["one_time_code"]),
    )


def _refuse(number: int, fault: str) -> None:
    raise Misfit(f"line {number}, {fault}")
