"""A request for a person elsewhere: asked by a service, answered by that person once."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from identity import clock, outbox, sealing, trail
from identity.authentication.sessions import CitizenSession
from identity.ciba import ping, records
from identity.database import AnyRow, new_id, transaction
from identity.entry import Who
from identity.polled import pace
from identity.polled.polls import Standing, State
from identity.polled.ways import Polled, Way
from identity.public_services import registered
from identity.public_services.registered import Registered
from identity.requested import requests
from identity.requested.pending import AlreadyAnswered
from identity.requested.wish import Wish
from identity.together import look, together

KIND = "ciba"
PURPOSE = "auth-req-id"


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A checked request: what is asked, of whom, and how the service hears of the answer."""

    service: Registered
    citizen_id: uuid.UUID  # of nobody where the hint names nobody: it looks the same
    hinted: str = field(repr=False)  # what named the person: asking again is counted by it
    said: Mapping[str, str]  # as at /authorize
    binding_message: str | None
    until: datetime
    notification_token: str | None = field(repr=False)  # null: the service polls


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that this person may answer."""

    id: uuid.UUID
    polled: Polled
    wish: Wish
    binding_message: str | None
    created_at: datetime

    @property
    def public_service(self) -> Registered:
        """Who asks."""
        return self.wish.public_service


def begin(new: New) -> str:
    """The request waits for the person; the auth_req_id, of which the digest alone is kept.

    In the running transaction.
    """
    auth_req_id, digest = sealing.new_handle(new.citizen_id, PURPOSE)
    row = {
        "citizen": new.citizen_id,
        "digest": digest,
        "id": new_id(),
        "service": new.service.id,
        "params": dict(new.said),
        "binding_message": new.binding_message,
        "now": clock.now(),
        "expires": new.until,
        "interval": pace.INTERVAL,
        "ping": _sealed_ping(auth_req_id, new.notification_token),
    }
    together(records.store(row))
    return auth_req_id


def _sealed_ping(auth_req_id: str, token: str | None) -> str | None:
    if token is None:
        return None
    told = json.dumps({"auth_req_id": auth_req_id, "token": token})
    return sealing.ring().seal_token(ping.KIND, told.encode())


def standing(auth_req_id: str) -> Standing | None:
    """How the request of that auth_req_id stands; null: there is none."""
    try:
        citizen_id, digest = sealing.open_handle(auth_req_id, PURPOSE)
    except (sealing.Unreadable, ValueError):
        return None
    found = look(records.find(citizen_id, digest))
    if found is None:
        return None
    return Standing(
        digest=digest,
        public_service_id=found["ciba.public_service_id"],
        state=State(found["ciba.state"]),
        interval_seconds=found["ciba.interval_seconds"],
        expires_at=found["ciba.expires_at"],
        citizen_id=citizen_id,
    )


def slow_down(standing: Standing, interval_seconds: int) -> None:
    """From now on the service has to wait longer between its polls."""
    assert standing.citizen_id is not None  # noqa: S101 - it stands in the handle
    at = standing.citizen_id, standing.digest
    together(records.slow_down(*at, interval_seconds=interval_seconds))


def waiting(citizen_id: uuid.UUID) -> list[Waiting]:
    """What waits for this person, the oldest first."""
    rows = records.waiting(citizen_id)
    services = registered.by_ids(row.public_service_id for row in rows)
    return [_waiting(row) for row in rows if services[row.public_service_id].is_active]


def find(citizen_id: uuid.UUID, request_id: uuid.UUID) -> Waiting | None:
    """The same of one; null: it is answered, over, or another person's."""
    return next((_waiting(row) for row in records.waiting(citizen_id, request_id)), None)


def _waiting(row: AnyRow) -> Waiting:
    polled = Polled(KIND, row.digest, row.expires_at, row.citizen_id)
    wish = requests.reread(row.params, polled=polled)
    return Waiting(row.id, polled, wish, row.binding_message, row.created_at)


def allow(polled: Polled, session: CitizenSession) -> None:
    """The person allowed it, inside the transaction that issues what the service gets.

    Raises:
        AlreadyAnswered: it was answered before, is over, or waits for somebody else.
    """
    if not polled.is_for(session.citizen_id):
        raise AlreadyAnswered("this request waits for somebody else")
    _record("remote:allowed", _settle(polled, State.ALLOWED), session=session)


def refuse(polled: Polled) -> None:
    """The service gets nothing; inside a transaction.

    Raises:
        AlreadyAnswered: it was answered before, or is over.
    """
    _settle(polled, State.REFUSED)


def deny(polled: Polled, session: CitizenSession) -> None:
    """The person said no.

    Raises:
        AlreadyAnswered: it was answered before, or is over.
    """
    with transaction():
        _record("remote:refused", _settle(polled, State.REFUSED), session=session)


def _settle(polled: Polled, state: State) -> uuid.UUID:
    """The service that has its answer; it is told that there is one, if it wants to be."""
    assert polled.citizen_id is not None  # noqa: S101 - every request of this way has one
    answer = together(records.answer(polled.citizen_id, polled.digest, state=state))
    if answer is None:
        raise AlreadyAnswered("this request has been answered already")
    service_id: uuid.UUID = answer["answered.public_service_id"]
    if answer["answered.sealed_ping"] is not None:
        outbox.put(
            ping.KIND,
            service_id,
            reference=str(answer["answered.id"]),
            target=registered.by_id(service_id).notification_endpoint,
            body={"sealed": answer["answered.sealed_ping"]},
            until=answer["answered.expires_at"],
        )
    return service_id


def _record(kind: str, service_id: uuid.UUID, *, session: CitizenSession) -> None:
    trail.record(
        kind,
        Who(citizen=session.citizen_id, actor=session.actor_id, public_service=service_id),
        subject={"result": kind.partition(":")[2]},
        acting={"channel": KIND},
    )


WAY = Way(allow, refuse, allowed_page="/my/requests/allowed", refused_page="/my/requests/refused")
