"""Close a log whose database lost entries that were signed, and open the next.

Nothing is taken back: the old head, its leaves and a signed statement stay beside the second store,
and the entry `log:closed` says in the new log what the old one had. What was lost stays provable.
"""

from base64 import b64encode
from contextlib import suppress
from pathlib import Path

from consent.audit import heads, records
from consent.audit.heads import SecondStoreLostError
from consent.audit.leaves import HeadError, LeavesLostError
from consent.audit.second_store import Kept
from consent.audit.sequencer import sequence
from consent.closing.statement import Statement
from identity import clock, files, settings, trail, worker
from identity.database import transaction
from identity.entry import Who
from identity.log_keys import log_key


class NothingToClose(Exception):
    """Database and second store agree: the log goes on."""


class AnotherHistory(HeadError):
    """The database is not an older state of this log: closing it would hide what was rewritten."""


def close(reason: str) -> str:
    """The log is closed, the next one is open and signs; its origin.

    Dying on the way loses nothing: the same call goes on.

    Raises:
        worker.AlreadyWorking: something serves; nobody may write meanwhile.
        NothingToClose: nothing was lost.
        AnotherHistory, HeadError: what is here is not the beginning of what was signed.
    """
    with worker.alone():
        number = _begun() or _begin(reason)
        while sequence():
            pass
        heads.begin(number)
    return settings.current().log_name(number)


def beside(number: int) -> dict[str, Path]:
    """Where a closed log's head, leaves and statement stay, for ever."""
    path = settings.current().log_head
    return {
        "head": path.with_name(f"{path.name}.{number}"),
        "leaves": path.with_name(f"{path.name}.{number}.leaves"),
        "statement": path.with_name(f"{path.name}.{number}.closed"),
    }


def _begun() -> int | None:
    """The number of the log that a call which died was opening; null: there was none."""
    path, number = settings.current().log_head, 1
    while beside(number)["statement"].exists():
        number += 1
    is_aside = number > 1 and beside(number - 1)["head"].exists()
    if not is_aside or _open_number() == number:
        return None
    if not path.exists():
        _set_aside(number - 1)
        return number
    if _number(path) != number:
        return None
    last = heads.store(log_key(number)).find()
    # A database that is behind it was not closed just now: it is an older one put back since.
    return number if last is not None and last.head.size <= _size() else None


def _begin(reason: str) -> int:
    number = _number(settings.current().log_head)
    key = log_key(number)
    last = heads.store(key).find()
    if (said := heads.disagreement()) is None:
        raise NothingToClose("the database has every entry that was signed: the log goes on")
    if last is None:
        raise SecondStoreLostError(said)
    statement = Statement(
        closed=key.name,
        last=last.head,
        opened=settings.current().log_name(number + 1),
        kept=_kept(last, number),
        minute=clock.minute(clock.now()),
    )
    files.replace(beside(number)["statement"], statement.signed(key))
    _record(statement, reason)
    _set_aside(number)
    return number + 1


def _kept(last: Kept, number: int) -> int:
    """How many entries the database has: all of them are the log's own, from the first on."""
    leaves = heads.store(log_key(number)).leaves
    if leaves.witness([last.head]).proven != last.head.size:
        raise LeavesLostError(0, f"{leaves.path} is not what was signed: nobody can say what is")
    size = _size()
    pairs = zip(heads.read_back(0, size), leaves.read(), strict=False)
    other = next((place for place, (ours, signed) in enumerate(pairs) if ours != signed), None)
    if other is not None or size >= last.head.size:
        raise AnotherHistory(
            f"position {size if other is None else other} is not what was signed: this database is "
            "no older state of the log, but another one; restore one that is"
        )
    return size


def _record(said: Statement, reason: str) -> None:
    trail.record(
        "log:closed",
        Who(),
        subject={
            "closed": said.closed,
            "size": said.last.size,
            "root": b64encode(said.last.root).decode(),
            "opened": said.opened,
            "kept": said.kept,
            "reason": reason,
        },
    )


def _set_aside(number: int) -> None:
    """The second store is free for the next log; what it held stays beside it."""
    head, places = settings.current().log_head, beside(number)
    # The head first: one without its leaves is refused, leaves without a head are found again.
    for source, place in (
        (head, places["head"]),
        (head.with_name(f"{head.name}.leaves"), places["leaves"]),
    ):
        if not place.exists():
            with suppress(FileNotFoundError):
                source.rename(place)


def _size() -> int:
    with transaction():
        state = records.sequencer_state()
    return 0 if state is None else int(state.size)


def _number(path: Path) -> int:
    try:
        return heads.number_of(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return 1


def _open_number() -> int:
    head = records.newest_head()
    return 1 if head is None else heads.number_of(head.checkpoint)
