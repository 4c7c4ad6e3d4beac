"""Where it is measured: a database of its own, the service on one core, all else on the others."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.databases import Databases
from tests.serving import free_port

ARGON2 = "t=2,m=19456,p=1"  # the default cost, which the tests make cheap
START_SECONDS = 30.0


@dataclass(frozen=True)
class Cores:
    """One for the web process, the rest for the database, the worker and the load."""

    web: frozenset[int]
    rest: frozenset[int]

    @classmethod
    def here(cls) -> "Cores":
        """Where there is only one core, it has to do for all."""
        first, *others = sorted(os.sched_getaffinity(0))
        return cls(frozenset({first}), frozenset(others or {first}))


def processor_seconds(process: int) -> float:
    """What this process and those below it have used so far; not our worker's."""
    spent = 0
    for thread in Path(f"/proc/{process}/task").iterdir():
        spent += int((thread / "schedstat").read_text().split()[0])
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    below = sum(processor_seconds(int(child)) for child in children if not _is_worker(child))
    return spent / 1e9 + below


def _is_worker(process: str) -> bool:
    return Path(f"/proc/{process}/cmdline").read_bytes().endswith(b"\0worker\0")


@contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """What is started inside runs on these cores for ever; afterwards we are where we were."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass
class Place:
    """One checkout's service with a database and secrets of its own."""

    root: Path
    cores: Cores
    home: Path
    environ: dict[str, str]
    port: int = field(default_factory=free_port)
    _server: subprocess.Popen[bytes] | None = None

    @classmethod
    def make(cls, root: Path, databases: Databases, *, cores: Cores) -> "Place":
        """A migrated database and secrets, nothing running yet."""
        database = databases.copy()
        home = Path(tempfile.mkdtemp(prefix="home-", dir=databases.shared))
        databases.copy_secrets(home / "secrets")
        return cls(root, cores, home, databases.environment(database))

    def __post_init__(self) -> None:
        self.environ |= {
            "PYTHONPATH": str(self.root),
            "MOTLAN_HOME": str(self.home),
            "MOTLAN_ISSUER": f"http://localhost:{self.port}",
            "MOTLAN_BIND": f"127.0.0.1:{self.port}",
            "MOTLAN_SAMPLE_BIND": "",
            "MOTLAN_DEMO": "1",
            "MOTLAN_PROCESSES": "1",
            "MOTLAN_ARGON2": ARGON2,
        }

    def run(self, *command: str, is_on_web_core: bool = False) -> str:
        """One of our programs in a process of its own on this place; what it said."""
        with pinned(self.cores.web if is_on_web_core else self.cores.rest):
            done = subprocess.run(  # noqa: S603 - our own program
                [sys.executable, "-m", *command],
                cwd=self.root,
                env=self.environ,
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
        return done.stdout

    def start(self) -> None:
        """The service answers; its worker runs beside the database.

        Raises:
            TimeoutError: it does not answer.
        """
        log = self.home / "serve.log"
        with pinned(self.cores.web), log.open("ab") as said:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "wsgi", "serve"],
                cwd=self.root,
                env=self.environ,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while "Một Lần: " not in log.read_text(errors="replace"):
            if time.monotonic() > deadline or self._server.poll() is not None:
                raise TimeoutError(f"it does not answer: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.05)
        self._move_worker(self._server.pid)

    def _move_worker(self, supervisor: int) -> None:
        """On SQLite there is none: it is a thread of the web process."""
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        for child in children:
            if _is_worker(child):
                for thread in Path(f"/proc/{child}/task").iterdir():
                    os.sched_setaffinity(int(thread.name), self.cores.rest)

    def processor_seconds(self) -> float:
        """What the web process has used so far, its supervisor included; not the worker."""
        assert self._server is not None
        return processor_seconds(self._server.pid)

    def stop(self) -> None:
        """Nothing of it runs."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGTERM)
            self._server.wait(timeout=20)
