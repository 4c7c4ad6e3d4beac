"""Entry format v1 of the access log: two sealed parts, two commitments, one leaf.

Nothing in this file may ever change its meaning: every leaf of the log was made by it, and
`motlan log verify` recomputes each one from the stored bytes.
"""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from identity import clock, sealing
from identity.written import sorted_json

# The person of an entry that is about nobody.
NOBODY = uuid.UUID(int=0)
SUBJECT_LABEL = b"motlan-subject/v1"
ACTOR_LABEL = b"motlan-actor/v1"
BODY_LABEL = b"motlan-body/v1"
TABLE = "access_entry"


@dataclass(frozen=True, slots=True)
class Who:
    """Whom an entry is about, who acted, for which public service; null: nobody we know."""

    citizen: uuid.UUID | None = None
    actor: uuid.UUID | None = None
    public_service: uuid.UUID | None = None


def part(members: Mapping[str, Any]) -> bytes:
    """One part as it is committed to and sealed: UTF-8 JSON, sorted keys; `{}` says nothing."""
    return sorted_json(members).encode()


def commitment(label: bytes, *, key: bytes, stored: bytes) -> bytes:
    """HMAC over the part's bytes under its own key: without the key it cannot be guessed."""
    return hmac.digest(key, label + stored, "sha256")


def body_commit(c_subject: bytes, c_actor: bytes) -> bytes:
    """What the leaf names: it binds both parts, and reveals neither."""
    return hashlib.sha256(BODY_LABEL + c_subject + c_actor).digest()


def leaf(entry_type: str, *, minute: str, commit: bytes) -> bytes:
    """The leaf's bytes, as the tree hashes them and the outside may read them."""
    body = base64.b64encode(commit).decode()
    return f"motlan-entry/v1\n{entry_type}\n{minute}\n{body}\n".encode()


class Entry(NamedTuple):
    """One entry, sealed and ready to be written; only its place in the database is missing."""

    type: str
    at: datetime
    minute: str
    citizen_id: uuid.UUID
    actor_id: uuid.UUID
    public_service_id: uuid.UUID
    c_subject: bytes
    c_actor: bytes
    sealed_subject: bytes
    sealed_actor: bytes
    subject_wrapped: bytes
    actor_wrapped: bytes
    kek_id: str
    body_commit: bytes  # in the leaf and in the promise

    def __repr__(self) -> str:
        """What the leaf says, and nothing of the keys."""
        return f"Entry({self.type!r}, {self.minute!r})"

    @property
    def leaf(self) -> bytes:
        """The bytes the tree hashes."""
        return leaf(self.type, minute=self.minute, commit=self.body_commit)


def seal_entry(
    entry_type: str,
    who: Who,
    *,
    subject: Mapping[str, Any] | None = None,
    acting: Mapping[str, Any] | None = None,
) -> Entry:
    """An entry ready to be written.

    `subject` says about whom and what (names of attributes, never values), `acting` who and how.
    Whose it is, who acted, for whom and when stand in the parts too: what the columns say is bound.
    """
    at = clock.now()
    about, by = {**(subject or {}), **_about(who)}, {**(acting or {}), **_by(who, at)}
    for_subject, for_actor = sealing.two_data_keys()
    c_subject, sealed_subject = _sealed(part(about), for_subject, is_subject=True)
    c_actor, sealed_actor = _sealed(part(by), for_actor, is_subject=False)
    ring = sealing.ring()
    subject_wrapped, kek_id = ring.wrap(for_subject[0])
    return Entry(
        type=entry_type,
        at=at,
        minute=clock.minute(at),
        citizen_id=who.citizen or NOBODY,
        actor_id=who.actor or NOBODY,
        public_service_id=who.public_service or NOBODY,
        c_subject=c_subject,
        c_actor=c_actor,
        sealed_subject=sealed_subject,
        sealed_actor=sealed_actor,
        subject_wrapped=subject_wrapped,
        actor_wrapped=ring.wrap(for_actor[0])[0],
        kek_id=kek_id,
        body_commit=body_commit(c_subject, c_actor),
    )


def _sealed(stored: bytes, fresh: sealing.Fresh, *, is_subject: bool) -> tuple[bytes, bytes]:
    """The commitment to a part, and the part sealed."""
    commit = commitment(_LABELS[is_subject], key=fresh[0], stored=stored)
    # The row's id is given by the database later, so the commitment names the row here.
    place = sealing.place(TABLE, column=_COLUMNS[is_subject], row=commit.hex())
    return commit, sealing.seal_once(fresh, stored, place=place)


_LABELS = (ACTOR_LABEL, SUBJECT_LABEL)
_COLUMNS = ("sealed_actor", "sealed_subject")


def _about(who: Who) -> dict[str, str]:
    return _named("citizen_id", who.citizen)


def _by(who: Who, at: datetime) -> dict[str, str]:
    actor, service = _named("actor_id", who.actor), _named("public_service_id", who.public_service)
    return {**actor, **service, "at": at.isoformat()}


def _named(name: str, one: uuid.UUID | None) -> dict[str, str]:
    return {} if one is None or not one.int else {name: one.hex}


def unlike(stored: bytes, who: Who, *, at: datetime, is_subject: bool) -> str | None:
    """Which column beside the tree says otherwise than this part; null: none does."""
    said, columns = json.loads(stored), _about(who) if is_subject else _by(who, at)
    bound = ("citizen_id",) if is_subject else ("actor_id", "public_service_id", "at")
    return next((name for name in bound if said.get(name) != columns.get(name)), None)


def open_part(sealed: bytes, key: bytes, *, commit: bytes, is_subject: bool) -> bytes:
    """The bytes of a sealed part, checked against its commitment.

    Raises:
        sealing.Unreadable: another key, changed bytes, or a commitment to something else.
    """
    row, column = commit.hex(), _COLUMNS[is_subject]
    stored = sealing.open_sealed(key, sealed, table=TABLE, column=column, row=row)
    told = commitment(_LABELS[is_subject], key=key, stored=stored)
    if not hmac.compare_digest(told, commit):
        raise sealing.Unreadable("a part does not match its commitment")
    return stored
