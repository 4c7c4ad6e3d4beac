"""The demo country, and in it the cast of the journeys; a program, run once a test process.

It is one of its own since a process has the settings of one installation.
"""

import csv
import json
import sys
import uuid
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from consent.attributes import catalogue, values
from consent.attributes.catalogue import DECLARED, OF_IDENTITY
from identity import trail
from identity.citizens import people as register
from identity.citizens.national_id import NationalId
from identity.database import transaction
from identity.entry import Who
from identity.staff.accounts import Factor
from identity.staff.add import NewStaff, add_staff
from identity.staff.records import Role
from identity.staff_enrolment.invite import invite
from tests.journeys import cast
from wsgi import app, cli

Told = dict[str, Any]  # how somebody signs in


def main(home: Path, lobby: str) -> None:
    """Everything stands, on a database that was migrated and empty."""
    do("demo")
    with app.app_context():
        demo = json.loads((home / "demo.json").read_text(encoding="utf-8"))
        people = list(namesakes(demo["citizens"]))
        newcomers = [newcomer(number) for number in range(cast.NEWCOMERS)]
        enrol(home, people + newcomers)
        papers(home, people)
        officer = people.pop()
        told = {
            "people": people,
            "newcomers": with_letters(home, newcomers),
            "invited": {role: invited(role) for role in Role},
            "officers": [hire(*one) for one in officers()],
            "officer_about_herself": hire("lan.giamsat", "Đội giám sát Thủ Thiêm", own=officer),
            "herself": officer,
            "offices": offices(home, lobby),
        }
        guess_often(citizen(officer))
    (home / cast.TOLD).write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")


def do(*words: str) -> None:
    """One command of ours, in this process."""
    try:
        cli(words, prog_name="motlan")
    except SystemExit as end:
        if end.code:
            raise


def citizen(told: Told, number: str = "national_id") -> uuid.UUID:
    """Who has this number."""
    found = register.find_by_number(NationalId.strict(told[number]))
    assert found is not None
    return found


def namesakes(citizens: list[Told]) -> Iterator[Told]:
    """Others of the same name, born on the same day, with the same password."""
    for name, many in cast.NAMESAKES.items():
        one = next(each for each in citizens if each["name"] == name)
        born = register.person(citizen(one)).date_of_birth.written()
        for number in range(many):
            changed = {"like": one["national_id"], "born": born}
            yield one | changed | {"national_id": f"{one['national_id'][:6]}{900_000 + number}"}


def newcomer(number: int) -> Told:
    """Somebody who has never signed in."""
    national_id = f"097190{910_000 + number}"
    return {"national_id": national_id, "name": "Mạc Thị Bưởi", "born": "1990-05", "like": ""}


def enrol(home: Path, people: list[Told]) -> None:
    """They are in the register of people."""
    do("citizens", "import", written(home / "people.jsonl", [_line(one) for one in people]))


def _line(one: Told) -> Told:
    known = {name: one[name] for name in ("password", "one_time_code") if name in one}
    return known | {
        "national_id": one["national_id"],
        "full_name": one["name"],
        "date_of_birth": one["born"],
        "sex": "female",
        "account_level": 2,
        "status": "active",
        "deceased_on": None,
    }


def papers(home: Path, people: list[Told]) -> None:
    """Each register says of a namesake what it says of the one they are named after; so do they."""
    names = [name for name in catalogue.attributes() if name not in OF_IDENTITY]
    known = {
        one["like"]: list(values.current(citizen(one, "like"), names).values())
        for one in {one["like"]: one for one in people}.values()
    }
    lines: dict[str, list[Told]] = {}
    for one in people:
        own = [value for value in known[one["like"]] if value.register == DECLARED]
        with transaction():
            values.declare(citizen(one), {value.name: value.value for value in own})
        for value in (each for each in known[one["like"]] if each.register != DECLARED):
            lines.setdefault(value.register, []).append(_paper(one, value))
    for name, told in lines.items():
        do("registers", "import", name, written(home / f"{name}.jsonl", told))


def _paper(one: Told, value: values.Value) -> Told:
    told = {
        "national_id": one["national_id"],
        "attribute": value.name,
        "value": value.value,
        "as_of": value.as_of.isoformat(),
        "valid_from": value.valid_from,
        "valid_to": value.valid_to,
        "record_id": f"N-{one['national_id'][-6:]}",
    }
    if value.about_id is not None:
        told["about"] = register.person(value.about_id).national_id.reveal()
    return told


def with_letters(home: Path, newcomers: list[Told]) -> list[Told]:
    """The newcomers, each with the code of a printed letter."""
    only, letters = home / "numbers.txt", home / "letters.csv"
    only.write_text("\n".join(one["national_id"] for one in newcomers), encoding="utf-8")
    do("citizens", "letters", str(letters), "--only", str(only))
    with letters.open(encoding="utf-8-sig", newline="") as file:
        codes = {row["number_ends_with"].strip("…"): row["code"] for row in csv.DictReader(file)}
    return [one | {"letter_code": codes[one["national_id"][-3:]]} for one in newcomers]


def officers() -> Iterator[tuple[str, str]]:
    """Username and unit of each security officer of the cast."""
    for number, (place, unit) in product(range(cast.OFFICERS), enumerate(cast.UNITS)):
        yield f"giamsat{number}.{place}", unit


def hire(username: str, unit: str, *, own: Told | None = None) -> Told:
    """A security officer begins to work here, with a fixed code as the demo's have."""
    told = {"username": username, "password": "mua-xuan-la-xanh-19", "unit": unit}
    factor = Factor("demo", "191919")
    account = NewStaff(
        **told,
        name="Trịnh Thị Hoa Sim",
        role=Role.SECURITY_OFFICER,
        factor=factor,
        own_citizen_id=None if own is None else citizen(own),
    )
    add_staff(account)
    return told | {"one_time_code": factor.secret}


def invited(role: Role) -> list[Told]:
    """Some who begin to work in this role: the link and the code that the operator was told."""
    names = [f"hanh.{role}.{number}" for number in range(cast.INVITED)]
    made = [
        invite(NewStaff(username=name, name="Vũ Thị Hạnh", role=role, unit=cast.UNITS[0]))
        for name in names
    ]
    return [{"username": one.username, "link": one.link, "code": one.code} for one in made]


def offices(home: Path, lobby: str) -> list[Told]:
    """Public services that wait for people in the lobby of the test process."""
    made = [
        cast.document(f"office-{number}", name, procedures, to=f"{lobby}/office-{number}")
        for number, (name, procedures) in enumerate(cast.OFFICES.items())
    ]
    file = home / "offices.json"
    file.write_text(json.dumps(made), encoding="utf-8")
    do("services", "import", str(file))
    return made


def guess_often(victim: uuid.UUID) -> None:
    """So many refused sign-ins that a list of all entries is too large for one officer."""
    for _ in range(cast.LARGE + 1):
        told = {"result": "refused", "reason": "password"}
        trail.record("sign_in:refused", Who(citizen=victim), subject=told)


def written(file: Path, lines: list[Told]) -> str:
    """The file, with a line for each."""
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return str(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
