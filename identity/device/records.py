"""The table of requests of devices, and clauses over it (RFC 8628 §3.1)."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from identity import clock
from identity.columns import Base
from identity.polled.polls import State
from identity.together import Clause


class DeviceRequest(Base):
    """What a device asks for, found by either of its two codes; nobody's until it is answered."""

    __tablename__ = "device_request"
    __table_args__ = (Index("ix_device_request_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)  # of the device code
    user_code_digest: Mapped[bytes] = mapped_column(unique=True)  # keyed: the code is short
    public_service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("public_service.id"))
    params: Mapped[dict[str, Any]]  # the checked parameters, names as on the wire
    asked_from: Mapped[str]  # the device's neighbourhood in the network
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    interval_seconds: Mapped[int]
    state: Mapped[State]
    citizen_id: Mapped[uuid.UUID | None]  # who allowed it; null: nobody has


_STORE = """INSERT INTO device_request (digest, user_code_digest, public_service_id, params,
    asked_from, created_at, expires_at, interval_seconds, state) VALUES (:device_digest,
    :device_user_code_digest, :device_service, :device_params, :device_from, :device_now,
    :device_expires, :device_interval, 'waiting')
    ON CONFLICT (user_code_digest) DO NOTHING RETURNING 1 AS ok"""
_FIND = """SELECT digest, public_service_id, params, asked_from, created_at, expires_at,
    interval_seconds, state, citizen_id FROM device_request"""
_ANSWER = """UPDATE device_request SET state = :device_state, citizen_id = :device_citizen
    WHERE digest = :device_digest AND state = 'waiting' AND expires_at > :device_now
    RETURNING 1 AS ok"""
_SLOW_DOWN = """UPDATE device_request SET interval_seconds = :device_interval
    WHERE digest = :device_digest RETURNING 1 AS ok"""
_RETURNS: dict[str, type] = {
    "digest": bytes,
    "public_service_id": uuid.UUID,
    "params": dict,
    "asked_from": str,
    "created_at": datetime,
    "expires_at": datetime,
    "interval_seconds": int,
    "state": str,
    "citizen_id": uuid.UUID,
}


def store(row: dict[str, Any]) -> Clause:
    """A device's request begins to wait; no row: another one has that user code."""
    params = {f"device_{name}": value for name, value in row.items()}
    return Clause("stored", _STORE, _STORE, params, {"ok": int})


def find(digest: bytes) -> Clause:
    """The request of a device code, whatever has become of it."""
    text = f"{_FIND} WHERE digest = :device_digest"
    return Clause("device", text, text, {"device_digest": digest}, _RETURNS)


def find_waiting(user_code_digest: bytes) -> Clause:
    """The request of a user code that can be answered now."""
    text = f"""{_FIND} WHERE user_code_digest = :device_user_code_digest AND state = 'waiting'
        AND expires_at > :device_now"""
    params = {"device_user_code_digest": user_code_digest, "device_now": clock.now()}
    return Clause("device", text, text, params, _RETURNS)


def answer(digest: bytes, state: State, *, by: uuid.UUID | None) -> Clause:
    """A request is answered once; no row: it was before, or its time is over."""
    params = {
        "device_digest": digest,
        "device_state": state.value,
        "device_citizen": by,
        "device_now": clock.now(),
    }
    return Clause("answered", _ANSWER, _ANSWER, params, {"ok": int})


def slow_down(digest: bytes, interval_seconds: int) -> Clause:
    """From now on the device has to wait longer between its polls."""
    params = {"device_digest": digest, "device_interval": interval_seconds}
    return Clause("slowed", _SLOW_DOWN, _SLOW_DOWN, params, {"ok": int})
