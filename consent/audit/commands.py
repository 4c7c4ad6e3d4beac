"""`motlan log …`: verify the access log, show its head, export its public side."""

from contextlib import suppress
from pathlib import Path

import click
from flask.cli import AppGroup

from consent.audit import heads, records
from consent.audit.leaves import CopyError, HeadError
from consent.audit.verify import FULL_CHECK, Verdict, size_found, told, verify
from identity import clock, database, worker
from identity.database import transaction

PIECE = 2_000

log = AppGroup("log", help="The access log, checked and published.")


@log.command("verify")
@click.option("--against", "copy", type=click.Path(exists=True, path_type=Path), metavar="COPY")
def verify_log(copy: Path | None) -> None:
    """Recompute everything from the stored bytes; exit 1 and the first bad position if it fails.

    COPY is a folder that `log export` made, or a file with one checkpoint, kept by somebody else:
    what it says is then held against the log too.
    """
    try:
        verdict = verify(copy)
    except CopyError as fault:
        raise click.ClickException(str(fault)) from None
    _remember(verdict)
    if not verdict.is_whole:
        raise click.ClickException(told(verdict))
    click.echo(f"{told(verdict)}, every root and every part recomputed")


def _remember(verdict: Verdict) -> None:
    """The officers' desk says when the whole log was last checked, and what came of it."""
    try:
        with transaction():
            worker.mark(FULL_CHECK, told(verdict))
    except Exception as error:
        if not database.is_unavailable(error):
            raise
        click.echo("the database cannot be written: nobody is told of this check", err=True)


def last_fault() -> str | None:
    """What the last `motlan log verify` found, until another one finds the log whole."""
    last = worker.said(FULL_CHECK)
    if last is None or size_found(last[1]) is not None:
        return None
    return f"{last[1]} ({clock.minute(last[0])}): keep the database as it is, and see docs"


@log.command("checkpoint")
def show_checkpoint() -> None:
    """Sign what is sequenced if no worker is there to do it, and print the latest head."""
    try:
        # A worker that holds the lock signs within a second.
        with suppress(worker.AlreadyWorking), worker.alone():
            heads.sign()
    except HeadError as fault:
        raise click.ClickException(str(fault)) from None
    head = records.newest_head()
    if head is None:
        raise click.ClickException("no entry was sequenced yet")
    click.echo(head.checkpoint, nl=False)


@log.command("mend")
def mend_leaves() -> None:
    """Write the leaves beside the head anew, if the database's give the root that was signed."""
    try:
        size = heads.mend()
    except HeadError as fault:
        raise click.ClickException(str(fault)) from None
    click.echo(f"{size} leaves, which give the root that was signed")


@log.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export_log(folder: Path) -> None:
    """Write the head and every leaf to FOLDER: enough to recompute the root, nothing personal."""
    head = records.newest_head()
    if head is None:
        raise click.ClickException("no head was signed yet")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "leaves").open("wb") as file:
        for start in range(0, head.size, PIECE):
            for row in records.placed(start, min(start + PIECE, head.size), columns=records.LEAF):
                leaf = bytes(row.leaf)
                file.write(len(leaf).to_bytes(2, "big") + leaf)
    (folder / "checkpoint").write_text(head.checkpoint, encoding="utf-8")
    click.echo(f"{head.size} leaves in {folder}")
