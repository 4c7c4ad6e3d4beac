"""The supervisor: starts web processes, worker and sample service, and ends them with itself."""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import click

from identity import passfile, readings, settings
from identity.operations import metrics
from identity.settings import Settings
from identity.web import SUPERVISOR

SAMPLE_SERVICE = Path(__file__).resolve().parent.parent / "examples" / "sample_service.py"
WEB = "from identity import web; web.main()"
# Runs a program that knows nothing of us, so that it ends when we do.
WATCHED = """import runpy, sys
from identity import web
web.end_with_supervisor()
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
LOOK_SECONDS = 0.2
# An orphan of a killed supervisor needs a moment to notice; nobody else's port gets free in it.
FREE_SECONDS = 5.0
STOP_SECONDS = 10.0
FIRST_DELAY_SECONDS, LAST_DELAY_SECONDS = 0.5, 30.0
HEALTHY_SECONDS = 30.0


class PlaceTaken(Exception):
    """Somebody answers where we were told to listen, or we may not listen there."""


@dataclass
class Child:
    """One process that must run: started again after it ended, later each time."""

    name: str
    command: list[str]
    environ: Mapping[str, str] = field(repr=False)
    is_vital: bool = False  # if it ends before it ever answered, the start has failed
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    failures: int = 0

    def start(self) -> None:
        """It runs, as our child, in our process group."""
        self.process = subprocess.Popen(self.command, env=dict(self.environ))  # noqa: S603 - our own
        self.started_at = time.monotonic()

    def has_ended(self) -> bool:
        """Whether it stopped although nobody told it to."""
        return self.process is not None and self.process.poll() is not None

    def tend(self) -> None:
        """Start it again when its time has come."""
        now = time.monotonic()
        if self.has_ended():
            self.failures = 1 if now - self.started_at > HEALTHY_SECONDS else self.failures + 1
            delay = min(FIRST_DELAY_SECONDS * 2 ** (self.failures - 1), LAST_DELAY_SECONDS)
            click.echo(f"{self.name} ended; it starts again in {delay:.1f} s", err=True)
            self.process, self.start_again_at = None, now + delay
        elif self.process is None and now >= self.start_again_at:
            self.start()

    def tell_to_stop(self) -> None:
        """SIGTERM, if it runs."""
        if self.process is not None:
            self.process.terminate()

    def stop_by(self, deadline: float) -> None:
        """It is gone, by force after the deadline."""
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def serve(chosen: Settings, *, with_worker: bool = True) -> int:
    """Everything runs until SIGTERM or SIGINT; then nothing that was started here runs.

    The worker may run elsewhere instead, on PostgreSQL (`motlan worker`).

    Raises:
        PlaceTaken: a place to listen is not free.
    """
    for place in (chosen.bind, chosen.metrics_bind, _sample_bind(chosen)):
        if place is not None:
            require_free(place)
    stop = _stop_at_signals()
    children = _children(chosen, with_worker=with_worker)
    try:
        metrics.listen(chosen)
        for child in children:
            child.start()
        return _supervise(chosen, children, stop=stop)
    finally:
        _end(children)


def require_free(place: str) -> None:
    """Nobody answers there and we may listen there.

    Raises:
        PlaceTaken: says which place and what to do.
    """
    deadline = time.monotonic() + FREE_SECONDS
    while (error := _bind(place)) is not None:
        if error.errno != errno.EADDRINUSE:
            raise PlaceTaken(f"cannot listen on {place}: {error.strerror}")
        if time.monotonic() > deadline:
            raise PlaceTaken(f"{place} answers already: stop what runs there, or bind elsewhere")
        time.sleep(LOOK_SECONDS)


def _bind(place: str) -> OSError | None:
    host, port = readings.split(place)
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as probe:
            # A connection that has just ended is no reason to wait; somebody listening is.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None


def _serves(place: str) -> bool:
    """Whether a request gets an answer: the socket listens before the application is loaded."""
    host, port = readings.split(place)
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - where to look
    try:
        with closing(socket.create_connection((reachable, port), timeout=1.0)) as connection:
            connection.sendall(f"GET /healthz HTTP/1.0\r\nHost: {place}\r\n\r\n".encode())
            return connection.recv(5) == b"HTTP/"
    except OSError:
        return False


def _stop_at_signals() -> threading.Event:
    stop = threading.Event()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


def _supervise(chosen: Settings, children: list[Child], *, stop: threading.Event) -> int:
    is_ready = False
    while not stop.wait(LOOK_SECONDS):
        if not is_ready and _serves(chosen.bind):
            is_ready = True
            _announce(chosen)
        for child in children:
            if child.is_vital and not is_ready and child.has_ended():
                click.echo(f"{child.name} could not start; its own words are above", err=True)
                return 1
            child.tend()
    return 0


def _announce(chosen: Settings) -> None:
    click.echo(f"Một Lần: {chosen.issuer}")
    sample = _sample_bind(chosen)
    if sample is not None:
        click.echo(f"sample service: http://{sample.replace('127.0.0.1', 'localhost')}")


def _end(children: list[Child]) -> None:
    for child in children:
        child.tell_to_stop()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        child.stop_by(deadline)


def _children(chosen: Settings, *, with_worker: bool) -> list[Child]:
    environ = settings.environment() | {SUPERVISOR: str(os.getpid())}
    if chosen.metrics_bind is not None:
        environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics.folder(chosen))
    run = chosen.home / "run"
    web = passfile.move_passwords(environ, run, with_owner=False)
    children = [Child("web", [sys.executable, "-c", WEB], web, is_vital=True)]
    if chosen.is_postgresql and with_worker:
        owner = passfile.move_passwords(environ, run, with_owner=True)
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
        children.append(Child("worker", command, owner))
    sample = _sample_bind(chosen)
    if sample is not None:
        # Somebody else's service: it gets our address, never our database.
        known = {name: text for name, text in web.items() if "DATABASE" not in name}
        known.pop("PGPASSFILE", None)
        arguments = [str(SAMPLE_SERVICE), str(chosen.home / "demo.json"), sample]
        command = [sys.executable, "-c", WATCHED, *arguments]
        children.append(Child("sample service", command, known))
    return children


def _sample_bind(chosen: Settings) -> str | None:
    """Only in the demo, and only where its program and the country it plays in are there."""
    is_there = SAMPLE_SERVICE.exists() and (chosen.home / "demo.json").exists()
    return chosen.sample_bind if chosen.demo and is_there else None
