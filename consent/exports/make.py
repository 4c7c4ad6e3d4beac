"""The file of an export: its digest stands in the log before the first byte leaves."""

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from consent.desk.filters import Choice, narrowed
from consent.desk.filters import read as read_filters
from consent.exports import records
from consent.exports.decide import NoSuchExport, mark, subject
from consent.exports.records import State
from consent.exports.sheet import Piece, pieces
from consent.facets.records import Narrowed
from identity import clock, trail
from identity.database import transaction
from identity.entry import Who
from identity.errors import Refusal
from identity.staff.sessions import StaffMember


class NotReady(Refusal):
    """It waits for a second officer, or was declined."""

    status, code, slug = 409, "invalid_request", "export-not-ready"
    title = "The export cannot be fetched"


class ExportChanged(Refusal):
    """The log holds other entries than were counted: some are gone, or the account changed."""

    status, code, slug = 409, "invalid_request", "export-changed"
    title = "The export is not what was counted"


class FileChanged(Exception):
    """What is being sent is not what the log says was sent."""


@dataclass(frozen=True, slots=True)
class File:
    """A file about to be sent."""

    name: str
    length: int
    pieces: Iterator[bytes]


def make(
    officer: StaffMember,
    export_id: uuid.UUID,
    *,
    among: Sequence[Choice],
    header: Sequence[str],
    request_id: str,
) -> File:
    """The file that was asked for, no more and no fewer entries than were counted.

    It is made twice: once for its digest, which the log gets, and once to be sent, so that
    neither has to fit into memory.

    Raises:
        NoSuchExport: there is none, it is over, or another officer asked for it.
        NotReady: nobody confirmed it.
        ExportChanged: it would hold other entries than those that were counted.
    """
    row = records.find(export_id)
    if row is None or row.staff_id != officer.id or row.expires_at <= clock.now():
        raise NoSuchExport("open the list of exports again")
    if row.state is not State.READY:
        raise NotReady("a second officer decides first")
    filters = read_filters(row.filters, among).filters
    wanted = replace(narrowed(filters, among, but=officer.own_citizen_id), upto=row.upto)
    length, entries, digest = _measured(wanted, header)
    if entries != row.entries:
        mark(officer, row, why="changed")
        raise ExportChanged("ask for it again, and have `motlan log verify` run")
    with transaction():
        records.keep_digest(export_id, digest)
        trail.record(
            "export:made",
            Who(actor=officer.id),
            subject={**subject(row), "sha256": digest.hex(), "bytes": length},
            acting=officer.acting(request_id),
        )
    sent = _checked(pieces(wanted, header=header), digest)
    return File(f"motlan-{export_id.hex[-8:]}.csv", length, sent)


def _measured(wanted: Narrowed, header: Sequence[str]) -> tuple[int, int, bytes]:
    length, entries, digest = 0, 0, hashlib.sha256()
    for piece in pieces(wanted, header=header):
        length, entries = length + len(piece.content), entries + piece.entries
        digest.update(piece.content)
    return length, entries, digest.digest()


def _checked(made: Iterator[Piece], expected: bytes) -> Iterator[bytes]:
    """The pieces, the last of them only if together they are what the log says."""
    digest = hashlib.sha256()
    held = next(made).content
    digest.update(held)
    for piece in made:
        digest.update(piece.content)
        yield held
        held = piece.content
    if digest.digest() != expected:
        raise FileChanged("the entries changed while they were sent")
    yield held
