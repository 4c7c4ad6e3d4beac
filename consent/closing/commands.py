"""`motlan log close`."""

import click

from consent.audit.commands import log
from consent.audit.leaves import HeadError
from consent.closing import close
from identity import worker

LONGEST = 200


def join() -> None:
    """The command stands beside the log's others."""
    log.add_command(close_log)


@click.command("close")
@click.option("--reason", required=True, help="Why, in a few words, without anybody's data.")
def close_log(reason: str) -> None:
    """Close a log that lost entries with a signed statement, and open the next one.

    Only after a restore, when no newer backup is left. What was lost stays provable by everybody
    who kept a head or a promise of it.
    """
    if not reason.strip() or len(reason) > LONGEST or not reason.isprintable():
        raise click.ClickException(f"--reason: one line of at most {LONGEST} characters")
    try:
        opened = close.close(reason.strip())
    except worker.AlreadyWorking:
        raise click.ClickException("stop `motlan serve` and every worker first") from None
    except (close.NothingToClose, HeadError) as fault:
        raise click.ClickException(str(fault)) from None
    click.echo(f"now open: {opened}; run `motlan log verify`, and tell those who kept heads")
