"""Sessions of the people who work here: shorter than a citizen's, and apart from it."""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from identity import clock, sealing
from identity.database import new_id, transaction
from identity.staff import records
from identity.staff.accounts import name_of
from identity.staff.records import Role

PURPOSE = "staff-session"
IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=8)
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMember:
    """Who works here, signed in."""

    id: uuid.UUID
    username: str
    name: str = field(repr=False)
    unit: str
    role: Role
    own_citizen_id: uuid.UUID | None  # null: unknown
    session_id: uuid.UUID

    def acting(self, request_id: str | None = None) -> dict[str, str]:
        """The actor's part of an entry about what they did; null: no request of theirs."""
        who = {"actor": self.id.hex, "role": str(self.role), "unit": self.unit}
        return who if request_id is None else who | {"request": request_id}


def accounts(member: StaffMember) -> frozenset[uuid.UUID]:
    """This member's account, and every other that the same person has or once had."""
    person = member.own_citizen_id
    return frozenset((member.id, *(records.accounts_of(person) if person else ())))


def start(staff_id: uuid.UUID, *, told: bytes | None = None) -> str:
    """The staff member is signed in; the cookie that proves it. Inside a transaction.

    `told` makes the cookie, so that `again` finds it; null: chance does.
    """
    cookie = secrets.token_urlsafe(32) if told is None else _cookie(staff_id, told)
    at = clock.now()
    records.add_session(
        {
            "digest": sealing.digest(cookie),
            "id": new_id(),
            "staff_id": staff_id,
            "created_at": at,
            "last_seen_at": at,
            "expires_at": at + ABSOLUTE,
            "ended_at": None,
        }
    )
    return cookie


def again(staff_id: uuid.UUID, told: bytes) -> str | None:
    """The cookie of the living session that was started with this; null: there is none."""
    cookie = _cookie(staff_id, told)
    return None if find(cookie) is None else cookie


def _cookie(staff_id: uuid.UUID, told: bytes) -> str:
    text, _digest = sealing.handle_of(staff_id, PURPOSE, told=told)
    return text


def find(cookie: str) -> StaffMember | None:
    """Who holds this cookie; null where it is forged, ended, idle or late."""
    row = records.find_session(sealing.digest(cookie))
    at = clock.now()
    if row is None or row.expires_at <= at or row.last_seen_at + IDLE <= at:
        return None
    _keep_awake(row.session_id, row.last_seen_at, at=at)
    return StaffMember(
        id=row.id,
        username=row.username,
        name=name_of(row),
        unit=row.unit,
        role=row.role,
        own_citizen_id=row.own_citizen_id,
        session_id=row.session_id,
    )


def _keep_awake(session_id: uuid.UUID, last_seen_at: datetime, *, at: datetime) -> None:
    if last_seen_at + SEEN_EVERY <= at:
        with transaction():
            records.touch_session(session_id, at=at)


def renew_cookie(member: StaffMember) -> str:
    """The session goes on under this cookie, and the old one is dead; in the running transaction.

    Empty: it has ended meanwhile.
    """
    cookie = secrets.token_urlsafe(32)
    renewed = records.renew_session(member.session_id, digest=sealing.digest(cookie))
    return cookie if renewed else ""


def end_others(member: StaffMember) -> None:
    """Every session of this staff member but this one is over; in the running transaction."""
    records.end_sessions(member.id, at=clock.now(), spare=member.session_id)


def end(member: StaffMember) -> None:
    """The session is over on every process."""
    with transaction():
        records.end_session(member.session_id, at=clock.now())
