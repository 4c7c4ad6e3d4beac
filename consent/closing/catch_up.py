"""A backup put back: its second store was copied first, and its database was signed meanwhile."""

from consent.audit import heads, records
from consent.audit.leaves import HeadError, split
from consent.audit.notes import NoteError, read_checkpoint
from consent.audit.tree import HASH_BYTES, Frontier, Head


def catch_up() -> str | None:
    """The second store of a backup reaches the head of its database, copied after it; else why not.

    Only a head that this log signed, over what the database holds, and behind what was kept.
    """
    newest = records.newest_head()
    try:
        last = heads.store().find()
        reached = 0 if last is None else last.head.size
        if newest is None or newest.size <= reached:
            return None
        leaves = b"".join(heads.read_back(0, newest.size))
        root = Frontier().grown(split(leaves)).root()
        note = newest.checkpoint.encode()
        told = read_checkpoint(note, heads.verifier_of(newest.checkpoint)).head
        if told != Head(newest.size, root):
            return "the database's newest head is not over its entries: run `motlan log verify`"
        heads.store().require_reached(
            newest.size, root_at=lambda size: heads.grow(Frontier(), size).root()
        )
        fresh = leaves[reached * HASH_BYTES :]
        heads.store().advance(note, after=last, leaves=fresh)
    except (HeadError, NoteError) as fault:
        return str(fault)
    return None
