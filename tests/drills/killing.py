"""Sudden death under load: what is killed, how it comes back, and how long that takes."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.drills import record
from tests.drills.clients import CHANCE, Client
from tests.drills.memory import Memory
from tests.drills.town import Town
from tests.serving import runs

CLIENTS = 8
BETWEEN_KILLS = 40  # confirmed acts
ALLOWED = {200, 303, 400, 401, 403}


@dataclass
class Killed:
    """How long the clients waited, by what was killed."""

    group: list[float] = field(default_factory=list)
    web: list[float] = field(default_factory=list)
    worker: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        told = {"whole group": self.group, "web process": self.web, "worker": self.worker}
        return "; ".join(
            f"{what}: {len(took)} kills, back after {sorted(took)[len(took) // 2]:.1f} s,"
            f" at most {max(took):.1f} s"
            for what, took in told.items()
            if took
        )


def kill_under_load(town: Town, kills: list[str], memory: Memory) -> Killed:
    """Clients go on while one after another of `kills` happens; everything is back in the end."""
    killed = Killed()
    with going_on(town, memory):
        until_more(town, memory)
        for what in kills:
            time.sleep(CHANCE.uniform(0, 0.2))  # not always between the same two acts
            if what == "group":
                killed.group.append(_kill_group(town))
            elif what == "web":
                killed.web.append(_kill_web(town))
            else:
                killed.worker.append(_kill_worker(town))
            until_more(town, memory)
    return killed


@contextmanager
def going_on(town: Town, memory: Memory) -> Iterator[None]:
    """Eight clients work while the block runs; a client that fell over is not overlooked."""
    stop, fallen = threading.Event(), []

    def work(client: Client) -> None:
        try:
            client.go_on(stop)
        except BaseException as error:  # noqa: BLE001 - told below, by the thread that can fail
            fallen.append(error)

    clients = [Client(town, number, memory) for number in range(CLIENTS)]
    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not fallen, fallen


def until_more(town: Town, memory: Memory) -> None:
    """The clients have had so many confirmed acts more."""
    enough = memory.good + BETWEEN_KILLS
    town.serving.until(lambda: memory.good >= enough, seconds=60)


def _kill_group(town: Town) -> float:
    town.serving.kill_group()
    began_at = time.monotonic()
    town.serving.start(wait=False)
    town.until_answered()
    return time.monotonic() - began_at


def _kill_web(town: Town) -> float:
    before = town.serving.web_processes()
    victim = CHANCE.choice(sorted(before))
    began_at = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    town.serving.until(lambda: not runs(victim))
    town.until_answered()
    took = time.monotonic() - began_at
    town.serving.until(lambda: len(town.serving.web_processes() - {victim}) == town.processes)
    return took


def _kill_worker(town: Town) -> float:
    town.serving.until(town.serving.worker)
    victim = town.serving.worker()
    assert victim is not None
    began_at = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    town.serving.until(lambda: town.serving.worker() not in {None, victim}, seconds=60)
    return time.monotonic() - began_at


def check_memory(town: Town, memory: Memory, folder: Path) -> None:
    """Everything that a client was told is still true."""
    assert {"decided", "withdrawn", "fetch 200", "refresh 200"} <= set(memory.seen)
    assert not memory.surprises
    assert {asked.status for asked in memory.asked} <= ALLOWED
    record.until_sequenced(town)
    assert set(memory.cases) <= record.decided_cases(town)
    assert memory.decisions <= {str(known) for known in record.decision_ids(town, "given")}
    assert set(memory.withdrawn) <= {str(known) for known in record.decision_ids(town, "withdrawn")}
    assert not memory.past_withdrawal()
    record.check_promises(town, memory.promised, folder)
    assert "whole:" in town.command("log", "verify")
    assert faults(town) == []


def faults(town: Town) -> list[str]:
    """What it said that names a defect of ours; that a process was killed is none."""
    marks = ("Traceback", '"level": "error"')
    return [line for line in town.serving.said().splitlines() if any(m in line for m in marks)]
