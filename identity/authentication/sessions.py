"""Citizens' sessions: server-side rows, found by a handle in the cookie (OWASP ASVS 7)."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from identity import clock, sealing
from identity.authentication import records
from identity.citizens.records import Status
from identity.database import new_id, transaction
from identity.devices import Device
from identity.together import Answer, Clause, look

PURPOSE = "citizen-session"
IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)
MOST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenSession:
    """One signed-in browser: about whom, who acts, and what this sign-in has earned."""

    citizen_id: uuid.UUID
    actor_id: uuid.UUID
    mandate_id: uuid.UUID | None  # null: nobody is represented
    id: uuid.UUID
    acr: int
    amr: tuple[str, ...]
    auth_at: datetime
    account_level: int
    last_seen_at: datetime
    expires_at: datetime
    digest: bytes = field(repr=False)  # of its cookie


@dataclass(frozen=True, slots=True)
class Proof:
    """What one sign-in has proved, and in which browser."""

    citizen_id: uuid.UUID
    browser_digest: bytes
    acr: int
    amr: tuple[str, ...]
    told: bytes | None = field(default=None, repr=False)  # makes the cookie; null: chance does


@dataclass(frozen=True, slots=True)
class Started:
    """A session, and the cookie that is its only key."""

    session_id: uuid.UUID
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Sessions of one person that end now, in the running transaction."""

    citizen_id: uuid.UUID
    session_id: uuid.UUID | None  # null: all of the person's, whatever hangs on none included
    by: str
    spared: uuid.UUID | None  # the one that stays when all others end; null: none does
    sessions: tuple[uuid.UUID, ...]  # those that were alive until now


Ending = Callable[[Ended], None]
_endings: list[Ending] = []


def begin() -> None:
    """Nothing else ends with a session yet; `join` calls it before the areas above add theirs."""
    _endings.clear()
    _remembered.clear()


def on_end(ending: Ending) -> None:
    """From now on this happens too when sessions end, in the same transaction."""
    _endings.append(ending)


def start(proof: Proof, *, before: CitizenSession | None = None) -> Started:
    """The person is signed in under a new cookie; inside a transaction.

    `before` is the session this browser had. The same person keeps its id, so that what was
    granted in it stays; another person's session ends. Either way the old cookie is dead.
    """
    cookie, earned = _earned(proof)
    if before is not None and before.citizen_id == proof.citizen_id:
        if records.renew_session(before.citizen_id, before.id, values=earned):
            return Started(before.id, cookie)
    elif before is not None:
        _end(before.citizen_id, before.id, by="another-person")
    row = _row(proof, earned)
    records.add_session(row)
    return Started(row["id"], cookie)


def starting(proof: Proof, device: Device, *, after: str) -> tuple[Started, tuple[Clause, Clause]]:
    """The same where this browser had no session, and the device is known: clauses for a statement.

    They write where the condition `after` holds.
    """
    cookie, earned = _earned(proof)
    row = _row(proof, earned)
    return Started(row["id"], cookie), records.starting(row, device, after=after)


def again(proof: Proof) -> Started | None:
    """The session that this very proof has started, under the cookie it has; null: it has none."""
    cookie, digest = _new_cookie(proof)
    answer = look(records.found_session(proof.citizen_id, digest))
    return None if answer is None else Started(answer["session.id"], cookie)


def _new_cookie(proof: Proof) -> tuple[str, bytes]:
    if proof.told is None:
        return sealing.new_handle(proof.citizen_id, PURPOSE)
    return sealing.handle_of(proof.citizen_id, PURPOSE, told=proof.told)


def _earned(proof: Proof) -> tuple[str, dict[str, Any]]:
    """A new cookie, and what every column says that a sign-in sets."""
    at = clock.now()
    cookie, digest = _new_cookie(proof)
    return cookie, {
        "digest": digest,
        "browser_digest": proof.browser_digest,
        "acr": proof.acr,
        "amr": list(proof.amr),
        "auth_at": at,
        "last_seen_at": at,
        "expires_at": at + ABSOLUTE,
    }


def _row(proof: Proof, earned: Mapping[str, Any]) -> dict[str, Any]:
    owner = {"citizen_id": proof.citizen_id, "actor_id": proof.citizen_id, "mandate_id": None}
    begun = {"id": new_id(), "created_at": earned["auth_at"], "ended_at": None}
    return {**owner, **earned, **begun}


def find(cookie: str) -> CitizenSession | None:
    """The session behind a cookie.

    Null where the cookie is forged, the session ended, idle or late, or the account not active.
    """
    try:
        citizen_id, digest = sealing.open_handle(cookie, PURPOSE)
    except sealing.Unreadable:
        return None
    return _found(citizen_id, digest)


def as_now(session: CitizenSession) -> CitizenSession | None:
    """The same session as it is now; null: it is over."""
    return _found(session.citizen_id, session.digest)


def recalled(cookie: str) -> CitizenSession | None:
    """The session behind a cookie as this process saw it in the last minute; null: look for it.

    Whoever relies on it puts `living` into the statement that decides (decision 0006).
    """
    session = _remembered.get(sealing.digest(cookie))
    at = clock.now()
    if session is None or session.expires_at <= at or session.last_seen_at + SEEN_EVERY <= at:
        return None
    return session


def living(session: CitizenSession) -> Clause:
    """The condition `session`: it goes on, and is as it was read."""
    told = {"session_auth_at": session.auth_at, "session_level": session.account_level}
    return records.living(session.citizen_id, session.digest, told=told)


# By digest: no cookie and nothing that a sign-in proved can be had from it.
_remembered: dict[bytes, CitizenSession] = {}


def _found(citizen_id: uuid.UUID, digest: bytes) -> CitizenSession | None:
    answer = look(records.found_session(citizen_id, digest))
    if answer is None or answer["session.status"] != Status.ACTIVE:
        return None
    session, at = _read(citizen_id, digest, answer=answer), clock.now()
    if session.expires_at <= at or session.last_seen_at + IDLE <= at:
        return None
    session = _kept_awake(session, at)
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[digest] = session
    return session


def _read(citizen_id: uuid.UUID, digest: bytes, *, answer: Answer) -> CitizenSession:
    return CitizenSession(
        digest=digest,
        citizen_id=citizen_id,
        actor_id=answer["session.actor_id"],
        mandate_id=answer["session.mandate_id"],
        id=answer["session.id"],
        acr=answer["session.acr"],
        amr=tuple(answer["session.amr"]),
        auth_at=answer["session.auth_at"],
        account_level=answer["session.account_level"],
        last_seen_at=answer["session.last_seen_at"],
        expires_at=answer["session.expires_at"],
    )


def _kept_awake(session: CitizenSession, at: datetime) -> CitizenSession:
    if session.last_seen_at + SEEN_EVERY > at:
        return session
    with transaction():
        records.touch_session(session.citizen_id, session.id, at=at)
    return replace(session, last_seen_at=at)


def end(session: CitizenSession, *, by: str = "sign-out") -> None:
    """The session is over on every process, and what hangs on it ends with it."""
    with transaction():
        _end(session.citizen_id, session.id, by=by)


def end_everywhere(citizen_id: uuid.UUID, by: str) -> None:
    """Every session of this person is over, and what hangs on them."""
    with transaction():
        end_all(citizen_id, by)


def end_all(citizen_id: uuid.UUID, by: str) -> None:
    """The same inside a running transaction: a lock, a death, a new password."""
    _end(citizen_id, None, by=by)


def end_others(session: CitizenSession, by: str) -> int:
    """Every other session of this person is over, and what hangs on no session; how many were.

    Inside a running transaction.
    """
    return _end(session.citizen_id, None, by=by, spared=session.id)


def end_one(citizen_id: uuid.UUID, session_id: uuid.UUID, *, by: str) -> bool:
    """Whether this person had that session; it is over. Inside a running transaction."""
    return _end(citizen_id, session_id, by=by) == 1


def renew_cookie(session: CitizenSession) -> str:
    """The session goes on under this cookie, and the old one is dead; inside a transaction.

    Empty: it has ended meanwhile.
    """
    cookie, digest = sealing.new_handle(session.citizen_id, PURPOSE)
    renewed = records.renew_session(session.citizen_id, session.id, values={"digest": digest})
    return cookie if renewed else ""


def _end(
    citizen_id: uuid.UUID,
    session_id: uuid.UUID | None,
    *,
    by: str,
    spared: uuid.UUID | None = None,
) -> int:
    at = clock.now()
    sessions = records.end_sessions(citizen_id, at=at, session_id=session_id, spared=spared)
    ended = Ended(
        citizen_id=citizen_id, session_id=session_id, by=by, spared=spared, sessions=sessions
    )
    for ending in _endings:
        ending(ended)
    return len(sessions)
