"""What is counted while we work, for `/metrics`: every label is a word of ours, no caller's."""

import threading
import time

from prometheus_client import Counter, Gauge

from identity import database

EVERY_SECONDS = 1.0

# Gauges are summed over the processes that live: `operations/metrics.py` takes out the others'.
REFUSALS = Counter("motlan_refusals", "Refusals by their name in docs/errors.md", ["slug"])
TURNED_AWAY = Counter("motlan_turned_away", "Requests answered 503 because too many waited")
PASSWORDS = Gauge(
    "motlan_passwords", "Password hashes by state", ["state"], multiprocess_mode="livesum"
)
CONNECTIONS = Gauge(
    "motlan_database_connections",
    "Connections of the processes' pools by state; waiting: requests that have none yet",
    ["state"],
    multiprocess_mode="livesum",
)
FAILED_DUTIES = Counter("motlan_duty_failures", "Turns of the worker that failed", ["duty"])

HASHING, QUEUED = PASSWORDS.labels("hashing"), PASSWORDS.labels("waiting")


def watch() -> None:
    """From now on this process tells each second how its pool is used."""
    threading.Thread(target=_watch, name="meters", daemon=True).start()


def _watch() -> None:
    while True:
        look()
        time.sleep(EVERY_SECONDS)


def look() -> None:
    """How the pool stands now; on SQLite there is none."""
    pool = database.state().pool if database.is_open() else None
    if pool is None:
        return
    told = pool.get_stats()
    free = told.get("pool_available", 0)
    CONNECTIONS.labels("free").set(free)
    CONNECTIONS.labels("used").set(told.get("pool_size", 0) - free)
    CONNECTIONS.labels("waiting").set(told.get("requests_waiting", 0))
