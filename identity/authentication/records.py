"""Tables of sign-in and their queries: sessions, known devices, budgets for guessing."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Row,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from identity import database
from identity.columns import Base
from identity.devices import Device
from identity.together import Clause, Json

# ruff: noqa: S608 - texts are put together from texts of this file; values are parameters


class CitizenSession(Base):
    """One signed-in browser. The cookie is a handle: it yields the citizen, then the digest."""

    __tablename__ = "citizen_session"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "id"),
        Index("ix_citizen_session_digest", "citizen_id", "digest", unique=True),
        Index("ix_citizen_session_expires_at", "expires_at"),
    )

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    id: Mapped[uuid.UUID]
    digest: Mapped[bytes]
    actor_id: Mapped[uuid.UUID]  # who acts; equal to citizen_id when oneself
    mandate_id: Mapped[uuid.UUID | None]  # null: nobody is represented
    browser_digest: Mapped[bytes]
    acr: Mapped[int]  # 1 to 4, earned by this sign-in
    amr: Mapped[list[str]]
    auth_at: Mapped[datetime]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # null: alive until expires_at


class KnownDevice(Base):
    """A browser this person has finished a sign-in with; it has its own budget for mistakes."""

    __tablename__ = "known_device"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "browser_digest"),
        Index("ix_known_device_last_at", "last_at"),
    )

    citizen_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("citizen.citizen_id"))
    browser_digest: Mapped[bytes]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    browser: Mapped[str | None]  # as `identity.devices` calls it; null: it does not tell
    system: Mapped[str | None]
    sealed_name: Mapped[bytes | None]  # what its owner calls it; null: nothing


class AttemptBudget(Base):
    """How many tries are left for one key (a number on a device, an address block) in a window."""

    __tablename__ = "attempt_budget"
    __table_args__ = (Index("ix_attempt_budget_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)  # keyed digest of kind and key
    used: Mapped[int]
    window_started_at: Mapped[datetime]
    expires_at: Mapped[datetime]


def add_session(values: Mapping[str, Any]) -> None:
    """A signed-in browser is known."""
    database.write(insert(CitizenSession), values)


def renew_session(
    citizen_id: uuid.UUID, session_id: uuid.UUID, *, values: Mapping[str, Any]
) -> bool:
    """Whether the session was alive; it has these values now."""
    alive = (
        CitizenSession.citizen_id == citizen_id,
        CitizenSession.id == session_id,
        CitizenSession.ended_at.is_(None),
    )
    return database.write(update(CitizenSession).where(*alive).values(**values)) == 1


def found_session(citizen_id: uuid.UUID, digest: bytes) -> Clause:
    """The session with this digest that nobody ended, with the person's status and level."""
    params = {"session_citizen": citizen_id, "session_digest": digest}
    return Clause("session", _FOUND, _FOUND, params, _FOUND_RETURNS)


_FOUND = """SELECT s.id, s.actor_id, s.mandate_id, s.acr, s.amr, s.auth_at, s.last_seen_at,
    s.expires_at, c.status, c.account_level FROM citizen_session s
    JOIN citizen c ON c.citizen_id = s.citizen_id
    WHERE s.citizen_id = :session_citizen AND s.digest = :session_digest AND s.ended_at IS NULL"""
_FOUND_RETURNS: dict[str, type] = {
    "id": uuid.UUID,
    "actor_id": uuid.UUID,
    "mandate_id": uuid.UUID,
    "acr": int,
    "amr": list,
    "auth_at": datetime,
    "last_seen_at": datetime,
    "expires_at": datetime,
    "status": str,
    "account_level": int,
}


def living(citizen_id: uuid.UUID, digest: bytes, *, told: Mapping[str, Any]) -> Clause:
    """The condition `session`: it is as it was `told`, nobody ended it, and its person is active.

    What else it says was set with this digest, at that sign-in, and never changes.
    """
    params = {"session_citizen": citizen_id, "session_digest": digest, **told}
    return Clause("session", _LIVING, _LIVING, params, {"ok": int})


_LIVING = """SELECT 1 AS ok FROM citizen_session s JOIN citizen c ON c.citizen_id = s.citizen_id
    WHERE s.citizen_id = :session_citizen AND s.digest = :session_digest AND s.ended_at IS NULL
    AND s.auth_at = :session_auth_at AND c.status = 'active' AND c.account_level = :session_level"""


def touch_session(citizen_id: uuid.UUID, session_id: uuid.UUID, *, at: datetime) -> None:
    """The session was used now; a later use that was written first stays."""
    seen = update(CitizenSession).where(
        CitizenSession.citizen_id == citizen_id,
        CitizenSession.id == session_id,
        CitizenSession.last_seen_at < at,
    )
    database.write(seen.values(last_seen_at=at))


def end_sessions(
    citizen_id: uuid.UUID,
    *,
    at: datetime,
    session_id: uuid.UUID | None = None,
    spared: uuid.UUID | None = None,
) -> tuple[uuid.UUID, ...]:
    """Which sessions of this person ended now: that one, all but the spared one, or all."""
    living = [CitizenSession.citizen_id == citizen_id, CitizenSession.ended_at.is_(None)]
    if session_id is not None:
        living.append(CitizenSession.id == session_id)
    if spared is not None:
        living.append(CitizenSession.id != spared)
    ending = update(CitizenSession).where(*living).values(ended_at=at)
    return tuple(row.id for row in database.write_rows(ending.returning(CitizenSession.id)))


def living_sessions(
    citizen_id: uuid.UUID, *, at: datetime, seen_after: datetime
) -> Sequence[Row[Any]]:
    """Where the person is signed in, with what is known of each device; the latest seen first."""
    device = (KnownDevice.browser, KnownDevice.system, KnownDevice.sealed_name)
    here = (KnownDevice.citizen_id == CitizenSession.citizen_id) & (
        KnownDevice.browser_digest == CitizenSession.browser_digest
    )
    living = (
        CitizenSession.citizen_id == citizen_id,
        CitizenSession.ended_at.is_(None),
        CitizenSession.expires_at > at,
        CitizenSession.last_seen_at > seen_after,
    )
    return database.rows(
        select(CitizenSession.__table__, *device)
        .outerjoin(KnownDevice, here)
        .where(*living)
        .order_by(CitizenSession.last_seen_at.desc(), CitizenSession.id.desc())
    )


def name_device(citizen_id: uuid.UUID, browser_digest: bytes, *, sealed: bytes | None) -> bool:
    """Whether the person knows this device; it has this name now, or none."""
    mine = (KnownDevice.citizen_id == citizen_id, KnownDevice.browser_digest == browser_digest)
    return database.write(update(KnownDevice).where(*mine).values(sealed_name=sealed)) == 1


def is_known_device(citizen_id: uuid.UUID, browser_digest: bytes) -> bool:
    """Whether this person has finished a sign-in with this browser before."""
    known = select(KnownDevice.last_at).where(
        KnownDevice.citizen_id == citizen_id, KnownDevice.browser_digest == browser_digest
    )
    return database.row(known) is not None


def know_device(
    citizen_id: uuid.UUID, browser_digest: bytes, *, at: datetime, device: Device
) -> None:
    """This person has finished a sign-in with this browser."""
    seen = {"last_at": at, "browser": device.browser, "system": device.system}
    row = {"citizen_id": citizen_id, "browser_digest": browser_digest, "first_at": at} | seen
    keys = ["citizen_id", "browser_digest"]
    known = _upsert(KnownDevice).values(**row)
    database.write(known.on_conflict_do_update(index_elements=keys, set_=seen))


def starting(values: Mapping[str, Any], device: Device, *, after: str) -> tuple[Clause, Clause]:
    """The same as `add_session` and `know_device`, after a condition of a joined statement."""
    params = {f"new_{name}": value for name, value in values.items()}
    params |= {"new_amr": Json(values["amr"]), "new_browser": device.browser}
    params |= {"new_system": device.system}
    return (
        Clause(
            "session",
            f"{_SESSION} SELECT {_NEW_SESSION} FROM {after}",
            f"{_SESSION} VALUES ({_NEW_SESSION})",
            params,
        ),
        Clause(
            "device",
            f"{_DEVICE} SELECT {_NEW_DEVICE} FROM {after} {_DEVICE_AGAIN}",
            f"{_DEVICE} VALUES ({_NEW_DEVICE}) {_DEVICE_AGAIN}",
        ),
    )


def forget_devices(citizen_id: uuid.UUID) -> None:
    """This person has finished a sign-in with no browser."""
    database.write(delete(KnownDevice).where(KnownDevice.citizen_id == citizen_id))


_COLUMNS = tuple(CitizenSession.__table__.columns.keys())
_SESSION = f"INSERT INTO citizen_session ({', '.join(_COLUMNS)})"
_NEW_SESSION = ", ".join(f":new_{name}" for name in _COLUMNS)
_DEVICE = """INSERT INTO known_device
    (citizen_id, browser_digest, first_at, last_at, browser, system)"""
_NEW_DEVICE = """:new_citizen_id, :new_browser_digest, :new_created_at, :new_created_at,
    :new_browser, :new_system"""
_DEVICE_AGAIN = """ON CONFLICT (citizen_id, browser_digest) DO UPDATE SET
    last_at = excluded.last_at, browser = excluded.browser, system = excluded.system"""


def _upsert(table: type[Base]) -> Any:  # noqa: ANN401 - one of two dialects' inserts
    return (postgresql if database.is_postgresql() else sqlite).insert(table)
