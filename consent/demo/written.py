"""`MOTLAN_HOME/demo.json`: who there is, how they sign in, and who may ask them what (contract)."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from consent.demo import files
from consent.procedures import catalogue
from identity import settings

NAME = "demo.json"


def path() -> Path:
    """Where it is."""
    return settings.current().home / NAME


def loaded_on() -> date | None:
    """The day of the first load; null: it was never loaded to its end."""
    if not path().exists():
        return None
    return date.fromisoformat(json.loads(path().read_text(encoding="utf-8"))["loaded_on"])


def write(loaded_on: date) -> dict[str, Any]:
    """The file says what stands; what it says."""
    chosen = settings.current()
    told = {
        "issuer": chosen.issuer,
        "sample": None if chosen.sample_bind is None else files.sample(),
        "loaded_on": loaded_on.isoformat(),
        "citizens": _citizens(),
        "staff": files.read("staff.json"),
        "services": _services(),
        "procedures": _procedures(),
    }
    path().parent.mkdir(parents=True, exist_ok=True)
    path().write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return told


def _citizens() -> list[dict[str, Any]]:
    shown = ("national_id", "password", "one_time_code", "account_level")
    people = {person["national_id"]: person for person in files.read("people.json")["people"]}
    return [
        {"name": line["full_name"]}
        | {member: line.get(member) for member in shown}
        | _case(people[line["national_id"]])
        for line in files.lines("citizens.jsonl")
    ]


def _case(person: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody is there for: in a word, and in a sentence that says what to try."""
    return {member: person[member] for member in ("case", "about", "live")}


def _services() -> list[dict[str, Any]]:
    shown = ("client_id", "client_secret", "token_endpoint_auth_method", "redirect_uris")
    return [
        {member: service.get(member) for member in (*shown, "procedures")}
        | {"organisation": service["organisation"]["name"]}
        for service in json.loads(files.services())
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
