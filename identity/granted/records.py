"""Tables of what was granted: grants, their decisions, codes, and the tokens they bought."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Row,
    delete,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.citizens.records import Citizen
from identity.columns import Base


class GrantState(StrEnum):
    """Whether a grant still carries anything."""

    ACTIVE = "active"
    ENDED = "ended"


class ServiceGrant(Base):
    """The head row of what one citizen lets one public service do now.

    Every release, userinfo and refresh locks it FOR SHARE; whoever changes it raises the version.
    """

    __tablename__ = "service_grant"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "id"),)

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    id: Mapped[uuid.UUID]
    actor_id: Mapped[uuid.UUID]
    mandate_id: Mapped[uuid.UUID | None]  # null: the citizen acted for themselves
    public_service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("public_service.id"))
    scope: Mapped[str]
    state: Mapped[GrantState]
    version: Mapped[int]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class GrantDecision(Base):
    """One live decision that a grant carries; the row goes when the decision ends."""

    __tablename__ = "grant_decision"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "grant_id", "decision_id"),
        ForeignKeyConstraint(
            ["citizen_id", "grant_id"], ["service_grant.citizen_id", "service_grant.id"]
        ),
        Index("ix_grant_decision_decision_id", "citizen_id", "decision_id"),
        Index("ix_grant_decision_until", "until"),
    )

    citizen_id: Mapped[uuid.UUID]
    grant_id: Mapped[uuid.UUID]
    decision_id: Mapped[uuid.UUID]
    procedure: Mapped[str | None]  # null: a decision about scopes
    case: Mapped[str | None]  # null where the basis is consent
    basis: Mapped[str]
    purposes: Mapped[list[str]]
    attributes: Mapped[list[str]]
    until: Mapped[datetime]
    uses_left: Mapped[int | None]  # null: no limit


class TokenFamily(Base):
    """Everything issued from one authorization: ended together."""

    __tablename__ = "token_family"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "id"),
        ForeignKeyConstraint(
            ["citizen_id", "grant_id"], ["service_grant.citizen_id", "service_grant.id"]
        ),
        Index("ix_token_family_grant_id", "citizen_id", "grant_id"),
        Index("ix_token_family_session_id", "citizen_id", "session_id"),
        Index("ix_token_family_expires_at", "expires_at"),
    )

    citizen_id: Mapped[uuid.UUID]
    id: Mapped[uuid.UUID]
    grant_id: Mapped[uuid.UUID]
    public_service_id: Mapped[uuid.UUID]
    session_id: Mapped[uuid.UUID | None]  # null: offline_access, spared by sign-out
    sub: Mapped[str]
    scope: Mapped[str]
    # What every token of the family says: {acr, amr, auth_time, account_level, sid, nonce?, cnf?}
    claims: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]  # the absolute end of the last refresh token
    ended_at: Mapped[datetime | None]  # null: alive
    ended_by: Mapped[str | None]  # withdrawal | replay | revocation | sign-out | lock | …
    # Thumbprint of the key that must prove itself to go on (RFC 9449 §5); null: the service does.
    sender_key: Mapped[str | None]


class RefreshToken(Base):
    """One generation of a family: a digest, and how its successor may be given once more."""

    __tablename__ = "refresh_token"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "digest"),
        ForeignKeyConstraint(
            ["citizen_id", "family_id"], ["token_family.citizen_id", "token_family.id"]
        ),
        Index("ix_refresh_token_family_id", "citizen_id", "family_id"),
        Index("ix_refresh_token_expires_at", "expires_at"),
    )

    citizen_id: Mapped[uuid.UUID]
    digest: Mapped[bytes]
    family_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]  # the idle end
    spent_at: Mapped[datetime | None]  # null: the live generation
    # The successor under HKDF of this token, so that a lost answer can be given again.
    successor_sealed: Mapped[bytes | None]
    successor_digest: Mapped[bytes | None]


class AuthorizationCode(Base):
    """A code of at most 60 seconds (RFC 6749 §4.1.2); spent by one conditional UPDATE."""

    __tablename__ = "authorization_code"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "digest"),
        ForeignKeyConstraint(
            ["citizen_id", "grant_id"], ["service_grant.citizen_id", "service_grant.id"]
        ),
        Index("ix_authorization_code_expires_at", "expires_at"),
    )

    citizen_id: Mapped[uuid.UUID]
    digest: Mapped[bytes]
    grant_id: Mapped[uuid.UUID]
    public_service_id: Mapped[uuid.UUID]
    session_id: Mapped[uuid.UUID]
    redirect_uri: Mapped[str]
    code_challenge: Mapped[str | None]  # null: a confidential client registered without PKCE
    sub: Mapped[str]
    scope: Mapped[str]
    claims: Mapped[dict[str, Any]]  # as token_family.claims
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]  # null: not redeemed
    family_id: Mapped[uuid.UUID]  # the family that its redemption starts
    sender_key: Mapped[str | None]  # whose proof redeems it (RFC 9449 §10); null: nobody was named


class RevokedToken(Base):
    """An access token ended before its time, found by its jti."""

    __tablename__ = "revoked_token"
    __table_args__ = (Index("ix_revoked_token_expires_at", "expires_at"),)

    jti: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]


def hold_person(citizen_id: uuid.UUID) -> None:
    """Until the transaction ends, nobody takes a decision of this person into another grant."""
    held = select(Citizen.citizen_id).where(Citizen.citizen_id == citizen_id)
    database.rows(held.with_for_update(key_share=True))


def end_families(
    now: datetime,
    by: str,
    *,
    citizen_id: uuid.UUID,
    spared_session: uuid.UUID | None = None,
    **only: uuid.UUID,
) -> int:
    """Families of the person with these columns have ended, and their unspent codes are void."""
    family = [TokenFamily.citizen_id == citizen_id, TokenFamily.ended_at.is_(None)]
    code = [AuthorizationCode.citizen_id == citizen_id, AuthorizationCode.spent_at.is_(None)]
    for name, value in only.items():
        family.append(
            (TokenFamily.id if name == "family_id" else getattr(TokenFamily, name)) == value
        )
        code.append(getattr(AuthorizationCode, name) == value)
    if spared_session is not None:
        family.append(TokenFamily.session_id.is_distinct_from(spared_session))
        code.append(AuthorizationCode.session_id.is_distinct_from(spared_session))
    database.write(update(AuthorizationCode).where(*code).values(spent_at=now))
    return database.write(update(TokenFamily).where(*family).values(ended_at=now, ended_by=by))


def end_grant(citizen_id: uuid.UUID, grant_id: uuid.UUID, *, at: datetime) -> bool:
    """Whether that person had this grant, alive; it has ended, one version on."""
    alive = (
        ServiceGrant.citizen_id == citizen_id,
        ServiceGrant.id == grant_id,
        ServiceGrant.state == GrantState.ACTIVE,
    )
    ended = {"state": GrantState.ENDED, "version": ServiceGrant.version + 1, "changed_at": at}
    return database.write(update(ServiceGrant).where(*alive).values(ended)) == 1


def drop_from(
    citizen_id: uuid.UUID, grant_id: uuid.UUID, *, decision_ids: Collection[uuid.UUID]
) -> None:
    """The grant carries these decisions no more; other grants may."""
    mine = (GrantDecision.citizen_id == citizen_id, GrantDecision.grant_id == grant_id)
    these = GrantDecision.decision_id.in_(decision_ids)
    database.write(delete(GrantDecision).where(*mine, these))


def carried_of(citizen_id: uuid.UUID, decision_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the decisions that some grant carries."""
    mine = GrantDecision.citizen_id == citizen_id, GrantDecision.decision_id.in_(decision_ids)
    found = database.rows(select(GrantDecision.decision_id).where(*mine))
    return {row.decision_id for row in found}


def emptied(citizen_id: uuid.UUID, grant_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Those of the person's grants that carry no decision."""
    theirs = GrantDecision.citizen_id == citizen_id, GrantDecision.grant_id.in_(grant_ids)
    found = database.rows(select(GrantDecision.grant_id).where(*theirs))
    carrying = {row.grant_id for row in found}
    return [grant_id for grant_id in grant_ids if grant_id not in carrying]


def told_services(citizen_id: uuid.UUID) -> Sequence[Row[Any]]:
    """Which services hold or held a token of this person: their `sub` and `sid` of each session."""
    sid = TokenFamily.claims["sid"].as_string().label("sid")
    told = (TokenFamily.public_service_id, TokenFamily.sub, sid)
    return database.rows(select(*told).where(TokenFamily.citizen_id == citizen_id).distinct())


_place = tuple_(ServiceGrant.citizen_id, ServiceGrant.id)
Key = tuple[uuid.UUID, uuid.UUID]


def key_after(key: Key, *, steps: int) -> Key | None:
    """The grant that many steps further in the order of keys; null: there are not so many."""
    walk = select(ServiceGrant.citizen_id, ServiceGrant.id).where(_place > _key(key))
    in_order = walk.order_by(ServiceGrant.citizen_id, ServiceGrant.id)
    found = database.row(in_order.offset(steps - 1).limit(1))
    return None if found is None else (found.citizen_id, found.id)


def delete_unused(after: Key, until: Key | None, *, changed_before: datetime) -> int:
    """Grants between the keys (null: up to the last) are gone where nothing hangs on them."""
    idle = [_place > _key(after), ServiceGrant.changed_at < changed_before]
    if until is not None:
        idle.append(_place <= _key(until))
    for table in (TokenFamily, AuthorizationCode, GrantDecision):
        mine = table.citizen_id == ServiceGrant.citizen_id
        idle.append(~select(table.grant_id).where(mine, table.grant_id == ServiceGrant.id).exists())
    return database.write(delete(ServiceGrant).where(*idle))


def _key(key: Key) -> Any:  # noqa: ANN401 - an expression
    return tuple_(*(literal(part, ServiceGrant.id.type) for part in key))
