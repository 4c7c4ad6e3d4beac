"""How everything stands that no request measures: the log, the worker, what waits to leave.

Read from the database when somebody asks, so that a worker that died is seen to grow old.
"""

import queue
import threading
from collections.abc import Iterator
from datetime import datetime

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from identity import clock, outbox, worker
from identity.joining import joined

log = structlog.get_logger(__name__)
# Prometheus itself gives up after ten: a database that hangs must not take the other numbers along.
PATIENCE_SECONDS = 3.0


class Standing(Collector):
    """One look at the database for each scrape, given up when it takes too long."""

    def __init__(self) -> None:
        self._looking = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """`motlan_database_up`, and what the database says when it is."""
        found = self._look_in_time()
        yield GaugeMetricFamily(
            "motlan_database_up", "1: the database answered this scrape", value=found is not None
        )
        yield from found or ()

    def _look_in_time(self) -> list[Metric] | None:
        if not self._looking.acquire(blocking=False):
            return None  # the last look still hangs
        answer: queue.SimpleQueue[list[Metric] | None] = queue.SimpleQueue()
        threading.Thread(target=self._look, args=(answer,), daemon=True).start()
        try:
            return answer.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            return None

    def _look(self, answer: "queue.SimpleQueue[list[Metric] | None]") -> None:
        try:
            answer.put(list(measured()))
        except Exception as error:  # noqa: BLE001 - whatever it is, the scrape says that it is down
            log.warning("not measured", kind=type(error).__name__)
            answer.put(None)
        finally:
            self._looking.release()


def measured() -> Iterator[Metric]:
    """Every number that the database gives, at this moment."""
    yield from _duties()
    yield from _outbox()
    for measure in joined().measures:
        value = measure.read()
        if value is not None:
            yield GaugeMetricFamily(f"motlan_{measure.name}", measure.text, value=value)


def _duties() -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "motlan_duty_age_seconds", "Since the worker last did this well", labels=["duty"]
    )
    for name, at in worker.turns().items():
        age.add_metric([name], _passed(at))
    yield age
    behind = GaugeMetricFamily(
        "motlan_duty_behind_seconds", "How long the oldest thing waits for it", labels=["duty"]
    )
    for duty in joined().duties:
        if duty.behind_since is not None:
            since = duty.behind_since()
            behind.add_metric([duty.name], 0.0 if since is None else _passed(since))
    yield behind


def _outbox() -> Iterator[Metric]:
    found = outbox.standing()
    number = GaugeMetricFamily("motlan_outbox_messages", "Messages by state", labels=["state"])
    number.add_metric(["waiting"], found.waiting)
    number.add_metric(["given_up"], found.given_up)
    yield number
    age = 0.0 if found.oldest_at is None else _passed(found.oldest_at)
    yield GaugeMetricFamily(
        "motlan_outbox_age_seconds", "Since the oldest waiting message was put", value=age
    )


def _passed(at: datetime) -> float:
    return max((clock.now() - at).total_seconds(), 0.0)
