"""`motlan services import`: what an operator types to register public services."""

import json
from pathlib import Path

import click
from flask.cli import AppGroup

from identity.registration.register import BadRegistrationError, documents, end, register

services = AppGroup("services", help="Public services: who may ask.")


@services.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_services(file: Path) -> None:
    """Register one or many public services; a known client_id is brought up to date."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        told = documents(text)
        outcomes = [outcome.as_json() for outcome in register(told)]
    except UnicodeDecodeError:
        raise click.ClickException("the file is not UTF-8; nothing was imported") from None
    except BadRegistrationError as fault:
        raise click.ClickException(f"{fault}; nothing was imported") from None
    is_one = not text.lstrip().startswith("[")
    click.echo(json.dumps(outcomes[0] if is_one else outcomes, ensure_ascii=False, indent=2))


@services.command("end")
@click.argument("client_id")
def end_service(client_id: str) -> None:
    """End a public service for good: its secret, its codes and its tokens are worth nothing."""
    try:
        end(client_id)
    except BadRegistrationError as fault:
        raise click.ClickException(str(fault)) from None
    click.echo(f"{client_id} has ended; nobody registers under that name again")
