"""`motlan backup` and `motlan restore`."""

from pathlib import Path

import click
import flask_migrate
from flask import Flask, current_app
from flask.cli import with_appcontext

from identity import schema, trail
from identity.entry import Who
from identity.joining import Check, joined
from identity.operations import backup, dumps, records, restore
from identity.operations.manifest import Manifest, SpoiltBackup

FAULTS = (
    backup.NotEmptyError,
    dumps.ToolFault,
    records.DamagedError,
    restore.CannotRestore,
    SpoiltBackup,
)
A_FOLDER = click.Path(file_okay=False, path_type=Path)
THERE = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("backup")
@click.argument("folder", type=A_FOLDER, metavar="DIR")
def back_up(folder: Path) -> None:
    """Copy the database of this moment to DIR/data, and apart from it the secrets to DIR/secrets.

    Everything may go on running. Keep the two on different media: who has both has everything.
    """
    if fault := schema.fault():
        raise click.ClickException(fault)
    try:
        made = backup.back_up(folder)
    except FAULTS as fault:
        raise click.ClickException(str(fault)) from None
    size = sum(each.size for each in made.files)
    click.echo(f"{folder / backup.DATA}: {size} bytes, {_head(made)}")
    click.echo(f"{folder / backup.SECRETS}: key ring and keys; keep them on other media")


@click.command("restore")
@click.argument("folder", type=THERE, metavar="DIR")
@click.option("--secrets", "apart", type=THERE, help="Where the secrets are, if not in DIR.")
@with_appcontext
def put_back(folder: Path, apart: Path | None) -> None:
    """Put the backup in DIR into an empty database; then say whether the log may go on.

    Secrets and second store are put back only where there are none.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001 - a proxy's documented way
    try:
        done = restore.put_back(folder / backup.DATA, apart or folder / backup.SECRETS, app=app)
    except FAULTS as fault:
        raise click.ClickException(str(fault)) from None
    flask_migrate.upgrade()  # an older backup gets the newer tables; and who may do what is granted
    _record(done.manifest)
    click.echo(f"the database of {done.manifest.made_at}, {_head(done.manifest)}")
    click.echo(f"secrets: {'those that were here' if done.has_own_secrets else 'put back'}")
    click.echo(f"second store: {'the one that was here' if done.has_own_head else 'put back'}")
    if not done.has_own_head:
        _require_well(joined().restored)
    _require_well([*joined().starts, *joined().proofs])
    click.echo("the log is whole")
    if not done.has_own_head:
        click.echo("it agrees with a second store of the same backup: hold it against a copy that")
        click.echo("somebody else kept, with `motlan log verify --against COPY`")


def _head(manifest: Manifest) -> str:
    return f"{manifest.log['size']} entries signed" if manifest.log else "nothing signed yet"


def _record(manifest: Manifest) -> None:
    """The log says that what follows stands on a backup."""
    trail.record(
        "database:restored",
        Who(),
        subject={"made_at": manifest.made_at, "backup": manifest.id, "log": manifest.log},
    )


def _require_well(checks: list[Check]) -> None:
    for check in checks:
        if fault := check.look():
            raise click.ClickException(f"{check.name}: {fault}")
