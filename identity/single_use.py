"""What is good once. A request that begins anew in a thread is no replay of itself."""

from typing import Any, cast

from identity import turns
from identity.asked import Request
from identity.together import Clause, together

SPENT = "motlan.spent"  # by this request, in its environ, which no client can write


def is_own(request: Request, digest: bytes) -> bool:
    """Whether this very request has spent it, in a turn that left the rest to a thread."""
    return digest in request.environ.get(SPENT, ())


def spend(request: Request, digest: bytes, *, by: Clause) -> bool:
    """From now on nobody else can use it; false: somebody has, so that the clause found no row.

    It is committed, and the request remembers: so a turn may still leave the rest to a thread,
    instead of holding the loop for whatever a refusal asks and writes.
    """
    if is_own(request, digest):
        return True
    turn = turns.current()
    had_written = turn is not None and turn.has_written
    if together(by) is None:
        return False
    environ = cast("dict[str, Any]", request.environ)
    environ.setdefault(SPENT, set()).add(digest)
    if turn is not None:
        turn.has_written = had_written
    return True
