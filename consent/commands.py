"""What an operator types about catalogues and registers: `motlan procedures import …`."""

from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from consent import sheets
from consent.attributes import catalogue
from consent.attributes import publish as attributes_file
from consent.attributes.catalogue import DECLARED
from consent.places import files as places_files
from consent.places import publish as places_file
from consent.procedures import publish as procedures_file
from consent.registers import fill as register_file
from consent.sheets import BadSheet

FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, readable=True, path_type=Path)

procedures = AppGroup("procedures", help="The catalogue of administrative procedures.")
attributes = AppGroup("attributes", help="The catalogue of attributes and of their registers.")
places = AppGroup("places", help="Administrative units, and what became of them.")
registers = AppGroup("registers", help="The embedded registers.")


def join(app: Flask) -> None:
    """Bring the commands of the catalogues and registers."""
    for group in (procedures, attributes, places, registers):
        app.cli.add_command(group)


@procedures.command("import")
@click.argument("file", type=FILE, required=False)
def import_procedures(file: Path | None) -> None:
    """Publish the procedures of FILE (CSV); without FILE, those that come with the software."""
    try:
        published = procedures_file.publish(
            file or procedures_file.packaged(), askable=attributes_file.askable()
        )
    except BadSheet as bad:
        raise _stopped(bad) from None
    _say("procedures", published)


@attributes.command("import")
@click.argument("file", type=FILE, required=False)
@click.option("--registers", "registers_csv", type=FILE, help="Publish these registers first.")
def import_attributes(file: Path | None, registers_csv: Path | None) -> None:
    """Publish the attributes of FILE (CSV); without FILE, those that come with the software.

    Where no register is known yet, the registers that come with the software are published too.
    """
    try:
        if registers_csv or not catalogue.registers():
            chosen = registers_csv or attributes_file.packaged("registers.csv")
            click.echo(f"registers: {attributes_file.publish_registers(chosen)}")
        published = attributes_file.publish(file or attributes_file.packaged("catalogue.csv"))
    except BadSheet as bad:
        raise _stopped(bad) from None
    _say("attributes", published)


@places.command("import")
@click.argument("folder", type=FOLDER, required=False, metavar="DIR")
def import_places(folder: Path | None) -> None:
    """Publish the places of DIR (CSV); without DIR, those that come with the software."""
    try:
        published = places_file.publish(folder or places_files.packaged())
    except BadSheet as bad:
        raise _stopped(bad) from None
    _say("places", published)


@registers.command("import")
@click.argument("register")
@click.argument("file", type=FILE)
def import_register(register: str, file: Path) -> None:
    """Fill REGISTER from FILE (JSON Lines); good lines are kept, bad ones told and left out."""
    if register == DECLARED or register not in catalogue.registers():
        raise click.ClickException("no register that can be filled is called so")
    with file.open("rb") as lines, click.progressbar(length=file.stat().st_size) as bar:
        bar.label = register
        filled = register_file.fill(register, lines, tell=_bad_line, advance=bar.update)
    click.echo(f"{register}: {filled.kept} kept, {filled.unchanged} unchanged, {filled.bad} bad")
    if filled.bad:
        raise SystemExit(1)


def _bad_line(number: int, fault: str) -> None:
    click.echo(f"line {number}, {fault}", err=True)


def _stopped(bad: BadSheet) -> click.ClickException:
    return click.ClickException("nothing was imported\n" + "\n".join(bad.faults))


def _say(what: str, published: sheets.Published) -> None:
    click.echo(
        f"{what}: {published.new} new, {published.changed} changed, {published.unchanged} unchanged"
    )
