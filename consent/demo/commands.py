"""The command that loads the demo country, and says how to go about in it."""

from collections.abc import Iterator
from typing import Any

import click
from flask import current_app

from consent.demo import files, tour
from consent.demo.load import load
from identity import settings


@click.command("demo")
def demo() -> None:
    """Load the demo country, and say in MOTLAN_HOME/demo.json how to sign in."""
    chosen = settings.current()
    if not chosen.demo:
        raise click.ClickException("MOTLAN_DEMO=1 is needed: demo people have fixed codes")
    if not files.FOLDER.is_dir():
        raise click.ClickException(f"the demo's files are not at {files.FOLDER}")
    # What people read and agree to is rendered, and a page of ours has an address and a language.
    with current_app.test_request_context(base_url=chosen.issuer):
        told = load(tell=click.echo)
    click.echo("\n".join([*_people(told), "", *tour.steps(told)]))


def _people(told: dict[str, Any]) -> Iterator[str]:
    yield f"Citizens sign in at {told['issuer']}/my with number, password and code:"
    for person in told["citizens"]:
        keys = f"{person['national_id']}  {person['password']:<26}{person['one_time_code']}"
        yield f"  {keys}  {files.shortened(person['name'], 28):<28}  {person['case']}"
    yield f"Who works here signs in at {told['issuer']}/staff/sign-in:"
    for member in told["staff"]:
        keys = f"{member['username']:<16}{member['password']:<26}{member['one_time_code']}"
        yield f"  {keys}  {member['role']:<16}  {member['unit']}"
