"""What an operator types: `motlan …` or `flask --app wsgi …`."""

import copy
import errno
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import Flask, current_app
from flask.cli import AppGroup, FlaskGroup, with_appcontext

from identity import (
    database,
    doctor,
    errors,
    files,
    listening,
    log_keys,
    meters,
    postgresql,
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
from identity.signing import key_files, key_list
from identity.signing import keys as signing_keys
from identity.signing.algorithms import ALGORITHMS

MIGRATIONS = schema.MIGRATIONS

secrets = AppGroup("secrets", help="The key ring, the signing keys and the log's key.")
keys = AppGroup("keys", help="The keys that sign tokens.")

# What an operator can mend: told in one line, without a traceback.
FAULTS = (
    files.UnsafeFileError,
    sealing.RingFault,
    sealing.Unreadable,
    key_files.RotatedTooSoonError,
    key_files.NoSuchKeyError,
)


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """What an operator can mend ends the command with one line; anything else is a mistake of ours.

    Raises:
        click.ClickException: with that line, which says what to do.
    """
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:
        told = _line(error)
        if told is None:
            raise
        raise click.ClickException(told) from None


def _line(error: Exception) -> str | None:
    """What to do about it; null: nothing that an operator could."""
    if isinstance(error, FAULTS):
        return str(error)
    if isinstance(error, errors.Refusal):
        return error.detail
    # What is forbidden first: a migration that was not done for it leaves tables lacking.
    if fault := postgresql.forbidden(error) or schema.fault():
        return fault
    if isinstance(error, OSError):
        # Where nobody reads on, click ends quietly.
        return None if error.errno == errno.EPIPE else _file_fault(error)
    if database.is_unavailable(error):
        return "the database cannot be written: try again, or see its log"
    return None


def _file_fault(error: OSError) -> str:
    """Which file, and why; a full disk is met when no name is at hand any more."""
    why = error.strerror or type(error).__name__
    return f"{error.filename}: {why}" if error.filename else f"a file could not be used: {why}"


class Motlan(FlaskGroup):
    """The command line `motlan`."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        with told_in_one_line():
            return super().invoke(ctx)


class Commands(AppGroup):
    """The app's commands: `flask --app wsgi` takes them from here, one by one, as `motlan` does."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, which tells its faults in one line."""
        found = super().get_command(ctx, cmd_name)
        if found is None:
            return None
        command = copy.copy(found)

        def invoke(inner: click.Context) -> object:
            with told_in_one_line():
                return found.invoke(inner)

        command.invoke = invoke  # type: ignore[method-assign,assignment] # of this copy alone
        return command


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
    chosen = settings.current()
    folder = chosen.secrets
    chosen.home.mkdir(mode=0o700, parents=True, exist_ok=True)  # the first command on a new machine
    sealing.create(folder)
    signing_keys.create()
    log_keys.create(folder / log_keys.FOLDER)


@keys.command("list")
def list_keys() -> None:
    """The keys as others see them: state, algorithm, id, since when."""
    for key in key_list.listed(settings.current().secrets / signing_keys.FOLDER):
        click.echo(f"{key.state:8}  {key.alg}  {key.kid}  {key.published_at:%Y-%m-%d %H:%M} UTC")


@keys.command("rotate")
@click.option(
    "--early", is_flag=True, help="Before everybody knows the next; for a stolen key see remove."
)
@click.option(
    "--algorithm", "chosen", multiple=True, type=click.Choice(ALGORITHMS), help="This one alone."
)
def rotate_keys(*, early: bool, chosen: tuple[str, ...]) -> None:
    """Sign with the next keys; the old ones stay published until their last token has ended."""
    if fault := schema.fault():  # first: a rotation that stands in no log would be half of one
        raise click.ClickException(fault)
    for rotation in signing_keys.rotate(early=early, algorithms=chosen or ALGORITHMS):
        named = {"alg": rotation.fresh.alg, "kid": rotation.fresh.kid}
        trail.record("key:rotated", Who(), subject=named)
        click.echo(f"{rotation.fresh.alg}: now signing with {rotation.fresh.kid}")
        click.echo(f"{rotation.retired.alg}: {rotation.retired.kid} stays published for a while")


# A thumbprint may begin with a dash, which makes no option of it.
@keys.command("remove", context_settings={"ignore_unknown_options": True})
@click.argument("kid")
def remove_key(kid: str) -> None:
    """For a stolen key: nothing that it signed is believed any more, and the next one signs."""
    if fault := schema.fault():
        raise click.ClickException(fault)
    removal = signing_keys.remove(kid)
    gone, successor = removal.gone, removal.successor
    trail.record("key:removed", Who(), subject={"alg": gone.alg, "kid": gone.kid})
    click.echo(f"{gone.alg}: {gone.kid} is believed no more")
    if successor is not None:
        trail.record("key:rotated", Who(), subject={"alg": successor.alg, "kid": successor.kid})
        click.echo(f"{gone.alg}: now signing with {successor.kid}")
    if removal.fault is not None:  # last: it is believed no more, whatever is still to do
        raise click.ClickException(removal.fault)


@click.command("serve")
@click.option("--without-worker", is_flag=True, help="It runs elsewhere, as `motlan worker`.")
@with_appcontext
def serve(*, without_worker: bool) -> None:
    """The supervisor: web processes and background worker, until Ctrl-C."""
    chosen = settings.current()
    if without_worker and not chosen.is_postgresql:
        raise click.ClickException("on SQLite the worker is a thread of the web process")
    if chosen.is_loopback:
        make_secrets()
    try:
        sealing.ring()
        _require_fit()
        database.close()  # the children open their own
        if chosen.metrics_bind is not None:
            app: Flask = current_app._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001 - a proxy's documented way
            database.init_app(app, chosen)  # and the supervisor reads what is measured
        raise SystemExit(supervisor.serve(chosen, with_worker=not without_worker))
    except (sealing.RingFault, listening.PlaceTaken) as fault:
        raise click.ClickException(str(fault)) from None


# Somebody waits for a request, nobody for the worker's next turn: a third of a web process's share.
YIELDING = 5


@click.command("worker")
def work() -> None:
    """The background worker alone (PostgreSQL)."""
    if not settings.current().is_postgresql:
        raise click.ClickException("on SQLite the worker is a thread of the web process: serve")
    stop = threading.Event()
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, lambda *_: stop.set())
    web.end_with_supervisor()
    _require_fit()
    os.nice(YIELDING)
    if settings.current().metrics_bind is not None:
        meters.watch()
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
