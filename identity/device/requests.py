"""A device's request: asked by the device, found by its user code, answered by a person once."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from identity import clock, sealing, trail
from identity.authentication.lockout import block
from identity.authentication.sessions import CitizenSession
from identity.database import transaction
from identity.device import records, user_code
from identity.entry import Who
from identity.polled import pace
from identity.polled.polls import Standing, State
from identity.polled.ways import Polled, Way
from identity.public_services.registered import Registered
from identity.requested import requests, rules
from identity.requested.pending import AlreadyAnswered
from identity.requested.wish import Wish
from identity.together import Answer, look, together

KIND = "device"
LIFETIME = timedelta(minutes=10)
RANDOM_BYTES = 32
TRIES = 5  # to find a user code that nobody has


@dataclass(frozen=True, slots=True)
class Begun:
    """What the device is told; nothing of it is kept as it is."""

    device_code: str
    user_code: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that a person may answer, and what they need to know of the device."""

    polled: Polled
    wish: Wish
    asked_from: str
    created_at: datetime

    @property
    def public_service(self) -> Registered:
        """Who asks."""
        return self.wish.public_service


def begin(said: Mapping[str, str], service: Registered, *, address: str) -> Begun:
    """The request is checked and waits for whoever has its user code.

    Raises:
        Refusal: the first rule that does not hold, as `/authorize` would say it.
    """
    device_code, now = secrets.token_urlsafe(RANDOM_BYTES), clock.now()
    polled = Polled(KIND, sealing.digest(device_code), now + LIFETIME)
    told = {**said, "client_id": service.client_id}
    rules.check(requests.reread(told, polled=polled))
    row = {
        "digest": polled.digest,
        "service": service.id,
        "params": told,
        "from": block(address),
        "now": now,
        "expires": polled.until,
        "interval": pace.INTERVAL,
    }
    for _ in range(TRIES):
        code = user_code.new()
        row["user_code_digest"] = user_code.digest(code)
        if together(records.store(row)) is not None:
            return Begun(device_code, code)
    raise RuntimeError("no user code is left")


def standing(device_code: str) -> Standing | None:
    """How the request of that device code stands; null: there is none."""
    found = look(records.find(sealing.digest(device_code)))
    if found is None:
        return None
    return Standing(
        digest=found["device.digest"],
        public_service_id=found["device.public_service_id"],
        state=State(found["device.state"]),
        interval_seconds=found["device.interval_seconds"],
        expires_at=found["device.expires_at"],
        citizen_id=found["device.citizen_id"],
    )


def slow_down(standing: Standing, interval_seconds: int) -> None:
    """From now on the device has to wait longer between its polls."""
    together(records.slow_down(standing.digest, interval_seconds))


def find_typed(code: str) -> Waiting | None:
    """The request that waits under this user code; null: none does."""
    return _waiting(look(records.find_waiting(user_code.digest(code))))


def find(digest: bytes) -> Waiting | None:
    """The request if it still waits, found by the digest that our own page carries."""
    found = _waiting(look(records.find(digest)))
    return None if found is None or found.polled.until <= clock.now() else found


def _waiting(found: Answer | None) -> Waiting | None:
    if found is None or found["device.state"] != State.WAITING:
        return None
    polled = Polled(KIND, found["device.digest"], found["device.expires_at"])
    wish = requests.reread(found["device.params"], polled=polled)
    return Waiting(polled, wish, found["device.asked_from"], found["device.created_at"])


def allow(polled: Polled, session: CitizenSession) -> None:
    """The person allowed it, inside the transaction that issues what the device gets.

    Raises:
        AlreadyAnswered: it was answered before, or is over.
    """
    _answer(polled, State.ALLOWED, by=session.citizen_id)
    _record("device:allowed", polled, session=session)


def refuse(polled: Polled) -> None:
    """The device gets nothing; inside a transaction.

    Raises:
        AlreadyAnswered: it was answered before, or is over.
    """
    _answer(polled, State.REFUSED, by=None)


def deny(polled: Polled, session: CitizenSession) -> None:
    """The person said that it is not their device.

    Raises:
        AlreadyAnswered: it was answered before, or is over.
    """
    with transaction():
        refuse(polled)
        _record("device:refused", polled, session=session)


def _answer(polled: Polled, state: State, *, by: uuid.UUID | None) -> None:
    if together(records.answer(polled.digest, state, by=by)) is None:
        raise AlreadyAnswered("this request has been answered already")


def _record(kind: str, polled: Polled, *, session: CitizenSession) -> None:
    found = look(records.find(polled.digest))
    assert found is not None  # noqa: S101 - this transaction has just changed it
    trail.record(
        kind,
        Who(
            citizen=session.citizen_id,
            actor=session.actor_id,
            public_service=found["device.public_service_id"],
        ),
        subject={"result": kind.partition(":")[2]},
        acting={"channel": KIND},
    )


WAY = Way(allow, refuse, allowed_page="/device/allowed", refused_page="/device/refused")
