"""An entry of the log, opened to be read by the person it is about or by a security officer."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from consent.attributes import catalogue
from consent.ledger.answer import SCOPE_CLAIMS
from consent.procedures.catalogue import Procedure, procedures
from identity import sealing
from identity.entry import NOBODY, open_part
from identity.errors import NotFound
from identity.public_services import registered
from identity.public_services.registered import Registered
from identity.written import own_json

LINKED = "linked person"
_CLAIMS = {claim: name for told in SCOPE_CLAIMS.values() for claim, name in told.items()}
# Without letters that are read for one another (Crockford's base 32).
_TAG_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TAG_LENGTH = 8
# Clocks of several machines may differ by so much without anybody having set one back.
MOST_DRIFT = timedelta(seconds=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One entry as a page shows it: names of attributes, never a value."""

    id: int
    type: str
    at: datetime
    citizen_id: uuid.UUID
    actor_id: uuid.UUID
    position: int | None  # null: not in the tree yet, which takes a second
    service: Registered | None  # null: no public service had a part in it
    subject: Mapping[str, Any] = field(repr=False)
    acting: Mapping[str, Any] = field(repr=False)
    is_erased: bool = False  # the subject's key was destroyed, as the person may ask
    behind_seconds: int = 0  # what its clock lacked to the latest one before it in the tree
    is_unreadable: bool = False  # a part does not open: `motlan log verify` says why
    language: str = "vi"

    @property
    def is_refused(self) -> bool:
        """Whether nothing was had from it."""
        return is_refused(self.type, self.subject)

    @property
    def is_out_of_time(self) -> bool:
        """Whether its time is earlier than its place says: a clock was set back."""
        return self.behind_seconds > MOST_DRIFT.total_seconds()

    @property
    def is_linked(self) -> bool:
        """Whether the person stands in somebody else's matter, which is not shown."""
        return bool(self.subject.get(LINKED))

    @property
    def is_by_self(self) -> bool:
        """Whether the person it is about acted."""
        return self.actor_id == self.citizen_id != NOBODY

    @property
    def is_by_another(self) -> bool:
        """Whether somebody else acted: a staff member, or who acts for the person."""
        return self.actor_id not in {self.citizen_id, NOBODY}

    @property
    def labels(self) -> list[str]:
        """What the attributes are called; one that is in no catalogue stays as it is named."""
        known = catalogue.attributes()
        names = [_CLAIMS.get(name, name) for name in self.subject.get("attributes") or ()]
        return [known[n].label(self.language) if n in known else n for n in names]

    @property
    def procedure(self) -> Procedure | None:
        """What it was for; null: nothing of the catalogue."""
        return procedures().get(self.subject.get("procedure") or "")

    @property
    def tag(self) -> str:
        """The pseudonym of the person it is about."""
        return tag("N", self.citizen_id)

    @property
    def actor_tag(self) -> str:
        """The pseudonym of whoever acted, where that was another."""
        return tag("C" if "unit" in self.acting else "N", self.actor_id)


def is_refused(entry_type: str, subject: Mapping[str, Any]) -> bool:
    """Whether nothing was had from an entry of this type whose subject part says this."""
    return entry_type.endswith(":refused") or subject.get("result") == "refused"


def tag(kind: str, of: uuid.UUID) -> str:
    """`N-7KQ2-M4XD`: the same person has the same tag; without our key nobody finds whose it is."""
    if of == NOBODY:
        return ""
    number = int.from_bytes(sealing.ring().mac("subject-tag", of.bytes)[:_TAG_LENGTH])
    letters = [_TAG_LETTERS[number >> 5 * place & 31] for place in range(_TAG_LENGTH)]
    return f"{kind}-{''.join(letters[:4])}-{''.join(letters[4:])}"


def opened(row: Any, language: str) -> Look:  # noqa: ANN401 - a row of `records.entries`
    """The entry of a row; what cannot be opened is said to be so, and the rest is shown."""
    subject, acting, is_unreadable = _parts(row)
    return Look(
        id=row.id,
        type=row.type,
        at=row.at,
        citizen_id=row.citizen_id,
        actor_id=row.actor_id,
        position=row.position,
        service=_service(row.public_service_id),
        subject=subject,
        acting=acting,
        is_erased=row.kek_id is not None and row.subject_wrapped is None,
        behind_seconds=row.behind_seconds or 0,
        is_unreadable=is_unreadable,
        language=language,
    )


def subject(row: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as above
    """What the subject part says, and nothing else is opened; empty: erased, or unreadable."""
    if row.subject_wrapped is None:
        return {}
    try:
        return _part(row, is_subject=True)
    except sealing.Unreadable:
        return {}


def _parts(row: Any) -> tuple[Mapping[str, Any], Mapping[str, Any], bool]:  # noqa: ANN401 - as above
    if row.kek_id is None:
        return {}, {}, True
    try:
        about = {} if row.subject_wrapped is None else _part(row, is_subject=True)
        return about, _part(row, is_subject=False), False
    except sealing.Unreadable:
        return {}, {}, True


def _part(row: Any, *, is_subject: bool) -> Mapping[str, Any]:  # noqa: ANN401 - as above
    wrapped, sealed, commit = (
        (row.subject_wrapped, row.sealed_subject, row.c_subject)
        if is_subject
        else (row.actor_wrapped, row.sealed_actor, row.c_actor)
    )
    key = sealing.ring().unwrap(bytes(wrapped), row.kek_id)
    stored = open_part(bytes(sealed), key, commit=bytes(commit), is_subject=is_subject)
    members: Mapping[str, Any] = own_json(stored.decode())
    return members


def _service(public_service_id: uuid.UUID) -> Registered | None:
    if public_service_id == NOBODY:
        return None
    try:
        return registered.by_id(public_service_id)
    except NotFound:
        return None
