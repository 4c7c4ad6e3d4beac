"""The supervisor: listens, starts web processes, worker and sample service, ends them with itself.

The socket is its own and stays open while web processes come and go: who connects meanwhile waits.
"""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from threading import Event
from types import FrameType

import click

from identity import children, listening, passfile, settings
from identity.children import Child
from identity.operations import metrics
from identity.settings import Settings
from identity.web import SUPERVISOR

SAMPLE_SERVICE = Path(__file__).resolve().parent.parent / "examples" / "sample_service.py"
WEB = "from identity import web; web.main()"
# Runs a program that knows nothing of us, so that it ends when we do.
WATCHED = """import os, runpy, sys
from identity import web
web.end_with_supervisor()
del sys.argv[0]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""
LOOK_SECONDS = 0.2


@dataclass
class Told:
    """What signals have told us."""

    stop: Event = field(default_factory=Event)
    hurry: Event = field(default_factory=Event)

    def hear(self) -> None:
        """From now on SIGTERM and SIGINT are heard here."""
        signal.signal(signal.SIGTERM, self._note)
        signal.signal(signal.SIGINT, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.stop.is_set() and number == signal.SIGINT:
            self.hurry.set()
        self.stop.set()


def serve(chosen: Settings, *, with_worker: bool = True) -> int:
    """Everything runs until SIGTERM or SIGINT; then nothing that was started here runs.

    The worker may run elsewhere instead, on PostgreSQL (`motlan worker`). A second Ctrl-C waits
    for nobody.

    Raises:
        PlaceTaken: a place to listen is not free.
    """
    with closing(listening.listen(chosen.bind)) as listener:
        for place in (chosen.metrics_bind, _sample_bind(chosen)):
            if place is not None:
                listening.require_free(place)
        told = Told()
        told.hear()
        started = _children(chosen, listener, with_worker=with_worker)
        try:
            metrics.listen(chosen)
            for child in started:
                child.start()
            return _supervise(chosen, started, stop=told.stop)
        finally:
            listener.close()  # who connects from now on is refused, and may go elsewhere
            children.end(started, hurry=told.hurry)


def _supervise(chosen: Settings, started: list[Child], *, stop: Event) -> int:
    is_ready = False
    vital = [child for child in started if child.is_vital]
    while not stop.wait(LOOK_SECONDS):
        if not is_ready and listening.answers(chosen.bind):
            is_ready = True
            _announce(chosen)
        if not is_ready and all(child.has_ended() for child in vital):
            click.echo(f"{vital[0].name} could not start; its own words are above", err=True)
            return 1
        for child in started:
            # Before anything was answered nobody knows whether it ever can be.
            if is_ready or not child.is_vital:
                child.tend()
    return 0


def _announce(chosen: Settings) -> None:
    click.echo(f"Một Lần: {chosen.issuer}")
    sample = _sample_bind(chosen)
    if sample is not None:
        click.echo(f"sample service: http://{sample.replace('127.0.0.1', 'localhost')}")


def _children(chosen: Settings, listener: socket, *, with_worker: bool) -> list[Child]:
    environ = settings.environment() | {SUPERVISOR: str(os.getpid())}
    if chosen.metrics_bind is not None:
        environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics.folder(chosen))
    run = chosen.home / "run"
    web = passfile.move_passwords(environ, run, with_owner=False)
    made = list(_web_processes(chosen, listener, environ=web))
    if chosen.is_postgresql and with_worker:
        owner = passfile.move_passwords(environ, run, with_owner=True)
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
        made.append(Child("worker", command, owner))
    sample = _sample_bind(chosen)
    if sample is not None:
        # Somebody else's service: it gets our address, never our database.
        known = {name: text for name, text in web.items() if "DATABASE" not in name}
        known.pop("PGPASSFILE", None)
        arguments = [str(SAMPLE_SERVICE), str(chosen.home / "demo.json"), sample]
        command = [sys.executable, "-c", WATCHED, *arguments]
        made.append(Child("sample service", command, known))
    return made


def _web_processes(
    chosen: Settings, listener: socket, *, environ: Mapping[str, str]
) -> Iterator[Child]:
    """Each takes connections from the one socket; gunicorn is one child with its own below it."""
    number = listener.fileno()
    command = [sys.executable, "-c", WEB, str(number)]
    for _ in range(1 if chosen.server == "gunicorn" else chosen.processes):
        yield Child("web", command, environ, files=(number,), is_vital=True)


def _sample_bind(chosen: Settings) -> str | None:
    """Only in the demo, and only where its program and the country it plays in are there."""
    is_there = SAMPLE_SERVICE.exists() and (chosen.home / "demo.json").exists()
    return chosen.sample_bind if chosen.demo and is_there else None
