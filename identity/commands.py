"""What an operator types: `motlan …` or `flask --app wsgi …`."""

import signal
import threading

import click
from flask import Flask
from flask.cli import AppGroup

from identity import database, log_keys, schema, sealing, settings, web, worker
from identity import serve as supervisor
from identity.joining import joined
from identity.provider import keys as signing_keys

MIGRATIONS = schema.MIGRATIONS

secrets = AppGroup("secrets", help="The key ring, the signing keys and the log's key.")


def join(app: Flask) -> None:
    """Bring the commands of the foundation; the areas bring their own."""
    for command in (secrets, serve, work):
        app.cli.add_command(command)


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


@click.command("serve")
def serve() -> None:
    """The supervisor: web processes and background worker, until Ctrl-C."""
    chosen = settings.current()
    if chosen.is_loopback:
        make_secrets()
    try:
        sealing.ring()
        _require_fit()
        raise SystemExit(supervisor.serve(chosen))
    except (sealing.RingFault, supervisor.PlaceTaken) as fault:
        raise click.ClickException(str(fault)) from None


@click.command("worker")
def work() -> None:
    """The background worker alone (PostgreSQL)."""
    if not settings.current().is_postgresql:
        raise click.ClickException("on SQLite the worker is a thread of the web process: serve")
    stop = threading.Event()
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, lambda *_: stop.set())
    web.end_with_supervisor()
    try:
        worker.run_forever(stop)
    except worker.AlreadyWorking as fault:
        raise click.ClickException(str(fault)) from None


def _require_fit() -> None:
    """Nothing is served on tables of another version, nor on a log that must not go on."""
    if fault := schema.fault():
        raise click.ClickException(fault)
    for check in joined().starts:
        if fault := check.look():
            raise click.ClickException(f"{check.name}: {fault}")
    database.close()  # the children open their own
