"""The same act by several at one moment, each in a thread and so with a connection of its own."""

import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

One = TypeVar("One")
Done = TypeVar("Done")


def at_once(act: Callable[[One], Done], each: Collection[One]) -> list[Done]:
    """What it came to for each of them, once all were there to begin together."""
    ready = threading.Barrier(len(each))

    def run(one: One) -> Done:
        ready.wait()
        return act(one)

    with ThreadPoolExecutor(len(each)) as threads:
        return list(threads.map(run, each))
