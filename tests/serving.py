"""The real thing in processes of its own: `motlan serve`, started, killed and stopped."""

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from identity import serve
from tests.databases import ROOT, Database, Databases

ANNOUNCED = "Một Lần: "  # said when the first request was answered


# Below what systems give to connections that go out, so that none takes it before we listen.
PORTS = range(18_000, 32_000)


def free_port() -> int:
    """A port nobody listens on just now."""
    while True:
        port = secrets.choice(PORTS)
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Serving:
    """One `motlan serve`: its process group, its port and what it said."""

    def __init__(
        self, databases: Databases, database: Database, home: Path, **environ: str
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        if not (home / "secrets").exists():
            databases.copy_secrets(home / "secrets")
        self.port = free_port()
        self.place = f"127.0.0.1:{self.port}"
        self.issuer = f"http://localhost:{self.port}"
        self.log = home / "serve.log"
        self.environ = (
            databases.environment(database)
            | {
                "MOTLAN_HOME": str(home),
                "MOTLAN_ISSUER": self.issuer,
                "MOTLAN_BIND": self.place,
                "MOTLAN_SAMPLE_BIND": "",
                "MOTLAN_DEMO": "1",
            }
            | environ
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> "Serving":
        """It runs in a process group of its own, and answers if that was asked for."""
        announced = self.said().count(ANNOUNCED)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "wsgi", "serve"],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if wait:
            # Long, for a machine with much else to do loads the house slowly.
            self.until(lambda: self.said().count(ANNOUNCED) > announced or self._has_ended(), 90)
            assert not self._has_ended(), f"it did not start:\n{self.said()}"
        return self

    def _has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def status(self, path: str = "/healthz") -> int | None:
        """The status of an answer; null when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", path, headers={"Host": f"localhost:{self.port}"})
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        """Come back when it holds; its own words if it never does."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"it never came true; serve said:\n{self.said()}"
            time.sleep(0.05)

    def said(self) -> str:
        """Everything it wrote so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self) -> None:
        """Kill the supervisor alone, as an out-of-memory killer does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def kill_group(self) -> None:
        """Kill everything it started in one blow, as a power cut does."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, told: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop; its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(told)
        return self.process.wait(timeout=20)

    def descendants(self) -> dict[int, str]:
        """Its living child processes and theirs, by process id, with their command lines."""
        assert self.process is not None
        return _below(self.process.pid)

    def web_processes(self) -> set[int]:
        """Those that answer; with gunicorn the one above them."""
        assert self.process is not None
        started = _children(self.process.pid)
        return {pid for pid, command in started.items() if serve.WEB in command}

    def worker(self) -> int | None:
        """The background worker; null on SQLite, where it is a thread."""
        said = self.descendants().items()
        return next((pid for pid, command in said if command.endswith(" worker")), None)

    def clear(self) -> None:
        """Nothing of it runs; for the end of a test, however it went."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.kill_group()


def runs(pid: int) -> bool:
    """Whether there is such a process, and not just its exit status waiting to be read."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _below(parent: int) -> dict[int, str]:
    found = _children(parent)
    for pid in list(found):
        found |= _below(pid)
    return found


def _children(parent: int) -> dict[int, str]:
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, ppid = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it ended while we looked
        if int(ppid) == parent and state != "Z":
            found[int(entry.name)] = command.strip()
    return found
