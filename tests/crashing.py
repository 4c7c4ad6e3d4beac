"""A process that dies at one line of the log's signing: `python -m tests.crashing POINT`."""

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

import consent
from consent.audit import heads, records
from consent.audit.sequencer import sequence
from identity import create_app, files, settings, trail
from identity.entry import Who


def dies(*_: Any, **__: Any) -> None:
    """Without a word, as when the power fails."""
    os.kill(os.getpid(), signal.SIGKILL)


def half(path: Any, content: bytes, *, at: int) -> None:
    """Some of the bytes arrive."""
    write(path, content[: len(content) // 2 + 7], at=at)
    dies()


def then_dies(act: Callable[..., Any]) -> Callable[..., Any]:
    """The act is done, and nothing after it."""
    return lambda *given, **named: dies(act(*given, **named))


write = files.append
# What is replaced, by what.
POINTS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "before the leaves": (files, "append", dies),
    "half of the leaves": (files, "append", half),
    "after the leaves": (files, "append", then_dies(files.append)),
    "before the head has its name": (files, "_write_durably", then_dies(files._write_durably)),
    "before a name is durable": (files, "_sync_folder", dies),
    "after the head": (files, "replace", then_dies(files.replace)),
    "before the database": (heads, "_keep", dies),
    "in the database's transaction": (records, "keep_state", then_dies(records.keep_state)),
    "after the database": (heads, "_keep", then_dies(heads._keep)),
}


def works() -> None:
    """Write, order and sign until somebody ends it; the first line says that it has begun."""
    for n in count():
        trail.record("sign_in:succeeded", Who(), subject={"n": n})
        sequence()
        heads.sign()
        if not n:
            print("at work", flush=True)  # noqa: T201 - whoever kills us waits for it


if __name__ == "__main__":
    create_app(settings.read(), joins=[consent])
    if sys.argv[1] == "at work":
        works()
    setattr(*POINTS[sys.argv[1]])
    heads.sign()
