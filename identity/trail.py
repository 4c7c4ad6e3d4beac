"""The trail: the only writer of the access log. Every area calls it, `consent/audit` reads it."""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Identity, Index, PrimaryKeyConstraint, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from identity import clock, database, sealing
from identity.columns import Base
from identity.database import transaction
from identity.entry import Entry, Who, seal_entry
from identity.joining import Duty, joined
from identity.together import Clause, together


class AccessEntry(Base):
    """One entry beside the tree: appended, never edited (format: `identity/entry.py`)."""

    __tablename__ = "access_entry"
    __table_args__ = (
        PrimaryKeyConstraint("citizen_id", "id"),
        Index("ix_access_entry_id", "id", unique=True),
        Index("ix_access_entry_xid", "xid"),
    )

    citizen_id: Mapped[uuid.UUID]  # the zero UUID where it is about nobody
    # Taken after the head row's lock, in the same statement (design §7).
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    xid: Mapped[int] = mapped_column(BigInteger)  # the writing transaction; 0 on SQLite
    type: Mapped[str]
    at: Mapped[datetime]
    actor_id: Mapped[uuid.UUID]
    public_service_id: Mapped[uuid.UUID]
    leaf: Mapped[bytes]
    c_subject: Mapped[bytes]
    c_actor: Mapped[bytes]
    sealed_subject: Mapped[bytes]
    sealed_actor: Mapped[bytes]


class EntryKey(Base):
    """The wrapped keys of one entry's parts; deleting the subject's erases that part alone."""

    __tablename__ = "entry_key"
    __table_args__ = (PrimaryKeyConstraint("citizen_id", "entry_id"),)

    citizen_id: Mapped[uuid.UUID]
    entry_id: Mapped[int] = mapped_column(BigInteger)
    subject_wrapped: Mapped[bytes | None]  # null: erased
    actor_wrapped: Mapped[bytes]
    kek_id: Mapped[str]


class RefusalTally(Base):
    """Repeats of one refusal within one minute, until the worker writes them as one entry."""

    __tablename__ = "refusal_tally"
    __table_args__ = (Index("ix_refusal_tally_minute_at", "minute_at"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)  # of who, what, why and the minute
    minute_at: Mapped[datetime]
    repeats: Mapped[int]  # beyond the first, which is an entry of its own
    what: Mapped[str]  # the refusal's words, sealed by the ring: {type, citizen, …}


class EntryRef(NamedTuple):
    """Where an entry was written, and what a promise about it says."""

    id: int
    type: str
    minute: str
    body_commit: bytes


def clauses(
    entry: Entry,
    *,
    after: Iterable[str] = (),
    name: str = "entry",
    same: tuple[tuple[str, str], ...] = (),
) -> tuple[Clause, ...]:
    """The log's part of a joined statement; the row's number comes back as `{name}.id`.

    `after` names the condition clauses: no row from them, no entry (design §4). `same` says for
    members of the entry under which parameter the statement has them already.
    """
    texts = _texts(tuple(after), name, same=same)
    params = dict(zip(texts.params, _values(entry), strict=True))
    return Clause(name, *texts.entry, params, _ID), texts.keys


_ID = {"id": int}


class _Texts(NamedTuple):
    """What both clauses say: the entry's on PostgreSQL and on SQLite, and the one of its keys."""

    entry: tuple[str, str]
    keys: Clause  # returns nothing: where the entry is written, so are they
    params: tuple[str, ...]  # of both, in the order of `_values`


@lru_cache(maxsize=256)
def _texts(after: tuple[str, ...], name: str, *, same: tuple[tuple[str, str], ...]) -> _Texts:
    """There are few sets of conditions, so each text is put together once."""
    sources = ", ".join(after)
    origin = f" FROM {sources}" if sources else ""
    params = {member: f"{name}_{member}" for member in _MEMBERS} | dict(same)
    if len({*params.values()}) < len(params):
        raise ValueError("two members of an entry under one parameter")
    citizen, *told = [f":{param}" for param in params.values()]
    values, keys = ", ".join(told[: len(_IN_ENTRY)]), ", ".join(told[len(_IN_ENTRY) :])
    return _Texts(
        (
            f"{_INSERT} SELECT {citizen}, {values}{origin} RETURNING id",
            f"{_INSERT_SQLITE} VALUES ({citizen}, {_NEXT}, 0, {values}) RETURNING id",
        ),
        Clause(
            f"{name}_key",
            f"{_INSERT_KEY} SELECT {citizen}, {name}.id, {keys} FROM {name}",  # noqa: S608 - our own names
            f"{_INSERT_KEY} VALUES ({citizen}, :{name}_id, {keys})",
        ),
        tuple(params.values()),
    )


_COLUMNS = (
    "type, at, actor_id, public_service_id, leaf, c_subject, c_actor, sealed_subject, sealed_actor"
)
# On PostgreSQL id and xid are the columns' own defaults: the identity is taken when the row is
# made, after the conditions have their locks.
_INSERT = f"INSERT INTO access_entry (citizen_id, {_COLUMNS})"
_INSERT_SQLITE = f"INSERT INTO access_entry (citizen_id, id, xid, {_COLUMNS})"
_NEXT = "(SELECT coalesce(max(id), 0) + 1 FROM access_entry)"
_INSERT_KEY = "INSERT INTO entry_key (citizen_id, entry_id, subject_wrapped, actor_wrapped, kek_id)"
# Whose it is, what is in the entry, and what is in the row of its keys: the parameters.
_IN_ENTRY = ("type", "at", "actor", "service", "leaf", "c_subject", "c_actor", "subject", "acting")
_MEMBERS = ("citizen", *_IN_ENTRY, "subject_wrapped", "actor_wrapped", "kek")
# The same of an entry, in this order.
_values: Callable[[Entry], tuple[Any, ...]] = attrgetter(
    *("citizen_id", "type", "at", "actor_id", "public_service_id", "leaf", "c_subject", "c_actor"),
    *("sealed_subject", "sealed_actor", "subject_wrapped", "actor_wrapped", "kek_id"),
)


def ref(entry: Entry, entry_id: int) -> EntryRef:
    """The reference that answers and receipts carry."""
    return EntryRef(entry_id, entry.type, entry.minute, entry.body_commit)


def record(
    entry_type: str,
    who: Who,
    *,
    subject: Mapping[str, Any] | None = None,
    acting: Mapping[str, Any] | None = None,
) -> EntryRef:
    """Append an entry: inside the running transaction, or as one of its own.

    `subject` says about whom and what (names of attributes, never values); `acting` who and how.
    """
    entry = seal_entry(entry_type, who, subject=subject, acting=acting)
    answer = together(*clauses(entry))
    assert answer is not None  # noqa: S101 - an entry without conditions always comes back
    return ref(entry, answer["entry.id"])


def refuse(
    entry_type: str,
    who: Who,
    *,
    subject: Mapping[str, Any],
    acting: Mapping[str, Any] | None = None,
) -> None:
    """Leave the mark of a refusal, in a transaction of its own, before the caller raises.

    The first of a minute is an entry; repeats are counted, and the worker writes the count as
    one further entry. Call it only where somebody is identified (design §2).
    """
    words: dict[str, Any] = {
        "type": entry_type,
        "subject": dict(subject),
        "acting": dict(acting or {}),
    }
    words |= {"citizen": _hex(who.citizen), "actor": _hex(who.actor)}
    words |= {"service": _hex(who.public_service)}
    minute_at = clock.now().replace(second=0, microsecond=0)
    steady = {**words, "acting": {k: v for k, v in words["acting"].items() if k != "request"}}
    text = json.dumps([minute_at.isoformat(), steady], sort_keys=True)
    with transaction():
        if _is_first(sealing.ring().mac("refusal", text.encode()), minute_at, words=words):
            _record_words(words)


def _is_first(digest: bytes, minute_at: datetime, *, words: dict[str, Any]) -> bool:
    insert = postgresql.insert if database.is_postgresql() else sqlite.insert
    what = sealing.ring().seal_token("refusal", json.dumps(words).encode())
    tally = insert(RefusalTally).values(digest=digest, minute_at=minute_at, repeats=0, what=what)
    counted = tally.on_conflict_do_update(
        index_elements=["digest"], set_={"repeats": RefusalTally.repeats + 1}
    ).returning(RefusalTally.repeats)
    row = database.write_row(counted)
    return row is not None and row.repeats == 0


def write_repeats(limit: int = 200) -> int:
    """Turn the counted repeats of past minutes into entries; how many tallies were closed.

    The worker's duty. Each tally is removed and its entry written in one transaction.
    """
    before = clock.now() - timedelta(minutes=1)
    ended = RefusalTally.minute_at < before.replace(second=0, microsecond=0)
    digests = [
        row.digest for row in database.rows(select(RefusalTally.digest).where(ended).limit(limit))
    ]
    for digest in digests:
        with transaction():
            closed = database.write_row(
                delete(RefusalTally)
                .where(RefusalTally.digest == digest)
                .returning(RefusalTally.repeats, RefusalTally.what)
            )
            if closed is not None and closed.repeats:
                words = json.loads(sealing.ring().open_token("refusal", closed.what))
                _record_words(words, repeats=closed.repeats)
    return len(digests)


def _record_words(words: dict[str, Any], **more: Any) -> EntryRef:  # noqa: ANN401 - JSON members
    who = Who(_uuid(words["citizen"]), _uuid(words["actor"]), _uuid(words["service"]))
    return record(
        words["type"],
        who,
        subject=words["subject"] | more,
        acting=words["acting"],
    )


def _hex(value: uuid.UUID | None) -> str | None:
    return None if value is None else value.hex


def _uuid(value: str | None) -> uuid.UUID | None:
    return None if value is None else uuid.UUID(hex=value)


def join() -> None:
    """Bring the worker's duty: counted repeats become entries."""
    joined().duties.append(Duty("refusals", timedelta(seconds=10), write_repeats))
