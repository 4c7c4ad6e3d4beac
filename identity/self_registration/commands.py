"""`motlan services token …`: what an operator types to let an organisation register by itself."""

import json
import uuid
from typing import Any

import click
from marshmallow import ValidationError

from identity import clock
from identity.public_services.records import Block, Level
from identity.public_services.registered import EVERY_SCOPE, OF_SERVICES
from identity.registration.commands import services
from identity.registration.register import complaints
from identity.registration.rules import GRANT_TYPES
from identity.registration.wire import PROFILES, OrganisationSchema, ProceduresSchema
from identity.self_registration import invitations, records
from identity.self_registration.invitations import BadInvitationError, Invitation, Policy


def _several(allowed: list[str]) -> click.Choice[str]:
    return click.Choice(sorted(str(one) for one in allowed))


@services.command("token")
@click.option("--organisation", "code", required=True, help="Its electronic agency code.")
@click.option("--name", help="Of an organisation that is not on record yet; with level and block.")
@click.option("--level", type=_several(list(Level)))
@click.option("--block", type=_several(list(Block)))
@click.option("--uses", type=click.IntRange(1, 1_000), default=1, show_default=True)
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True)
@click.option("--procedure", "procedures", multiple=True, help="A code that may be registered.")
@click.option("--scope", "scopes", multiple=True, type=_several(list(EVERY_SCOPE | OF_SERVICES)))
@click.option("--grant-type", "grant_types", multiple=True, type=_several(list(GRANT_TYPES)))
@click.option("--profile", "profiles", multiple=True, type=_several(list(PROFILES)))
@click.option(
    "--may-omit-pkce",
    is_flag=True,
    help="For certification plans: none, and assertions for /token.",
)
def token(*, uses: int, days: int, **told: Any) -> None:  # noqa: ANN401 - the options that are left
    """Let an organisation register services by itself; prints a token once.

    Options that may be repeated say all that is allowed; without them: every scope about a
    person, the grant types authorization_code and refresh_token, the profile oidc, no procedure.
    """
    names = ("code", "name", "level", "block")
    organisation = {name: told.pop(name) for name in names if told[name] is not None}
    is_partial = not {"name", "level", "block"} & organisation.keys()
    try:
        checked = OrganisationSchema(partial=is_partial).load(organisation)
        ProceduresSchema().load({"procedures": list(told["procedures"])})
        text, invitation_id = invitations.invite(
            checked, Policy(**{k: v for k, v in told.items() if v}), uses=uses, days=days
        )
    except ValidationError as fault:
        raise click.ClickException("; ".join(complaints(fault))) from None
    except BadInvitationError as fault:
        raise click.ClickException(str(fault)) from None
    click.echo(json.dumps({"id": str(invitation_id), "token": text}, indent=2))


@services.command("tokens")
def tokens() -> None:
    """Every token there is or was, the newest first: id, state, uses left, end, organisation."""
    for row in records.invitations():
        one = invitations.read(row)
        told = f"{one.id}  {_state(one):8}  {one.uses_left:4}  {clock.minute(one.expires_at)}"
        click.echo(f"{told}  {one.organisation['name']}")


def _state(one: Invitation) -> str:
    if one.ended_at is not None:
        return "ended"
    if one.expires_at <= clock.now():
        return "over"
    return "good" if one.uses_left else "used up"


@services.command("end-token")
@click.argument("token_id", type=click.UUID)
def end_token(token_id: uuid.UUID) -> None:
    """Take a token back: nothing is registered, changed or ended with it any more."""
    try:
        invitations.end(token_id)
    except BadInvitationError as fault:
        raise click.ClickException(str(fault)) from None
    click.echo("the token has ended; what was registered with it goes on, and changes no more")
