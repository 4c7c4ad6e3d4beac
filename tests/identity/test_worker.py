"""The worker: each duty in its turn, alone, and nothing that fails holds up the rest."""

import threading
import time
import uuid
from datetime import timedelta

import psycopg
import pytest
import time_machine
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from identity import clock, database, worker
from identity.database import transaction
from identity.joining import Duty, Purge
from identity.worker import AlreadyWorking, WorkerState

pytestmark = pytest.mark.usefixtures("app")
NOW = timedelta(0)


def a_duty(act=lambda: 1, **told):
    return Duty(f"tried {uuid.uuid4().hex}", told.pop("every", NOW), act, **told)


@pytest.fixture
def works(monkeypatch):
    """Runs the worker with these duties until the claim holds; what it failed with, if it did."""
    monkeypatch.setattr(worker, "TICK_SECONDS", 0.005)

    def run(*duties, until):
        monkeypatch.setattr(worker, "duties", lambda: list(duties))
        stop, failures = threading.Event(), []

        def work():
            try:
                worker.run_forever(stop)
            except (AlreadyWorking, DBAPIError) as error:
                failures.append(error)

        running = threading.Thread(target=work)
        running.start()
        end = time.monotonic() + 20
        while not until() and running.is_alive() and time.monotonic() < end:
            time.sleep(0.005)
        held = until()
        stop.set()
        running.join()
        assert held or failures, "it did not happen"
        return failures

    return run


def test_a_clock_that_was_ahead_and_is_set_back_stops_no_duty(works):
    """An hour ahead for a moment would be an hour without an order of the log, or a head."""
    turns = []
    with time_machine.travel(clock.now() + timedelta(hours=1)) as ahead:

        def act():
            turns.append(clock.now())
            ahead.move_to(clock.now() - timedelta(minutes=30))
            return 1

        failures = works(a_duty(act, every=timedelta(milliseconds=1)), until=lambda: turns[2:])

    assert failures == []


def test_a_duty_that_fails_is_tried_again_and_stops_no_other(works):
    turns = {"bad": 0, "good": 0}

    def bad():
        turns["bad"] += 1
        raise KeyError("mine")

    def good():
        turns["good"] += 1
        return 1

    broken = a_duty(bad)

    works(broken, a_duty(good), until=lambda: min(turns.values()) >= 3)

    assert worker.last(broken.name) is None


def test_a_duty_that_ended_well_leaves_its_sign(works):
    duty = a_duty(lambda: 7)

    works(duty, until=lambda: worker.last(duty.name) is not None)

    assert clock.now() - worker.last(duty.name) < timedelta(seconds=5)


def test_a_duty_of_many_turns_leaves_its_sign_no_more_often_than_said(works, monkeypatch):
    """Each sign is a commit of its own."""
    monkeypatch.setattr(worker, "MARK_EVERY", timedelta(days=1))
    signs, turns = [], []
    monkeypatch.setattr(worker, "mark", lambda duty, _word: signs.append(duty))
    often = a_duty(lambda: turns.append(1))

    works(often, until=lambda: len(turns) > 3)

    assert signs == [often.name]


def test_a_duty_has_its_turn_only_when_it_is_due(works):
    often, seldom = [], []
    duties = [a_duty(lambda: often.append(1) or 1),
              a_duty(lambda: seldom.append(1) or 1, every=timedelta(hours=1))]  # fmt: skip

    works(*duties, until=lambda: len(often) >= 5)

    assert len(seldom) == 1


def test_who_waits_for_somebody_outside_holds_up_nobody(works):
    """The log's order must not wait for a recipient that does not answer."""
    let_go, turns = threading.Event(), []
    slow = a_duty(lambda: let_go.wait(1.5) or 1, waits_for_others=True)

    def act():
        turns.append(1)
        if len(turns) >= 4:
            let_go.set()
        return 1

    works(slow, a_duty(act), until=lambda: len(turns) >= 4)

    assert len(turns) >= 4


def test_the_probe_proves_that_the_database_is_written_and_read():
    before = clock.now()

    assert worker.probe() == 1

    assert worker.last(worker.PROBE) >= before


def test_a_second_worker_is_refused_while_one_works_and_welcome_afterwards():
    """Two sequencers must never run."""
    with worker.alone() as check:
        check()
        with pytest.raises(AlreadyWorking), worker.alone():
            pytest.fail("two at once")
        check()

    with worker.alone():
        pass


@pytest.mark.postgresql
def test_a_worker_that_lost_its_lock_ends(works, databases):
    """Its connection was cut, so another may hold the lock already."""
    turns = []

    def act():
        turns.append(1)
        if len(turns) == 2:
            _cut_the_lock(databases)
        return 1

    failures = works(a_duty(act), until=lambda: len(turns) > 20)

    assert [database.is_unavailable(error) for error in failures] == [True]
    assert len(turns) == 2
    with worker.alone():
        pass


def _cut_the_lock(databases):
    name = database.row(text("SELECT current_database() AS name")).name
    holders = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks JOIN pg_database d"
        " ON d.oid = database WHERE locktype = 'advisory' AND datname = %s"
    )
    with psycopg.connect(databases.server.admin_url, autocommit=True) as connection:
        connection.execute(holders, [name])


class TestPurge:
    @pytest.fixture(autouse=True)
    def table(self):
        """Rows of the worker's table with a moment of their own."""
        self.rule = Purge("worker_state", "at", timedelta(days=30))
        with transaction():
            database.write(delete(WorkerState))

    def rows_of(self, **ages):
        with transaction():
            for name, days in ages.items():
                at = clock.now() - timedelta(days=days)
                database.write(insert(WorkerState).values(duty=name, at=at, detail=""))

    def left(self):
        return sorted(row.duty for row in database.rows(select(WorkerState.duty)))

    def test_what_is_older_than_its_time_goes_and_the_rest_stays(self):
        self.rows_of(old=31, older=300, fresh=29, new=0)

        assert worker._purge(self.rule) == 2

        assert self.left() == ["fresh", "new"]

    def test_many_go_in_bounded_batches_each_its_own_commit(self, monkeypatch):
        monkeypatch.setattr(worker, "PURGE_BATCH", 3)
        self.rows_of(**{f"n{number}": 31 for number in range(7)}, fresh=1)

        with database.counted() as tally:
            assert worker._purge(self.rule) == 7

        assert (tally.commits, self.left()) == (3, ["fresh"])

    def test_a_row_that_was_prolonged_since_it_was_found_stays(self, monkeypatch):
        self.rows_of(session=31)
        rows = database.rows

        def find_and_prolong(statement, params=None):
            found = rows(statement, params)
            database.write(update(WorkerState).values(at=clock.now()))
            return found

        monkeypatch.setattr(worker.database, "rows", find_and_prolong)

        assert worker._purge(self.rule) == 0

        monkeypatch.undo()
        assert self.left() == ["session"]
