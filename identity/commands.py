"""What an operator types: `motlan …` or `flask --app wsgi …`."""

from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from identity import log_keys, sealing, settings
from identity.provider import keys as signing_keys

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

secrets = AppGroup("secrets", help="The key ring, the signing keys and the log's key.")


def join(app: Flask) -> None:
    """Bring the commands of the foundation; the areas bring their own."""
    app.cli.add_command(secrets)


@secrets.command("init")
def init_secrets() -> None:
    """Make what is missing in MOTLAN_SECRETS; what is there stays."""
    make_secrets()
    click.echo("secrets are complete; back them up apart from the database")


def make_secrets() -> None:
    """The folder holds a key ring, signing keys and the log's key."""
    folder = settings.current().secrets
    sealing.create(folder)
    signing_keys.create(folder / signing_keys.FOLDER)
    log_keys.create(folder / log_keys.FOLDER)
