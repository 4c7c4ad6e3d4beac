"""Initial access tokens, RFC 7591 §3: which services an organisation may register by itself."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from marshmallow import ValidationError

from identity import clock, database, sealing, trail
from identity.database import transaction
from identity.entry import Who
from identity.public_services.credentials import NONE
from identity.public_services.records import Block, Level, keep_organisation
from identity.public_services.registered import EVERY_SCOPE
from identity.self_registration import records

Members = Mapping[str, Any]

# What is always signed, where it is sent at all; of userinfo nothing is unless somebody says so.
SIGNED = ("id_token_signed_response_alg", "authorization_signed_response_alg")


class BadInvitationError(ValueError):
    """Nobody can be invited like that; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What may be registered with one invitation; stored by these names, which never change."""

    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    scopes: tuple[str, ...] = tuple(sorted(EVERY_SCOPE))
    procedures: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ("oidc",)
    may_omit_pkce: bool = False

    @classmethod
    def read(cls, stored: Members) -> "Policy":
        """The policy as it was stored."""
        words = {name: tuple(told) for name, told in stored.items() if name != "may_omit_pkce"}
        return cls(**words, may_omit_pkce=bool(stored["may_omit_pkce"]))

    def defaults(self, told: Members) -> dict[str, Any]:
        """What counts for members that were not sent."""
        profile = told.get("profile", "oidc" if "oidc" in self.profiles else self.profiles[0])
        is_public = told.get("token_endpoint_auth_method") == NONE
        may_omit = self.may_omit_pkce and profile == "oidc" and not is_public
        # OIDC Registration §2, JARM §3: RS256, but for a profile that forbids it.
        signed = dict.fromkeys(SIGNED, "RS256" if profile == "oidc" else "ES256")
        return {
            "profile": profile,
            "scope": " ".join(self.scopes),
            "require_pkce": not may_omit,
            **signed,
        }

    def check(self, told: Members) -> None:
        """Nothing goes beyond what the operator allowed.

        Raises:
            ValidationError: something does; it names the member.
        """
        said = {"scope": told["scope"].split(), "profile": [told["profile"]]} | {
            name: told[name] for name in ("grant_types", "procedures")
        }
        allowed = {"scope": self.scopes, "profile": self.profiles}
        allowed |= {"grant_types": self.grant_types, "procedures": self.procedures}
        for name, values in said.items():
            if set(values) - set(allowed[name]):
                raise ValidationError("asks for more than the initial access token allows", name)
        if not told["require_pkce"] and not self.may_omit_pkce:
            raise ValidationError("must be true with this initial access token", "require_pkce")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """One initial access token, as it stands."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    organisation: Members  # name, code, level, block as on the wire
    policy: Policy
    uses_left: int
    expires_at: datetime
    ended_at: datetime | None  # null: nobody took it back


def invite(organisation: Members, policy: Policy, *, uses: int, days: int) -> tuple[str, uuid.UUID]:
    """Whoever has the token may register services of that organisation; the token, and its name.

    The organisation is on record already, or is told whole. Only a digest of the token is kept.

    Raises:
        BadInvitationError: the organisation is neither.
    """
    token, invitation_id, at = secrets.token_urlsafe(32), database.new_id(), clock.now()
    columns = {
        "id": invitation_id,
        "digest": sealing.digest(token),
        "policy": asdict(policy),
        "uses_left": uses,
        "created_at": at,
        "expires_at": at + timedelta(days=days),
        "ended_at": None,
    }
    with transaction():
        columns["organisation_id"] = _organisation(organisation)
        records.add_invitation(columns)
        _record("invitation:made", invitation_id, organisation=organisation["code"])
    return token, invitation_id


def _organisation(told: Members) -> uuid.UUID:
    known = records.find_organisation(told["code"])
    if known is not None and all(getattr(known, name) == value for name, value in told.items()):
        organisation_id: uuid.UUID = known.id
        return organisation_id
    if known is not None:
        raise BadInvitationError("this organisation is on record under another description")
    if told.keys() == {"code"}:
        raise BadInvitationError("no such organisation on record: say --name, --level and --block")
    made, _ = keep_organisation(
        told["code"],
        name=told["name"],
        level=Level(told["level"]),
        block=Block(told["block"]),
    )
    return made


def end(invitation_id: uuid.UUID) -> None:
    """Nobody registers with it any more, and what was registered with it stays as it is.

    Raises:
        BadInvitationError: there is none, or it was taken back before.
    """
    with transaction():
        if not records.end_invitation(invitation_id):
            raise BadInvitationError("there is no such token, or it was ended before")
        _record("invitation:ended", invitation_id)


def find(token: str) -> Invitation | None:
    """The invitation that this token is, while it is good."""
    row = records.find_invitation(sealing.digest(token))
    return None if row is None else read(row)


def read(row: Any) -> Invitation:  # noqa: ANN401 - a database row
    """What a row says that was joined with its invitation."""
    return Invitation(
        id=row.id,
        organisation_id=row.organisation_id,
        organisation=organisation(row),
        policy=Policy.read(row.policy),
        uses_left=row.uses_left,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
    )


def organisation(row: Any, *, whose: str = "") -> Members:  # noqa: ANN401 - a database row
    """An organisation as on the wire, of a row whose columns for it begin with `whose`."""
    told = ("name", "code", "level", "block")
    return {name: str(getattr(row, whose + name)) for name in told}


def _record(entry_type: str, invitation_id: uuid.UUID, **named: str) -> None:
    subject = {"invitation": invitation_id.hex}
    trail.record(entry_type, Who(), subject={**subject, **named}, acting={"actor": "operator"})
