"""Tables of services that register themselves: who was let in, and what manages a registration."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Row, insert, select, update
from sqlalchemy.orm import Mapped, aliased, mapped_column

from identity import clock, database
from identity.columns import Base
from identity.public_services.records import Organisation, PublicService


class ServiceInvitation(Base):
    """An initial access token (RFC 7591 §3): services of one organisation may register with it."""

    __tablename__ = "service_invitation"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # how operators call it; no secret
    digest: Mapped[bytes] = mapped_column(unique=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    # What may be registered, `invitations.Policy` version 1: grant_types, scopes, procedures,
    # profiles (arrays of words) and may_omit_pkce.
    policy: Mapped[dict[str, Any]]
    uses_left: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # null: no operator took it back


class SelfRegistration(Base):
    """A service that registered itself, and what it shows to manage that (RFC 7592)."""

    __tablename__ = "self_registration"

    public_service_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("public_service.id"), primary_key=True
    )
    invitation_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("service_invitation.id"), index=True
    )
    digest: Mapped[bytes]  # of the registration access token
    # Of what the service last put on record; null: that was before it was kept.
    kept_digest: Mapped[bytes | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


_INVITED = select(
    ServiceInvitation.id,
    ServiceInvitation.organisation_id,
    ServiceInvitation.policy,
    ServiceInvitation.uses_left,
    ServiceInvitation.created_at,
    ServiceInvitation.expires_at,
    ServiceInvitation.ended_at,
    Organisation.code,
    Organisation.name,
    Organisation.level,
    Organisation.block,
).join(Organisation, Organisation.id == ServiceInvitation.organisation_id)
_OWNER = aliased(Organisation)  # as it is now: an operator may have moved the service
_MANAGED = (
    _INVITED.add_columns(
        PublicService.id.label("public_service_id"),
        PublicService.client_id,
        PublicService.registration,
        PublicService.organisation_id.label("owner_id"),
        _OWNER.code.label("owner_code"),
        _OWNER.name.label("owner_name"),
        _OWNER.level.label("owner_level"),
        _OWNER.block.label("owner_block"),
        PublicService.secret_digest,
        SelfRegistration.created_at.label("registered_at"),
        SelfRegistration.kept_digest,
    )
    .join(SelfRegistration, SelfRegistration.invitation_id == ServiceInvitation.id)
    .join(PublicService, PublicService.id == SelfRegistration.public_service_id)
    .join(_OWNER, _OWNER.id == PublicService.organisation_id)
)


def find_organisation(code: str) -> Row[Any] | None:
    """The organisation of that code."""
    return database.row(select(Organisation.__table__).where(Organisation.code == code))


def add_invitation(columns: Mapping[str, Any]) -> None:
    """Somebody is invited."""
    database.write(insert(ServiceInvitation), columns)


def find_invitation(digest: bytes) -> Row[Any] | None:
    """The invitation that is good now."""
    return database.row(_INVITED.where(ServiceInvitation.digest == digest, *_good()))


def invitations() -> Sequence[Row[Any]]:
    """Every one there is or was, the newest first."""
    return database.rows(_INVITED.order_by(ServiceInvitation.created_at.desc()))


def spend_invitation(invitation_id: uuid.UUID) -> bool:
    """Whether it was still good; then it is good for one registration less."""
    spent = (
        update(ServiceInvitation)
        .where(ServiceInvitation.id == invitation_id, *_good())
        .values(uses_left=ServiceInvitation.uses_left - 1)
    )
    return database.write(spent) == 1


def end_invitation(invitation_id: uuid.UUID) -> bool:
    """Whether there was something to take back; nobody registers with it any more."""
    ended = (
        update(ServiceInvitation)
        .where(ServiceInvitation.id == invitation_id, ServiceInvitation.ended_at.is_(None))
        .values(ended_at=clock.now())
    )
    return database.write(ended) == 1


def _good() -> tuple[Any, ...]:
    return (
        ServiceInvitation.uses_left > 0,
        ServiceInvitation.expires_at > clock.now(),
        ServiceInvitation.ended_at.is_(None),
    )


def add_registration(columns: Mapping[str, Any]) -> None:
    """A service registered itself."""
    database.write(insert(SelfRegistration), columns)


def find_registration(client_id: str, digest: bytes) -> Row[Any] | None:
    """The service that this token manages, with the invitation it came by; null: anything else."""
    return database.row(
        _MANAGED.where(
            PublicService.client_id == client_id,
            PublicService.is_active,
            SelfRegistration.digest == digest,
        )
    )


def change(public_service_id: uuid.UUID, *, old: bytes, new: bytes, kept: bytes) -> bool:
    """Whether the old token still managed the service; the new one does, and it kept this."""
    changed = (
        update(SelfRegistration)
        .where(SelfRegistration.public_service_id == public_service_id)
        .where(SelfRegistration.digest == old)
        .values(digest=new, kept_digest=kept, changed_at=clock.now())
    )
    return database.write(changed) == 1


def end_service(public_service_id: uuid.UUID, digest: bytes) -> bool:
    """Whether the token still managed it; from now on the service may do nothing at all."""
    mine = select(SelfRegistration.public_service_id).where(SelfRegistration.digest == digest)
    ended = (
        update(PublicService)
        .where(PublicService.id == public_service_id, PublicService.id.in_(mine))
        .where(PublicService.is_active)
        .values(is_active=False, version=PublicService.version + 1, changed_at=clock.now())
    )
    return database.write(ended) == 1
