"""Processes of the supervisor's: each is started again when it ended, and ends on its word."""

import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event

import click

LOOK_SECONDS = 0.05
STOP_SECONDS = 10.0
FIRST_DELAY_SECONDS, LAST_DELAY_SECONDS = 0.5, 30.0
HEALTHY_SECONDS = 30.0


@dataclass
class Child:
    """One process that must run: started again after it ended, later each time."""

    name: str
    command: list[str]
    environ: Mapping[str, str] = field(repr=False)
    files: tuple[int, ...] = ()  # open in us, and in the process under the same numbers
    is_vital: bool = False  # one of those without which nothing is answered
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    failures: int = 0

    def start(self) -> None:
        """It runs, as our child, in our process group."""
        self.process = subprocess.Popen(  # noqa: S603 - our own
            self.command, env=dict(self.environ), pass_fds=self.files
        )
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

    def kill(self) -> None:
        """It is gone, by force if it was still there."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def end(children: Iterable[Child], *, hurry: Event) -> None:
    """None of them runs: first they are told, then time is up or somebody is in a hurry."""
    left = [child for child in children if child.process is not None]
    for child in left:
        child.tell_to_stop()
    deadline = time.monotonic() + STOP_SECONDS
    while not all(child.has_ended() for child in left) and time.monotonic() < deadline:
        if hurry.wait(LOOK_SECONDS):
            break
    for child in left:
        child.kill()
