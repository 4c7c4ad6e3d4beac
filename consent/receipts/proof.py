"""Whether a receipt holds: its promise, its entry, and the entry's place under a signed head."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consent.audit import notes, tree
from consent.audit import records as log
from consent.audit.notes import NoteError, Verifier
from consent.audit.tree import Head
from consent.facets.nodes import PathBroken, path
from consent.receipts import records
from identity import clock, jws
from identity.entry import body_commit, leaf
from identity.log_keys import log_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was found about one receipt; each of the three can be recomputed by anybody."""

    is_promised: bool  # the log's key signed the promise, and it says what the receipt says
    is_entered: bool  # the entry's bytes give the commitment of the receipt
    is_included: bool | None  # null: no head was signed over it yet, which takes a second
    position: int | None
    path: tuple[str, ...]  # the hashes from the leaf up to the root, hex
    head: Head | None
    signed_at: datetime | None

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts the receipt."""
        return self.is_promised and self.is_entered and self.is_included is not False


def prove(receipt: Any) -> Proof:  # noqa: ANN401 - a row of the table
    """What the log says of a receipt, recomputed now."""
    row = records.entry(receipt.citizen_id, receipt.entry_id)
    found = None if row is None else _leaf(row)
    head, signed_at = _newest_head()
    position = None if row is None else row.position
    siblings: tuple[bytes, ...] = ()
    included = None
    if head is not None and position is not None and position < head.size:
        siblings = _path(position, head)
        included = found is not None and tree.is_included(
            found, position, proof=siblings, head=head
        )
    return Proof(
        is_promised=_is_promised(receipt),
        is_entered=row is not None and _commit(row) == bytes(receipt.body_commit),
        is_included=included,
        position=position,
        path=tuple(each.hex() for each in siblings),
        head=head,
        signed_at=signed_at,
    )


def _commit(row: Any) -> bytes:  # noqa: ANN401 - a row of `records.entry`
    return body_commit(bytes(row.c_subject), bytes(row.c_actor))


def _leaf(row: Any) -> bytes:  # noqa: ANN401 - as above
    return tree.leaf_hash(leaf(row.type, minute=clock.minute(row.at), commit=_commit(row)))


def _newest_head() -> tuple[Head | None, datetime | None]:
    """The newest head that our key signed; one that it did not sign proves nothing."""
    row, key = log.newest_head(), log_key()
    if row is None:
        return None, None
    try:
        said = notes.read_checkpoint(row.checkpoint.encode(), Verifier(key.name, key.public))
    except NoteError:
        return None, None
    return said.head, row.signed_at


def _path(position: int, head: Head) -> tuple[bytes, ...]:
    """The siblings of the leaf; none where a position is missing, which proves nothing."""
    try:
        return tuple(path(position, head.size))
    except PathBroken:
        return ()


def _is_promised(receipt: Any) -> bool:  # noqa: ANN401 - a row of the table
    key = log_key()
    try:
        signed, _dot, signature = receipt.promise.rpartition(".")
        claims = json.loads(jws.from_base64url(signed.partition(".")[2]))
        is_ours = Verifier(key.name, key.public).is_signed(
            signed.encode(), jws.from_base64url(signature)
        )
    except ValueError:
        return False
    commit = base64.b64encode(bytes(receipt.body_commit)).decode()
    told = (claims.get("entry"), claims.get("body_commit"))
    return is_ours and told == (str(receipt.entry_id), commit)
