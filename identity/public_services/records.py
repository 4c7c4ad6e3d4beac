"""Tables of who may ask: organisations and their public services (OIDC clients)."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, Row, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from identity import clock, database
from identity.columns import Base
from identity.together import Clause


class Level(StrEnum):
    """Where in the administration an organisation stands."""

    CENTRAL = "central"
    PROVINCE = "province"
    COMMUNE = "commune"
    OTHER = "other"


class Block(StrEnum):
    """Which branch of the political system it belongs to."""

    GOVERNMENT = "government"
    PARTY = "party"
    NATIONAL_ASSEMBLY = "national_assembly"
    FRONT = "front"
    COURT = "court"
    PROCURACY = "procuracy"
    OTHER = "other"


class Organisation(Base):
    """An agency; `code` is its electronic agency code."""

    __tablename__ = "organisation"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    level: Mapped[Level]
    block: Mapped[Block]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class PublicService(Base):
    """One OIDC client of an organisation: a mutable, versioned head row."""

    __tablename__ = "public_service"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(unique=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    # RFC 7591 client metadata as registered, and our members: registration/wire.py says the shape.
    registration: Mapped[dict[str, Any]]
    secret_digest: Mapped[bytes | None] = mapped_column(LargeBinary)  # null: no secret
    sector: Mapped[str]  # whose pairwise subjects it shares
    is_active: Mapped[bool]
    version: Mapped[int]  # caches hold the row only as long as this is a condition
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class SpentAssertion(Base):
    """A client assertion works once, over all processes and restarts."""

    __tablename__ = "spent_assertion"
    __table_args__ = (Index("ix_spent_assertion_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)  # of client_id and jti
    expires_at: Mapped[datetime]


_FOUND = select(
    PublicService.id,
    PublicService.client_id,
    PublicService.registration,
    PublicService.secret_digest,
    PublicService.sector,
    PublicService.is_active,
    PublicService.version,
    Organisation.id.label("organisation_id"),
    Organisation.code,
    Organisation.name,
    Organisation.level,
    Organisation.block,
).join(Organisation, Organisation.id == PublicService.organisation_id)


def find(client_id: str) -> Row[Any] | None:
    """A public service with its organisation, by its id on the wire."""
    return database.row(_FOUND.where(PublicService.client_id == client_id))


def find_by_id(public_service_id: uuid.UUID) -> Row[Any] | None:
    """The same, by our own id."""
    return database.row(_FOUND.where(PublicService.id == public_service_id))


def find_by_ids(public_service_ids: Iterable[uuid.UUID]) -> Sequence[Row[Any]]:
    """The same, of several at once."""
    return database.rows(_FOUND.where(PublicService.id.in_(list(public_service_ids))))


def keep_organisation(
    code: str, *, name: str, level: Level, block: Block
) -> tuple[uuid.UUID, bool]:
    """The organisation of that code is on record as told; its id, and whether anything changed."""
    told = {"name": name, "level": level, "block": block}
    row = database.row(
        select(Organisation.id, Organisation.name, Organisation.level, Organisation.block).where(
            Organisation.code == code
        )
    )
    at = clock.now()
    if row is None:
        made = database.new_id()
        database.write(
            insert(Organisation),
            {"id": made, "code": code, "created_at": at, "changed_at": at} | told,
        )
        return made, True
    if {"name": row.name, "level": row.level, "block": row.block} == told:
        return row.id, False
    database.write(
        update(Organisation).where(Organisation.id == row.id).values(changed_at=at, **told)
    )
    return row.id, True


def raise_versions(organisation_id: uuid.UUID) -> None:
    """Every service of the organisation is a new version, so that no cache keeps its old name."""
    database.write(
        update(PublicService)
        .where(PublicService.organisation_id == organisation_id)
        .values(version=PublicService.version + 1)
    )


def add(columns: Mapping[str, Any]) -> None:
    """One more public service, version 1."""
    at = clock.now()
    fixed = {"is_active": True, "version": 1, "created_at": at, "changed_at": at}
    database.write(insert(PublicService), {**columns, **fixed})


def change(public_service_id: uuid.UUID, columns: Mapping[str, Any], *, version: int) -> bool:
    """The head row says this from now on, unless somebody changed it since that version."""
    changed = database.write(
        update(PublicService)
        .where(PublicService.id == public_service_id, PublicService.version == version)
        .values(version=version + 1, changed_at=clock.now(), **columns)
    )
    return changed == 1


def end(client_id: str) -> uuid.UUID | None:
    """The service that may do nothing from now on; null: there is none, or it had ended."""
    row = database.write_row(
        update(PublicService)
        .where(PublicService.client_id == client_id, PublicService.is_active)
        .values(is_active=False, version=PublicService.version + 1, changed_at=clock.now())
        .returning(PublicService.id)
    )
    return None if row is None else row.id


def live(public_service_id: uuid.UUID, version: int) -> Clause:
    """A condition: the service is as it was when it was read, and may still ask."""
    return Clause(
        "service",
        postgres="SELECT 1 AS ok FROM public_service"
        " WHERE id = :service_id AND version = :service_version AND is_active",
        sqlite="SELECT 1 FROM public_service"
        " WHERE id = :service_id AND version = :service_version AND is_active",
        params={"service_id": public_service_id, "service_version": version},
        returns={"ok": int},
    )


def spent(digest: bytes, expires_at: datetime) -> Clause:
    """Spends a client assertion; returns nothing when it was spent before."""
    text = (
        "INSERT INTO spent_assertion (digest, expires_at)"
        " VALUES (:assertion_digest, :assertion_expires_at) ON CONFLICT DO NOTHING"
    )
    return Clause(
        "assertion",
        postgres=f"{text} RETURNING 1 AS ok",
        sqlite=f"{text} RETURNING 1",
        params={"assertion_digest": digest, "assertion_expires_at": expires_at},
        returns={"ok": int},
    )
