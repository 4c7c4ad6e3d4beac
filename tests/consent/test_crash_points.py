"""Killed between the leaves, the head and the database: it goes on, and raises no alarm."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from consent.audit import heads
from tests.crashing import POINTS
from tests.databases import ROOT

pytestmark = pytest.mark.slow


def started(log, point):
    """Another process on the same database and the same second store."""
    environment = {**os.environ, **log.vandal.database.environment}
    environment |= {"MOTLAN_HOME": str(log.settings.home), "MOTLAN_DEMO": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.crashing", point],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


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
def test_dying_at_any_point_of_signing_is_recovered_from(own_log, point, signed):
    """Also at the very first head of a log."""
    if signed:
        own_log.grows(signed)
    own_log.is_told(3)
    own_log.is_placed()

    with started(own_log, point) as process:
        assert process.wait(timeout=60) == -signal.SIGKILL

    assert own_log.verdict().size == signed + 3
    check_recovery(own_log)


def test_dying_at_any_moment_of_its_work_is_recovered_from(own_log):
    """Where in the work is left to chance; the seed is told when it fails."""
    seed = time.time_ns()
    chance = random.Random(seed)  # noqa: S311 - a moment, not a secret
    for _ in range(4):
        with started(own_log, "at work") as process:
            assert process.stdout.readline() == "at work\n"
            time.sleep(chance.uniform(0, 0.3))
            process.kill()

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
