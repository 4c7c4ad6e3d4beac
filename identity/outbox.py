"""Messages that must leave: written in the caller's transaction, delivered by the worker."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Index, func, insert, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from identity import clock, database
from identity.columns import Base
from identity.database import new_id, transaction
from identity.joining import Duty, Purge, joined
from identity.outbound import OutboundFailed

LEASE = timedelta(minutes=1)  # a worker that died gives its message back after this, or later
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=6)
SHARED_PAUSE = timedelta(minutes=5)  # of all messages to an address that does not answer
MOST_TRIES = 40  # about a week; then an operator has to look
UNFINISHED = "Unfinished"  # the last error of a message whose worker died with it
KEPT = timedelta(days=365)  # after it was acknowledged: the citizen's page still tells when

_UNHEARD = text("delivered_at IS NULL")
EVERY = timedelta(seconds=1)  # so that it is delivered within seconds
# What has a time of its own to be worth something is looked at this long after it, and is gone.
KEPT_AFTER = timedelta(days=30)

Deliver = Callable[["Waiting"], None]
# How the messages of each kind leave.
_carriers: dict[str, Deliver] = {}


class UnknownKind(Exception):
    """A message that nothing here knows how to send."""


class NotWanted(Exception):
    """The recipient answered that it will not have the message: nobody tries again."""


class OutboxMessage(Base):
    """One message to one public service, until it was delivered or given up."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index("ix_outbox_message_next_at", "next_at"),
        Index("ix_outbox_message_until", "until"),
        Index(
            "ix_outbox_message_unheard",
            "public_service_id",
            "created_at",
            postgresql_where=_UNHEARD,
            sqlite_where=_UNHEARD,
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    public_service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("public_service.id"))
    reference: Mapped[str]  # what it is about, e.g. a decision_id; shown to people
    target: Mapped[str | None]  # null: the service told no address (kept for polling)
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    tries: Mapped[int]
    next_at: Mapped[datetime | None]  # null: nothing more will be tried
    delivered_at: Mapped[datetime | None]  # null: not acknowledged
    last_error: Mapped[str | None]  # a short word, never the answer's text
    until: Mapped[datetime | None]  # nobody wants it any more then; null: it is always wanted


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message this worker has taken."""

    id: uuid.UUID
    kind: str
    public_service_id: uuid.UUID
    target: str
    body: dict[str, Any]
    tries: int
    until: datetime | None = None  # null: however late


@dataclass(frozen=True, slots=True)
class Standing:
    """What has not been acknowledged by those who told an address."""

    waiting: int
    oldest_at: datetime | None  # of those that wait; null: none does
    given_up: int  # an operator has to look


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a message has come, for the page that shows it."""

    target: str | None
    created_at: datetime
    delivered_at: datetime | None
    last_error: str | None


def carry(kind: str, send: Deliver) -> None:
    """From now on messages of this kind are sent so; what raises is tried again later."""
    _carriers[kind] = send


def put(  # noqa: PLR0913 - the columns of a message, each by its name
    kind: str,
    public_service_id: uuid.UUID,
    *,
    reference: str,
    target: str | None,
    body: Mapping[str, Any],
    until: datetime | None = None,
) -> uuid.UUID:
    """The message leaves if, and only if, the running transaction commits.

    Nobody tries after `until`.
    """
    message_id, at = new_id(), clock.now()
    database.write(
        insert(OutboxMessage).values(
            id=message_id,
            kind=kind,
            public_service_id=public_service_id,
            reference=reference,
            target=target,
            body=dict(body),
            created_at=at,
            tries=0,
            next_at=None if target is None else at,
            until=until,
        )
    )
    return message_id


def progress(reference: str) -> list[Progress]:
    """How far the messages about one thing have come, oldest first."""
    return progress_of([reference]).get(reference, [])


def progress_of(references: Iterable[str]) -> dict[str, list[Progress]]:
    """The same of several things, in one statement; what has no message is absent."""
    wanted = list(references)
    if not wanted:
        return {}
    about = select(OutboxMessage).where(OutboxMessage.reference.in_(wanted))
    rows = database.rows(about.order_by(OutboxMessage.created_at))
    found: dict[str, list[Progress]] = {}
    for row in rows:
        told = Progress(row.target, row.created_at, row.delivered_at, row.last_error)
        found.setdefault(row.reference, []).append(told)
    return found


def standing() -> Standing:
    """How many messages wait, since when, and how many nobody tries any more."""
    open_ones = OutboxMessage.delivered_at.is_(None) & OutboxMessage.target.is_not(None)
    waits = OutboxMessage.next_at.is_not(None)  # one more try, some time
    found = database.row(
        select(
            func.count().filter(waits).label("waiting"),
            func.min(OutboxMessage.created_at).filter(waits).label("oldest_at"),
            func.count().filter(~waits).label("given_up"),
        ).where(open_ones)
    )
    assert found is not None  # noqa: S101 - counting always answers
    return Standing(found.waiting, found.oldest_at, found.given_up)


def take() -> Waiting | None:
    """The next message that is due, leased to this worker; null: nothing is due.

    On PostgreSQL a second worker skips it (SKIP LOCKED); on SQLite there is one worker. The try
    counts from here on: a message may kill whoever sends it.
    """
    at = clock.now()
    due = (
        select(OutboxMessage.id, OutboxMessage.tries, OutboxMessage.until, OutboxMessage.last_error)
        .where(OutboxMessage.next_at <= at)
        .order_by(OutboxMessage.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with transaction():
        found = database.row(due)
        while found is not None and (found.tries >= MOST_TRIES or _is_over(found.until, at)):
            why = UNFINISHED if found.tries >= MOST_TRIES else found.last_error
            _change(found.id, next_at=None, last_error=why or UNFINISHED)
            found = database.row(due)
        if found is None:
            return None
        tries = found.tries + 1
        row = _change(found.id, next_at=at + max(LEASE, _pause(tries)), tries=tries)
    assert row is not None  # noqa: S101 - it is locked by us
    return Waiting(
        row.id, row.kind, row.public_service_id, row.target, row.body, row.tries, row.until
    )


def _is_over(until: datetime | None, at: datetime) -> bool:
    return until is not None and until <= at


def _change(message_id: uuid.UUID, **values: Any) -> database.AnyRow | None:  # noqa: ANN401 - columns
    this = update(OutboxMessage).where(OutboxMessage.id == message_id)
    return database.write_row(this.values(**values).returning(OutboxMessage))


def _pause(tries: int) -> timedelta:
    doublings = min(tries - 1, 20)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def delivered(message: Waiting) -> None:
    """The recipient has acknowledged it."""
    with transaction():
        database.write(
            update(OutboxMessage)
            .where(OutboxMessage.id == message.id)
            .values(delivered_at=clock.now(), next_at=None, last_error=None)
        )


def failed(message: Waiting, why: str, *, is_final: bool = False) -> None:
    """Try again later unless it is final, each time later; after `MOST_TRIES` an operator looks.

    What would be tried after its time is given up at once.
    """
    again_at = clock.now() + _pause(message.tries)
    given_up = is_final or message.tries >= MOST_TRIES or _is_over(message.until, again_at)
    next_at = None if given_up else again_at
    with transaction():
        database.write(
            update(OutboxMessage)
            # Of a worker that came back after its lease ended, nobody wants to know.
            .where(OutboxMessage.id == message.id, OutboxMessage.tries == message.tries)
            .where(OutboxMessage.delivered_at.is_(None))
            .values(next_at=next_at, last_error=why)
        )


def _pause_address(message: Waiting) -> None:
    """Where nobody answers, no other message is tried for a while: each would cost seconds.

    The longer nobody has answered, the longer, up to `SHARED_PAUSE`.
    """
    theirs = (
        OutboxMessage.public_service_id == message.public_service_id,
        OutboxMessage.target == message.target,
        OutboxMessage.delivered_at.is_(None),
        OutboxMessage.next_at.is_not(None),
    )
    with transaction():
        found = database.row(select(func.max(OutboxMessage.tries)).where(*theirs))
        tries = max(message.tries, (found[0] if found else None) or 0)
        until = clock.now() + min(_pause(tries), SHARED_PAUSE)
        waiting = update(OutboxMessage).where(*theirs, OutboxMessage.next_at < until)
        database.write(waiting.values(next_at=until))


def send_by_kind(message: Waiting) -> None:
    """The recipient has acknowledged the message, as its kind wants it.

    Raises:
        UnknownKind: nobody carries it.
    """
    if message.kind not in _carriers:
        raise UnknownKind(message.kind)
    _carriers[message.kind](message)


def deliver(send: Deliver = send_by_kind, *, at_most: int = 20) -> int:
    """Send what is due; how many messages were tried."""
    for tried in range(at_most):
        message = take()
        if message is None:
            return tried
        try:
            send(message)
        except Exception as error:  # noqa: BLE001 - one bad recipient must not stop the others
            failed(message, type(error).__name__, is_final=isinstance(error, NotWanted))
            if isinstance(error, OutboundFailed):
                _pause_address(message)
        else:
            delivered(message)
    return at_most


def join() -> None:
    """Bring the worker's turn, and the purge of what was acknowledged or over long ago."""
    joined().duties.append(Duty("outbox", EVERY, deliver, waits_for_others=True))
    joined().purges.append(Purge("outbox_message", "delivered_at", KEPT))
    joined().purges.append(Purge("outbox_message", "until", KEPT_AFTER))
