"""Killed between the leaves, the head and the database: it goes on, and raises no alarm."""

import os
import random
import signal
import time

import pytest

from consent.audit import heads
from tests.crashing import POINTS, a_maker

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def maker():
    """Loading the house takes a second, which two dozen deaths need not pay each."""
    with a_maker() as made:
        yield made


@pytest.fixture
def started(own_log, maker):
    """Another process on the same database and the same second store, doomed at that point."""
    environ = own_log.vandal.database.environment
    environ |= {"MOTLAN_HOME": str(own_log.settings.home), "MOTLAN_DEMO": "1"}
    return lambda point: maker.makes(point, environ)


def check_recovery(log):
    """Nobody is alarmed, not before the next head and not by it; nothing is left over."""
    assert heads.refusal() is None
    assert heads.leaves_fault() is None
    assert log.verdict().is_whole

    log.grows(2)

    store = heads.store()
    assert log.verdict().is_whole
    assert store.leaves.count() == store.find().head.size == log.verdict().size


@pytest.mark.parametrize("signed", [0, 5])
@pytest.mark.parametrize("point", POINTS)
def test_dying_at_any_point_of_signing_is_recovered_from(own_log, started, point, signed):
    """Also at the very first head of a log."""
    if signed:
        own_log.grows(signed)
    own_log.is_told(3)
    own_log.is_placed()

    assert started(point).ends() == -signal.SIGKILL
    assert own_log.verdict().size == signed + 3
    check_recovery(own_log)


def test_dying_at_any_moment_of_its_work_is_recovered_from(own_log, started):
    """Where in the work is left to chance; the seed is told when it fails."""
    seed = time.time_ns()
    chance = random.Random(seed)  # noqa: S311 - a moment, not a secret
    for _ in range(4):
        doomed = started("at work")
        assert doomed.says() == "at work"
        time.sleep(chance.uniform(0, 0.3))
        os.kill(doomed.pid, signal.SIGKILL)
        assert doomed.ends() == -signal.SIGKILL
        assert own_log.verdict().is_whole, seed
        check_recovery(own_log)


def test_a_full_disk_signs_nothing_and_is_recovered_from(own_log, monkeypatch):
    """Security figures §11.4: what could not be synchronised is not believed."""
    own_log.grows(5)
    own_log.is_told(3)
    own_log.is_placed()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            heads.sign()

    assert heads.store().find().head.size == 5
    check_recovery(own_log)
