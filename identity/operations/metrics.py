"""`/metrics` on a listener of its own: one scrape tells of every process of this server."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from identity import readings
from identity.operations.standing import Standing
from identity.settings import Settings


def folder(chosen: Settings) -> Path:
    """Where every process writes its numbers (`PROMETHEUS_MULTIPROC_DIR`)."""
    return chosen.home / "run" / "metrics"


def listen(chosen: Settings) -> None:
    """Numbers are told at `MOTLAN_METRICS_BIND`, all anew; nothing where it is empty."""
    if chosen.metrics_bind is None:
        return
    place = folder(chosen)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    host, port = readings.split(chosen.metrics_bind)
    start_http_server(port, host, registry(place))


def registry(place: Path) -> CollectorRegistry:
    """What a scrape collects: the processes' numbers, and how everything stands."""
    made = CollectorRegistry()
    made.register(Living(place))
    made.register(Standing())
    return made


class Living(Collector):
    """The numbers of all processes; of those that ended only what was counted."""

    def __init__(self, place: Path) -> None:
        self._place = place
        # Without a registry, so that we can look who lives before each collection.
        self._all = MultiProcessCollector(None, path=str(place))  # type: ignore[no-untyped-call] # the library has no types

    def collect(self) -> Iterator[Metric]:
        """Added up over the processes."""
        for pid in {path.stem.rpartition("_")[2] for path in self._place.glob("gauge_live*.db")}:
            if not _lives(int(pid)):
                mark_process_dead(pid, str(self._place))  # type: ignore[no-untyped-call] # the library has no types
        yield from self._all.collect()  # type: ignore[no-untyped-call] # the library has no types


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # nothing is sent: it is only asked whether it could be
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
