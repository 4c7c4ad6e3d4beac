"""What an operator types: `motlan …` or `flask --app wsgi …`."""

import signal
import threading

import click
from flask import Flask
from flask.cli import AppGroup, FlaskGroup

from identity import (
    database,
    doctor,
    files,
    log_keys,
    schema,
    sealing,
    settings,
    trail,
    web,
    worker,
)
from identity import serve as supervisor
from identity.entry import Who
from identity.joining import joined
from identity.provider import key_files
from identity.provider import keys as signing_keys

MIGRATIONS = schema.MIGRATIONS

secrets = AppGroup("secrets", help="The key ring, the signing keys and the log's key.")
keys = AppGroup("keys", help="The keys that sign tokens.")

# What an operator can mend: told in one line, without a traceback.
FAULTS = (
    files.UnsafeFileError,
    sealing.RingFault,
    sealing.Unreadable,
    key_files.RotatedTooSoonError,
)


class Motlan(FlaskGroup):
    """The command line; what an operator can mend is told in one line."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except FAULTS as fault:
            raise click.ClickException(str(fault)) from None
        except Exception as error:
            if not database.is_unavailable(error):
                raise
            told = schema.fault() or "the database cannot be written: try again, or see its log"
            raise click.ClickException(told) from None


def join(app: Flask) -> None:
    """Bring the commands of the foundation; the areas bring their own."""
    for command in (secrets, keys, serve, work, examine):
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


@keys.command("list")
def list_keys() -> None:
    """The keys as others see them: state, algorithm, id, since when."""
    for key in key_files.listed(settings.current().secrets / signing_keys.FOLDER):
        click.echo(f"{key.state:8}  {key.alg}  {key.kid}  {key.published_at:%Y-%m-%d %H:%M} UTC")


@keys.command("rotate")
@click.option("--early", is_flag=True, help="For a stolen key: before everybody knows the next.")
def rotate_keys(*, early: bool) -> None:
    """Sign with the next keys; the old ones stay published until their last token has ended."""
    for rotation in signing_keys.rotate(early=early):
        named = {"alg": rotation.fresh.alg, "kid": rotation.fresh.kid}
        trail.record("key:rotated", Who(), subject=named)
        click.echo(f"{rotation.fresh.alg}: now signing with {rotation.fresh.kid}")
        click.echo(f"{rotation.retired.alg}: {rotation.retired.kid} stays published for a while")


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


@click.command("doctor")
def examine() -> None:
    """Look at settings, database, keys, clock, log head, worker, outbound; exit 1 if one is ill."""
    found = list(doctor.faults())
    for fault in found:
        click.echo(fault)
    if found:
        raise SystemExit(1)
    click.echo("all is well")


def _require_fit() -> None:
    """Nothing is served on tables of another version, nor on a log that must not go on."""
    if fault := schema.fault():
        raise click.ClickException(fault)
    for check in joined().starts:
        if fault := check.look():
            raise click.ClickException(f"{check.name}: {fault}")
    database.close()  # the children open their own
