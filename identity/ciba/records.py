"""The table of requests for people who are elsewhere, and clauses over it (CIBA Core §7)."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, PrimaryKeyConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from identity import clock, database
from identity.columns import Base
from identity.database import AnyRow
from identity.polled.polls import State
from identity.together import Clause


class BackchannelRequest(Base):
    """What a service asks of one person; where nobody has the number, of nobody's id.

    So no foreign key leads to the person: whether there is one shows nowhere, not even here.
    """

    __tablename__ = "backchannel_request"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "digest"),
        Index("ix_backchannel_request_id", "citizen_id", "id"),
        Index("ix_backchannel_request_expires_at", "expires_at"),
    )

    citizen_id: Mapped[uuid.UUID]
    digest: Mapped[bytes]  # of the auth_req_id
    id: Mapped[uuid.UUID]  # in the address of its page
    public_service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("public_service.id"))
    params: Mapped[dict[str, Any]]  # the checked parameters, names as on the wire
    binding_message: Mapped[str | None]  # null: the service sent none
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    interval_seconds: Mapped[int]
    state: Mapped[State]
    # What the service is told by when there is an answer, sealed by the ring; null: it polls.
    sealed_ping: Mapped[str | None]


_STORE = """INSERT INTO backchannel_request (citizen_id, digest, id, public_service_id, params,
    binding_message, created_at, expires_at, interval_seconds, state, sealed_ping) VALUES
    (:ciba_citizen, :ciba_digest, :ciba_id, :ciba_service, :ciba_params, :ciba_binding_message,
    :ciba_now, :ciba_expires, :ciba_interval, 'waiting', :ciba_ping) RETURNING 1 AS ok"""
_FIND = """SELECT public_service_id, state, interval_seconds, expires_at, params
    FROM backchannel_request WHERE citizen_id = :ciba_citizen AND digest = :ciba_digest"""
_ANSWER = """UPDATE backchannel_request SET state = :ciba_state
    WHERE citizen_id = :ciba_citizen AND digest = :ciba_digest AND state = 'waiting'
    AND expires_at > :ciba_now RETURNING id, public_service_id, expires_at, sealed_ping"""
_SLOW_DOWN = """UPDATE backchannel_request SET interval_seconds = :ciba_interval
    WHERE citizen_id = :ciba_citizen AND digest = :ciba_digest RETURNING 1 AS ok"""


def store(row: dict[str, Any]) -> Clause:
    """A request begins to wait."""
    params = {f"ciba_{name}": value for name, value in row.items()}
    return Clause("stored", _STORE, _STORE, params, {"ok": int})


def find(citizen_id: uuid.UUID, digest: bytes) -> Clause:
    """The request of an auth_req_id, whatever has become of it."""
    returns = {
        "public_service_id": uuid.UUID,
        "state": str,
        "interval_seconds": int,
        "expires_at": datetime,
        "params": dict,
    }
    params = {"ciba_citizen": citizen_id, "ciba_digest": digest}
    return Clause("ciba", _FIND, _FIND, params, returns)


def answer(citizen_id: uuid.UUID, digest: bytes, *, state: State) -> Clause:
    """A request is answered once; no row: it was before, or its time is over."""
    params = {
        "ciba_citizen": citizen_id,
        "ciba_digest": digest,
        "ciba_state": state.value,
        "ciba_now": clock.now(),
    }
    returns = {
        "id": uuid.UUID,
        "public_service_id": uuid.UUID,
        "expires_at": datetime,
        "sealed_ping": str,
    }
    return Clause("answered", _ANSWER, _ANSWER, params, returns)


def slow_down(citizen_id: uuid.UUID, digest: bytes, *, interval_seconds: int) -> Clause:
    """From now on the service has to wait longer between its polls."""
    params = {
        "ciba_citizen": citizen_id,
        "ciba_digest": digest,
        "ciba_interval": interval_seconds,
    }
    return Clause("slowed", _SLOW_DOWN, _SLOW_DOWN, params, {"ok": int})


def waiting(citizen_id: uuid.UUID, request_id: uuid.UUID | None = None) -> list[AnyRow]:
    """What waits for this person now, the oldest first; or of it the one with that id."""
    query = select(BackchannelRequest).where(
        BackchannelRequest.citizen_id == citizen_id,
        BackchannelRequest.state == State.WAITING,
        BackchannelRequest.expires_at > clock.now(),
    )
    if request_id is not None:
        query = query.where(BackchannelRequest.id == request_id)
    return list(database.rows(query.order_by(BackchannelRequest.created_at)))
