"""`motlan staff …`: who begins to work here, what becomes of them, and who works here."""

import uuid
from datetime import datetime

import click
from flask.cli import AppGroup

from identity import clock
from identity.citizens import people
from identity.citizens.national_id import MalformedNationalId, NationalId
from identity.presentation import by_name, by_words
from identity.staff import accounts, change, records
from identity.staff.add import NewStaff, proposed_username
from identity.staff.records import Role
from identity.staff_enrolment import invite as invitations
from identity.staff_enrolment.invite import Invitation

staff = AppGroup("staff", help="The people who work here: one account, one role, one unit.")
ROLES = click.Choice([str(role) for role in Role])


@staff.command("add")
@click.option("--role", required=True, type=ROLES, help="What the person may do here.")
@click.option("--unit", required=True, help="Where the person works, as pages show it.")
@click.option("--username", help="Without it, one is made of the name.")
@click.option("--number", is_flag=True, help="Ask for the person's own personal number.")
@click.argument("name")
def add(*, role: str, unit: str, username: str | None, number: bool, name: str) -> None:
    """Let NAME, somebody's full name, enrol as staff; prints a link and a code for 72 hours.

    With --number the account knows whose citizen it is: nobody opens entries about themselves, and
    nobody has two roles that exclude each other.
    """
    new = NewStaff(
        username=username or proposed_username(name),
        name=name,
        role=Role(role),
        unit=unit,
        own_citizen_id=_own() if number else None,
    )
    known = {each.casefold() for each in records.units()}
    invitation = invitations.invite(new)
    if " ".join(unit.split()).casefold() not in known:
        click.echo("note: nobody worked in this unit before; is it spelt as the others' is?")
    if not number:
        click.echo("note: without --number nothing keeps them from entries about themself")
    _tell(invitation)


@staff.command("list")
def show() -> None:
    """Who works here and who did: username, role, state, unit, name."""
    rows = by_words(by_name(records.everybody(), accounts.name_of), lambda row: row.unit)
    for row in sorted(rows, key=lambda each: each.ended_at is not None):
        state = _state(row.ended_at, has_password=bool(row.password_hash))
        told = f"{row.username:20}  {row.role:17}  {state:16}"
        click.echo(f"{told}  {row.unit}  ({accounts.name_of(row)})")


@staff.command("leave")
@click.argument("username")
def leave(username: str) -> None:
    """USERNAME works here no longer: everything ends now, and nobody gets that name again."""
    change.leave(username)
    click.echo("the account has ended; its name stays with its entries")
    if not any(_is_officer(row) for row in records.everybody()):
        click.echo("note: no security officer is left to review the log")


@staff.command("reset")
@click.argument("username")
def reset(username: str) -> None:
    """USERNAME lost password or second factor: both end now; prints a new link and code."""
    _tell(invitations.reset(username))


@staff.command("unit")
@click.argument("username")
@click.argument("unit")
def move(username: str, unit: str) -> None:
    """USERNAME works in UNIT from now on, and signs in again."""
    click.echo(f"works in {change.move(username, unit)} from now on; every session has ended")


@staff.command("role")
@click.argument("username")
@click.argument("role", type=ROLES, metavar="ROLE")
def assign(username: str, role: str) -> None:
    """USERNAME has another ROLE from now on (`staff add --help` names them), and signs in again."""
    change.change_role(username, Role(role))
    click.echo(f"is {role} from now on; every session has ended")


@staff.command("number")
@click.argument("username")
def identify(username: str) -> None:
    """Ask for the personal number of USERNAME, unseen: they open no entries about themself.

    It takes the place of one that was given before; the person signs in again.
    """
    change.member(username)  # before anybody types a number for nobody
    change.identify(username, _own())
    click.echo("the account knows whose it is from now on; every session has ended")


def _own() -> uuid.UUID:
    """Whose citizen account it is; typed unseen, since a command line is kept by the shell."""
    typed = click.prompt("personal number", hide_input=True)
    try:
        found = people.find_by_number(NationalId.typed(typed))
    except MalformedNationalId as fault:
        raise click.ClickException(str(fault)) from None
    if found is None:
        raise click.ClickException("nobody with this personal number is enrolled")
    return found


def _tell(invitation: Invitation) -> None:
    click.echo(f"username  {invitation.username}")
    click.echo(f"link      {invitation.link}")
    click.echo(f"code      {invitation.code}")
    click.echo(f"until     {clock.minute(invitation.ends_at)}, or until it is used")
    click.echo("Send the link, and tell the code another way: in person or by telephone.")


def _state(ended_at: datetime | None, *, has_password: bool) -> str:
    if ended_at is not None:
        return f"left {ended_at:%Y-%m-%d}"
    return "works here" if has_password else "not enrolled yet"


def _is_officer(row: object) -> bool:
    return (
        getattr(row, "role", None) is Role.SECURITY_OFFICER
        and getattr(row, "ended_at", None) is None
    )
