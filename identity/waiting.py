"""Who may wait: the event loop answers what needs nobody else, and leaves the rest to a thread."""

from prometheus_client import Counter

from identity import turns

# Where a turn had written and then needed somebody that the loop cannot wait for beside others.
HELD = Counter("motlan_loop_held", "Waits that held the event loop: a defect, if it grows")


class MustWait(BaseException):
    """This needs the database, the network or a token, where nobody may wait; nothing was done yet.

    No `Exception`, so that nobody on the way takes it for an accident.
    """


def require() -> None:
    """Whoever calls is about to wait for somebody outside of this process.

    A turn that has written cannot begin anew in a thread: it holds the loop, which is counted.

    Raises:
        MustWait: it may not.
    """
    turn = turns.current()
    if turn is None:
        return
    if not turn.has_written:
        raise MustWait
    HELD.inc()


def require_thread() -> None:
    """A page follows: it may wait for anything, so threads make them all.

    Raises:
        MustWait: this is none.
    """
    if turns.current() is not None:
        raise MustWait
