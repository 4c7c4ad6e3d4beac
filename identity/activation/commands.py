"""`motlan citizens letters OUT.csv`: what the printing house needs, and nothing beyond it."""

import csv
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from identity import files, presentation
from identity.activation import letters
from identity.activation.letters import Keep, Letter
from identity.citizens.commands import citizens
from identity.citizens.national_id import MalformedNationalId, NationalId

COLUMNS = ("full_name", "number_ends_with", "code", "valid_until")
PARTIAL = ".partial"


@citizens.command("letters")
@click.argument("out", metavar="OUT.csv", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--only",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of personal numbers, one a line: new letters for these people alone.",
)
def write_letters(out: Path, only: Path | None) -> None:
    """Write an activation code into OUT.csv for everybody without a password or a good letter.

    The file has mode 0600 and is never written over. A code works for 30 days, once; a person's
    new letter ends the one before.
    """
    numbers = None if only is None else _numbers(only)
    with _sheet(out) as keep:
        made = letters.issue(keep, only=numbers)
    click.echo(f"{made} letters")


def _numbers(file: Path) -> list[NationalId]:
    """The numbers of a file; one that is none is told by its line and not by its value."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise click.ClickException("the file of numbers is not UTF-8") from None
    found = []
    for place, line in enumerate(lines, start=1):
        try:
            if line.strip():
                found.append(NationalId.typed(line))
        except MalformedNationalId as fault:
            raise click.ClickException(f"line {place}: {fault}") from None
    return found


@contextmanager
def _sheet(out: Path) -> Iterator[Keep]:
    """Takes letters down; the file appears under its name when all of them are in it.

    Raises:
        click.ClickException: there is such a file, or one that was not finished, already.
    """
    partial = out.with_name(out.name + PARTIAL)
    for path in (out, partial):
        if path.exists():
            raise click.ClickException(f"{path.name} is there already: move it away first")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(partial, flags, files.PRIVATE_FILE), "wb") as file:
        _write(file, [COLUMNS], mark="\ufeff")
        empty = file.tell()
        try:
            yield lambda made: _write(file, [_row(letter) for letter in made])
            os.link(partial, out)  # unlike a rename it never takes the place of another file
        except BaseException:
            if file.tell() > empty:
                click.echo(f"what was issued so far is in {partial.name}", err=True)
            else:
                files.remove(partial)
            raise
    files.remove(partial)


def _write(file: IO[bytes], rows: Sequence[Sequence[str]], *, mark: str = "") -> None:
    """The rows are on the disk."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    file.write((mark + text.getvalue()).encode())
    file.flush()
    os.fsync(file.fileno())


def _row(letter: Letter) -> tuple[str, ...]:
    # A name has no sign that a spreadsheet would take for a formula (`person_name`), but it may
    # begin with a hyphen.
    name = letter.full_name.lstrip("-")
    ends = f"…{letter.number_ends}"  # the mark keeps a spreadsheet from dropping its zeros
    return name, ends, letter.code, presentation.day(letter.valid_until)
