"""What every test is held to: no outside network, no long waits, no transaction left open."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import hypothesis
import pytest

from identity import database

# House rule: half a second. What the neighbours on a busy machine cost is left out as far as the
# kernel tells it; the rest of the allowance is for their caches and disks, more for a crowd.
CPU_LIMIT_SECONDS = 1.6
WAIT_LIMIT_SECONDS = 2.0
# How long one example of a property takes is the machine's affair: the whole test is timed below.
UNHURRIED = hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
QUICK_FOLDERS = ("tests/identity/", "tests/consent/", "tests/protocol/")


class OutsideReached(Exception):
    """A test tried to reach something that is not on this machine."""


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        _require_inside(arguments[1])
    elif event == "socket.getaddrinfo":
        host = arguments[0]
        # A number is looked up nowhere; connecting to it is another matter.
        if not _is_number(host):
            _require_inside((host,))


def _is_number(host: object) -> bool:
    try:
        return bool(ip_address(host.decode() if isinstance(host, bytes) else str(host)))
    except ValueError:
        return False


def _require_inside(address: object) -> None:
    host = address[0] if isinstance(address, tuple) else None
    if isinstance(host, bytes):
        host = host.decode()
    # A text or bytes address is a Unix socket; a null or empty host means this machine.
    if host in {None, "", "localhost", socket.gethostname()}:
        return
    try:
        is_inside = ip_address(str(host)).is_loopback or ip_address(str(host)).is_unspecified
    except ValueError:
        is_inside = False
    if not is_inside:
        raise OutsideReached(f"a test tried to reach {host}")


def pytest_configure() -> None:
    sys.addaudithook(_watch)
    hypothesis.settings.register_profile("unhurried", UNHURRIED)
    hypothesis.settings.load_profile("unhurried")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    started, spent, queued = time.perf_counter(), time.process_time(), queued_seconds()
    result = yield
    cpu = time.process_time() - spent
    waited = time.perf_counter() - started - cpu - (queued_seconds() - queued)
    if item.get_closest_marker("slow") or not item.nodeid.startswith(QUICK_FOLDERS):
        return result
    crowd = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    if cpu > CPU_LIMIT_SECONDS * crowd or waited > WAIT_LIMIT_SECONDS * crowd:
        pytest.fail(
            f"used {cpu:.2f} s of processor and waited {waited:.2f} s: speed it up or mark it slow"
        )
    return result


def queued_seconds() -> float:
    """How long this thread was ready to run and was not let; zero where the kernel says nothing."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


@pytest.fixture(autouse=True)
def no_transaction_is_left_open() -> Iterator[None]:
    """A verb that forgot to end its transaction would hold a lock for everybody."""
    yield
    if database._state is not None and database.current() is not None:
        pytest.fail("the test left a transaction open")
