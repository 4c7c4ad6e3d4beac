"""Publish the catalogue of procedures: a changed row is a new version, an equal one is nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from consent import sheets
from consent.procedures import catalogue, records
from consent.procedures.catalogue import Basis
from consent.sheets import BadSheet, Line, Published
from identity import clock
from identity.database import transaction
from identity.public_services.records import Level

PERSONAL_NUMBER = "personal_number"
ARTICLE = re.compile(r"\bĐiều \d")
COLUMNS: dict[str, sheets.Reading] = {
    "code": sheets.like(r"[1-9]\.[0-9]{6}", "a national procedure code such as 1.004222"),
    "short_name_vi": sheets.text,
    "name_vi": sheets.text,
    "name_en": sheets.text,
    "organisation": sheets.text,
    "level": sheets.word(*Level),
    "basis": sheets.word(*Basis),
    "min_account_level": sheets.whole(1, 2),
    "min_auth_level": sheets.whole(1, 4),
    "legal_basis": sheets.at_least_one,
    "purpose_vi": sheets.text,
    "purpose_en": sheets.text,
    "attributes_required": sheets.at_least_one,
    "attributes_optional": sheets.several,
    "retention": sheets.like(
        r"P(?=\d)(\d{1,3}Y)?(\d{1,3}M)?(\d{1,5}D)?", "a duration such as P1Y, P6M or P30D"
    ),
    "verified": sheets.several,
    "max_auth_age_seconds": sheets.whole_or_none(60, 86_400),
}
OPTIONAL = frozenset({"max_auth_age_seconds"})


@dataclass(frozen=True, slots=True)
class Askable:
    """What the catalogue of attributes says about asking; this area stands below it."""

    names: frozenset[str]
    by_none: frozenset[str]  # no procedure may ask for these
    like_number: frozenset[str]  # only beside the personal number


def packaged() -> Path:
    """The catalogue that comes with the software."""
    return Path(str(resources.files(__package__).joinpath("catalogue.csv")))


def publish(path: Path, *, askable: Askable) -> Published:
    """Every procedure of the file stands as it says; those it does not name stay.

    Raises:
        BadSheet: nothing was imported; each fault with its line and column.
    """
    lines = sheets.read(path, COLUMNS, key="code", optional=OPTIONAL)
    for line in lines:
        line.cells.update({column: line.cells.get(column) for column in OPTIONAL})
    faults = [fault for line in lines for fault in _faults(line, askable)]
    if faults:
        raise BadSheet(faults)
    with transaction():
        catalogue.forget()
        published = _append_changed(lines, source=path.name)
    catalogue.forget()
    return published


def _append_changed(lines: list[Line], *, source: str) -> Published:
    standing = {row.code: row for row in records.newest()}
    new = changed = 0
    for line in lines:
        before = standing.get(line.cells["code"])
        if before is not None and _says(before) == line.cells:
            continue
        version = 1 if before is None else before.version + 1
        stamp = {"version": version, "source": source, "recorded_at": clock.now()}
        records.append(line.cells | stamp)
        new, changed = new + (version == 1), changed + (version > 1)
    return Published(new, changed, len(lines) - new - changed)


def _says(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row of records
    return {column: getattr(row, column) for column in COLUMNS}


def _faults(line: Line, askable: Askable) -> Iterator[str]:
    required, optional = line.cells["attributes_required"], line.cells["attributes_optional"]
    for column in ("attributes_required", "attributes_optional"):
        for name in line.cells[column]:
            if name not in askable.names:
                yield line.fault(column, f"no attribute is called {name[:64]}")
            if name in askable.by_none:
                yield line.fault(column, f"no procedure may ask for {name}")
    if set(required) & set(optional):
        yield line.fault("attributes_optional", "names what is required too")
    like_number = askable.like_number.intersection(required + optional)
    if like_number and PERSONAL_NUMBER not in required:
        yield line.fault(
            "attributes_required",
            f"{min(like_number)} may equal {PERSONAL_NUMBER}, which must be required beside it",
        )
    # PDPL 91/2025 Art. 19.1: a notice quotes its article, or it is no notice.
    if line.cells["basis"] == Basis.LAW and not ARTICLE.search("|".join(line.cells["legal_basis"])):
        yield line.fault("legal_basis", "the basis law needs an article (Điều …)")
