"""Where a person is signed in: each device with its words and name; ended one by one or all."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from identity import clock, sealing, trail
from identity.account import prove
from identity.authentication import records, sessions
from identity.authentication.lockout import Visit
from identity.authentication.sessions import CitizenSession
from identity.citizens import people
from identity.database import AnyRow, transaction
from identity.devices import Device
from identity.errors import InvalidRequest, NotFound

LONGEST_NAME = 40
SIGNED_OUT = "signed-out-elsewhere"


class NoSuchSession(NotFound):
    """Ended, unknown, or another person's: they look the same."""

    slug = "no-such-session"
    title = "There is no such sign-in"


class UnfitName(InvalidRequest):
    """A device's name has at most forty characters."""

    slug = "unfit-name"
    title = "The name is too long"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """One living session as its owner sees it."""

    id: uuid.UUID
    browser_digest: bytes = field(repr=False)
    device: Device
    name: str = field(repr=False)  # empty: the person gave none
    since: datetime
    last_seen_at: datetime
    is_here: bool


def signed_in(session: CitizenSession) -> list[SignedIn]:
    """Where the person is signed in now; the latest seen first."""
    at = clock.now()
    found = records.living_sessions(session.citizen_id, at=at, seen_after=at - sessions.IDLE)
    key = people.citizen_key(session.citizen_id)
    return [_opened(row, key, here=session.id) for row in found]


def one(session: CitizenSession, session_id: uuid.UUID) -> SignedIn:
    """One of them.

    Raises:
        NoSuchSession: none of this person's lives under that id.
    """
    found = next((each for each in signed_in(session) if each.id == session_id), None)
    if found is None:
        raise NoSuchSession("there is no such sign-in")
    return found


def name(session: CitizenSession, session_id: uuid.UUID, *, called: str, visit: Visit) -> None:
    """The device of that session is called so from now on, after a new sign-in too.

    Raises:
        UnfitName: too long.
        NoSuchSession: none of this person's lives under that id.
    """
    if len(called) > LONGEST_NAME:
        raise UnfitName("use a shorter name")
    device = one(session, session_id)
    key = people.citizen_key(session.citizen_id)
    place = _place(session.citizen_id, device.browser_digest)
    sealed = sealing.seal(key, called.encode(), **place) if called else None
    with transaction():
        if not records.name_device(session.citizen_id, device.browser_digest, sealed=sealed):
            raise NoSuchSession("there is no such sign-in")
        _record("device:named", session, visit=visit, sessions_ended=0)


def end(session: CitizenSession, session_id: uuid.UUID, *, visit: Visit) -> None:
    """That session and its tokens are over.

    Raises:
        NoSuchSession: none of this person's lives under that id.
    """
    with transaction():
        if not sessions.end_one(session.citizen_id, session_id, by=SIGNED_OUT):
            raise NoSuchSession("there is no such sign-in")
        _record("session:ended", session, visit=visit, sessions_ended=1)


def end_others(session: CitizenSession, *, visit: Visit) -> int:
    """Everybody else who is signed in as this person is not any more; how many were."""
    with transaction():
        ended = sessions.end_others(session, SIGNED_OUT)
        _record("session:ended", session, visit=visit, sessions_ended=ended)
    return ended


def _record(entry_type: str, session: CitizenSession, *, visit: Visit, sessions_ended: int) -> None:
    subject = {"result": "changed"} | ({"sessions_ended": sessions_ended} if sessions_ended else {})
    trail.record(entry_type, prove.owner(session), subject=subject, acting=prove.by(session, visit))


def _opened(row: AnyRow, key: bytes, *, here: uuid.UUID) -> SignedIn:
    called = ""
    if row.sealed_name is not None:
        place = _place(row.citizen_id, bytes(row.browser_digest))
        called = sealing.open_sealed(key, bytes(row.sealed_name), **place).decode()
    return SignedIn(
        id=row.id,
        browser_digest=bytes(row.browser_digest),
        device=Device(row.browser, row.system),
        name=called,
        since=row.auth_at,
        last_seen_at=row.last_seen_at,
        is_here=row.id == here,
    )


def _place(citizen_id: uuid.UUID, browser_digest: bytes) -> dict[str, str]:
    row = f"{citizen_id.hex}:{browser_digest.hex()}"
    return {"table": "known_device", "column": "sealed_name", "row": row}
