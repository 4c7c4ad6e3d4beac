"""Who may wait: the event loop answers what needs nobody else, and leaves the rest to a thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_may_wait: ContextVar[bool] = ContextVar("motlan_may_wait", default=True)


class MustWait(BaseException):
    """This needs the database, the network or a token, where nobody may wait; nothing was done yet.

    No `Exception`, so that nobody on the way takes it for an accident.
    """


def require() -> None:
    """Whoever calls is about to wait for somebody outside of this process.

    Raises:
        MustWait: it may not.
    """
    if not _may_wait.get():
        raise MustWait


@contextmanager
def for_nobody() -> Iterator[None]:
    """Inside, everything that would wait raises `MustWait` instead."""
    token = _may_wait.set(False)
    try:
        yield
    finally:
        _may_wait.reset(token)
