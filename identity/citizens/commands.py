"""`motlan citizens import FILE.jsonl`: enrol people, a batch at a time."""

from collections.abc import Iterator
from pathlib import Path

import click
from flask.cli import AppGroup

from identity import settings
from identity.citizens.enrolment import Tally, enrol
from identity.citizens.wire import BadLine, Line, read_line

# A batch is one commit; this many people take well under a second (contract: once a second).
BATCH = 200

citizens = AppGroup("citizens", help="The register of people.")


@citizens.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_people(file: Path) -> None:
    """Enrol the people of FILE.jsonl, one JSON object a line; the good lines are kept."""
    faults: list[str] = []
    total = Tally()
    with click.progressbar(length=file.stat().st_size, label="citizens") as bar:
        for batch, size in _batches(file, faults):
            done = enrol(batch)
            total.added += done.added
            total.changed += done.changed
            total.unchanged += done.unchanged
            bar.update(size)
    for fault in faults:
        click.echo(fault, err=True)
    click.echo(
        f"{total.added} added, {total.changed} changed, {total.unchanged} unchanged,"
        f" {len(faults)} bad"
    )
    if faults:
        raise SystemExit(1)


def _batches(file: Path, faults: list[str]) -> Iterator[tuple[list[Line], int]]:
    """The good lines, each number once a batch, and how many bytes each batch read."""
    batch: dict[str, Line] = {}
    size = 0
    is_demo = settings.current().demo
    with file.open("rb") as lines:
        for number, raw in enumerate(lines, start=1):
            line = _good(number, raw, faults=faults, is_demo=is_demo)
            digits = "" if line is None else line.identity.national_id.reveal()
            if digits in batch or len(batch) == BATCH:
                yield list(batch.values()), size
                batch, size = {}, 0
            if line is not None:
                batch[digits] = line
            size += len(raw)
    yield list(batch.values()), size


def _good(number: int, raw: bytes, *, faults: list[str], is_demo: bool) -> Line | None:
    """The line, or null where it is empty or bad; a bad one is noted."""
    if not raw.strip():
        return None
    try:
        return read_line(raw, is_demo=is_demo)
    except BadLine as fault:
        faults.append(f"line {number}: {fault}")
        return None
