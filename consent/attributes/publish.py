"""Publish the catalogues of attributes and registers: a changed row is a new version."""

from collections.abc import Container, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from consent import sheets
from consent.attributes import catalogue, records, types
from consent.attributes.catalogue import DECLARED, OF_IDENTITY, Attribute
from consent.procedures.publish import Askable
from consent.sheets import BadSheet, Line, Published
from identity import clock
from identity.database import transaction

NAME = sheets.like(r"[a-z][a-z0-9_]{0,63}", "a name of lower-case letters, digits and _")
POPULATION = "population"
COLUMNS: dict[str, sheets.Reading] = {
    "name": NAME,
    "label_vi": sheets.text,
    "label_en": sheets.text,
    "register": NAME,
    "type": sheets.word(*types.TYPES),
    "sensitivity": sheets.word("basic", "sensitive"),
    "freshness_days": sheets.whole_or_none(1, 36_500),
    "equals_paper": sheets.yes_or_no,
    "may_be_supplied": sheets.yes_or_no,
    "notes": sheets.free_text,
}
REGISTER_COLUMNS: dict[str, sheets.Reading] = {
    "register": NAME,
    "name_vi": sheets.text,
    "name_en": sheets.text,
    "keeper": sheets.text_or_none,
    "keeper_code": sheets.text_or_none,
}


def packaged(name: str) -> Path:
    """A file that comes with the software: `catalogue.csv` or `registers.csv`."""
    return Path(str(resources.files(__package__).joinpath(name)))


def publish_registers(path: Path) -> int:
    """Every register of the file stands as it says; how many there are in it.

    Raises:
        BadSheet: nothing was imported.
    """
    optional = frozenset({"keeper_code"})
    lines = sheets.read(path, REGISTER_COLUMNS, key="register", optional=optional)
    with transaction():
        for line in lines:
            cells = dict(line.cells)
            records.put_register({"name": cells.pop("register"), **cells})
    catalogue.forget()
    return len(lines)


def name_keepers(codes: Mapping[str, str]) -> None:
    """The keepers of these registers have these organisation codes.

    Raises:
        BadSheet: no register is called so; nothing was named.
    """
    with transaction():
        faults = [name for name, code in codes.items() if not records.name_keeper(name, code)]
        if faults:
            raise BadSheet([f"no register is called {name[:64]}" for name in faults])
    catalogue.forget()


def publish(path: Path) -> Published:
    """Every attribute of the file stands as it says; those it does not name stay.

    Raises:
        BadSheet: nothing was imported; each fault with its line and column.
    """
    lines = sheets.read(path, COLUMNS, key="name")
    with transaction():
        catalogue.forget()
        standing, registers = catalogue.attributes(), catalogue.registers()
        faults = [
            fault
            for line in lines
            for fault in _faults(line, registers, before=standing.get(line.cells["name"]))
        ]
        if faults:
            raise BadSheet(faults)
        published = _append_changed(lines, standing, source=path.name)
    catalogue.forget()
    return published


def askable() -> Askable:
    """What this catalogue says to whoever publishes procedures."""
    known = catalogue.attributes().values()
    return Askable(
        names=frozenset(a.name for a in known),
        by_none=frozenset(a.name for a in known if a.is_asked_by_none),
        like_number=frozenset(a.name for a in known if a.is_like_number),
    )


def _append_changed(
    lines: list[Line], standing: Mapping[str, Attribute], *, source: str
) -> Published:
    new = changed = 0
    for line in lines:
        before = standing.get(line.cells["name"])
        if before is not None and _says(before) == line.cells:
            continue
        version = 1 if before is None else before.version + 1
        stamp = {"version": version, "source": source, "recorded_at": clock.now()}
        records.append_version(line.cells | stamp)
        new, changed = new + (version == 1), changed + (version > 1)
    return Published(new, changed, len(lines) - new - changed)


def _says(attribute: Attribute) -> dict[str, Any]:
    return {column: getattr(attribute, column) for column in COLUMNS}


def _faults(line: Line, registers: Container[str], *, before: Attribute | None) -> Iterator[str]:
    cells = line.cells
    if cells["register"] not in registers:
        yield line.fault("register", "no register is called so")
    if cells["register"] == DECLARED and not cells["may_be_supplied"]:
        yield line.fault("may_be_supplied", "what no register holds, only the person can say")
    if cells["name"] in OF_IDENTITY and (
        cells["register"] != POPULATION or cells["may_be_supplied"]
    ):
        yield line.fault("register", "identity keeps this value for the population register")
    if before is None:
        return
    # Values are stored in the form of their type, and stand under their register.
    if cells["type"] != before.type:
        yield line.fault("type", "cannot change: give the attribute another name")
    if cells["register"] != before.register != DECLARED:
        yield line.fault("register", "cannot change: give the attribute another name")
