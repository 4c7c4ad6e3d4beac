"""Processes that die at one line of the log's signing; a parent that has loaded all makes them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import consent
from consent.audit import heads, records
from consent.audit.sequencer import sequence
from identity import create_app, files, settings, trail
from identity.entry import Who
from tests.databases import ROOT


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
            tell("at work")


@dataclass(frozen=True)
class Doomed:
    """One of them, as its maker's caller sees it."""

    pid: int
    maker: "subprocess.Popen[str]"

    def says(self) -> str:
        """Its next line."""
        return self.maker.stdout.readline().strip()

    def ends(self) -> int:
        """Its exit status, once it is gone."""
        return int(self.says())


@dataclass(frozen=True)
class Maker:
    """A process in which everything is loaded and nothing is open: what it forks opens its own."""

    process: "subprocess.Popen[str]"

    def makes(self, point: str, environ: dict[str, str]) -> Doomed:
        """A process that works with that environment until it dies at the point."""
        self.process.stdin.write(json.dumps([point, environ]) + "\n")
        self.process.stdin.flush()
        return Doomed(int(self.process.stdout.readline()), self.process)


@contextmanager
def a_maker() -> Iterator[Maker]:
    """It waits for words until the block ends."""
    command = [sys.executable, "-m", "tests.crashing"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Maker(process)
        process.stdin.close()


def lives(point: str, environ: dict[str, str]) -> None:
    """The short life of a doomed one, which tells who it is first."""
    tell(os.getpid())
    os.environ.update(environ)
    create_app(settings.read(), joins=[consent])
    if point == "at work":
        works()
    setattr(*POINTS[point])
    heads.sign()


def make() -> None:
    """Fork whoever is asked for, one after the other, and tell how each ended."""
    for line in iter(sys.stdin.readline, ""):
        pid = os.fork()
        if not pid:
            lives(*json.loads(line))
            return
        tell(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def tell(what: int | str) -> None:
    print(what, flush=True)  # noqa: T201 - whoever asked for the process waits for it


if __name__ == "__main__":
    make()
