"""The demo country: invented people, services and officers, loaded so that everything can be tried.

Only where MOTLAN_DEMO=1. Loading again changes nothing. `as_of` days in the files are relative to
the day the files were written, and move with the day of the first load, so that what is fresh
in the story is fresh on the day somebody tries it.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
from flask import Flask

from consent.attributes import publish as attributes_file
from consent.places import files as places_files
from consent.places import publish as places_file
from consent.procedures import catalogue
from consent.procedures import publish as procedures_file
from consent.registers.fill import fill
from identity import clock, settings
from identity.citizens.enrolment import enrol
from identity.citizens.national_id import NationalId
from identity.citizens.people import find_by_number
from identity.citizens.wire import read_line
from identity.public_services.register import documents, register
from identity.staff.accounts import Factor
from identity.staff.add import NewStaff, add_staff, find_staff
from identity.staff.records import Role

FILES = Path(__file__).resolve().parent.parent / "examples" / "demo"
WRITTEN = "demo.json"


class Misfit(Exception):
    """A line of the demo's own files is not accepted."""


def join(app: Flask) -> None:
    """Bring the command `demo`."""
    app.cli.add_command(load_demo)


@click.command("demo")
def load_demo() -> None:
    """Load the demo country, and say in MOTLAN_HOME/demo.json how to sign in."""
    if not settings.current().demo:
        raise click.ClickException("MOTLAN_DEMO=1 is needed: demo people have fixed codes")
    if not FILES.is_dir():
        raise click.ClickException(f"the demo's files are not at {FILES}")
    told = load()
    click.echo("\n".join(_how_to_sign_in(told)))


def _how_to_sign_in(told: dict[str, Any]) -> Iterator[str]:
    yield f"The demo country; everybody in it is invented. Citizens: {told['issuer']}/my"
    for person in told["citizens"]:
        keys = f"{person['national_id']}  {person['password']:<26}{person['one_time_code']}"
        yield f"  {keys}  {person['name']}: {person['about']}"
    yield f"Staff: {told['issuer']}/staff/sign-in"
    for member in told["staff"]:
        keys = f"{member['username']:<16}{member['password']:<26}{member['one_time_code']}"
        yield f"  {keys}  {member['role']}: {member['name']}, {member['unit']}"


def load() -> dict[str, Any]:
    """Everything of the demo country stands; what `demo.json` now says."""
    loaded_on = _first_load()
    about = _json("people.json")
    shift = loaded_on - date.fromisoformat(about["files_date"])
    if not catalogue_is_published():
        attributes_file.publish_registers(attributes_file.packaged("registers.csv"))
        attributes_file.name_keepers(_json("keepers.json"))
    attributes_file.publish(attributes_file.packaged("catalogue.csv"))
    procedures_file.publish(procedures_file.packaged(), askable=attributes_file.askable())
    places_file.publish(places_files.packaged())
    enrol([read_line(line, is_demo=True) for line in _lines("citizens.jsonl")])
    register(documents(_services_text()))
    for member in _json("staff.json"):
        if find_staff(member["username"]) is None:
            add_staff(_new_staff(member))
    for file in sorted((FILES / "registers").glob("*.jsonl")):
        fill(file.stem, _shifted(file, shift), tell=_refuse, advance=lambda _size: None)
    return _write(loaded_on, about["people"])


def catalogue_is_published() -> bool:
    """Whether the procedures were published before."""
    return bool(catalogue.procedures())


def _new_staff(told: dict[str, str]) -> NewStaff:
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


def _first_load() -> date:
    written = settings.current().home / WRITTEN
    if written.exists():
        return date.fromisoformat(json.loads(written.read_text(encoding="utf-8"))["loaded_on"])
    return clock.today()


def _json(name: str) -> Any:  # noqa: ANN401 - whatever the file holds
    return json.loads((FILES / name).read_text(encoding="utf-8"))


def _lines(name: str) -> Iterator[bytes]:
    return (line for line in (FILES / name).read_bytes().splitlines() if line.strip())


def _shifted(file: Path, shift: timedelta) -> Iterator[bytes]:
    for line in file.read_bytes().splitlines():
        told = json.loads(line)
        told["as_of"] = (date.fromisoformat(told["as_of"]) + shift).isoformat()
        yield json.dumps(told, ensure_ascii=False).encode()


def _write(loaded_on: date, about: list[dict[str, Any]]) -> dict[str, Any]:
    chosen = settings.current()
    told = {
        "issuer": chosen.issuer,
        "sample": None if chosen.sample_bind is None else _sample(),
        "loaded_on": loaded_on.isoformat(),
        "citizens": _citizens({person["national_id"]: person for person in about}),
        "staff": _json("staff.json"),
        "services": _services(),
        "procedures": _procedures(),
    }
    path = chosen.home / WRITTEN
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return told


def _citizens(about: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    shown = ("national_id", "password", "one_time_code", "account_level")
    people = [json.loads(line) for line in _lines("citizens.jsonl")]
    return [
        {"name": person["full_name"]}
        | {member: person.get(member) for member in shown}
        | {member: about[person["national_id"]][member] for member in ("about", "live")}
        for person in people
    ]


def _services() -> list[dict[str, Any]]:
    shown = ("client_id", "client_secret", "token_endpoint_auth_method", "redirect_uris")
    return [
        {member: service.get(member) for member in (*shown, "procedures")}
        | {"organisation": service["organisation"]["name"]}
        for service in json.loads(_services_text())
    ]


def _procedures() -> list[dict[str, Any]]:
    return [
        {
            "code": procedure.code,
            "name": procedure.name_vi,
            "basis": procedure.basis,
            "attributes_required": list(procedure.attributes_required),
            "attributes_optional": list(procedure.attributes_optional),
        }
        for procedure in catalogue.procedures().values()
    ]


def _services_text() -> str:
    """The services, the sample service's addresses as they are here."""
    text = (FILES / "services.json").read_text(encoding="utf-8")
    return text.replace("http://localhost:8001", _sample())


def _sample() -> str:
    bind = settings.current().sample_bind or "127.0.0.1:8001"
    return "http://localhost:" + bind.rpartition(":")[2]
