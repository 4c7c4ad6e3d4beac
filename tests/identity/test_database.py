"""Transactions, keys and the turns that SQLite's writers take (design §9)."""

import sqlite3
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import psycopg_pool
import pytest
import time_machine
from sqlalchemy import delete, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from identity import clock, database
from identity.database import new_id, transaction
from identity.sqlite import OperationalError, Ticket, Writer
from identity.worker import WorkerState

AT = datetime(2026, 11, 22, 3, 32, tzinfo=UTC)


def put(duty, at=AT):
    return insert(WorkerState).values(duty=duty, at=at, detail="")


def put_and_fail(duty):
    with transaction():
        database.write(put(duty))
        raise KeyboardInterrupt


def is_kept(duty):
    return database.row(select(WorkerState.at).where(WorkerState.duty == duty)) is not None


def a_duty():
    return f"tried {uuid.uuid4().hex}"


@pytest.mark.usefixtures("app")
class TestTransactions:
    def test_it_is_kept_when_the_block_ends(self):
        duty = a_duty()

        with transaction():
            assert database.write(put(duty)) == 1

        assert is_kept(duty)

    def test_it_is_gone_when_the_block_fails_whatever_the_failure(self):
        duty = a_duty()

        with pytest.raises(KeyboardInterrupt):
            put_and_fail(duty)

        assert not is_kept(duty)
        assert database.current() is None

    def test_a_second_one_inside_is_refused_and_the_first_goes_on(self):
        """The verb owns exactly one."""
        duty = a_duty()

        with transaction():
            database.write(put(duty))
            with pytest.raises(RuntimeError, match="running already"), transaction():
                pass

        assert is_kept(duty)

    @pytest.mark.parametrize("write", [database.write, database.write_row])
    def test_a_write_outside_of_one_is_refused(self, write):
        duty = a_duty()

        with pytest.raises(RuntimeError, match="outside a transaction"):
            write(put(duty))

        assert not is_kept(duty)

    @pytest.mark.sqlite
    def test_a_read_outside_of_one_cannot_write_and_the_next_transaction_can(self):
        """Whatever is handed to it; and also after a transaction that failed."""
        duty = a_duty()
        with pytest.raises(KeyboardInterrupt):
            put_and_fail(duty)

        for _ in range(20):  # each connection of the pool has its turn
            with pytest.raises(DBAPIError, match="readonly"):
                database.rows(put(duty).returning(WorkerState.at))

        assert not is_kept(duty)
        with transaction():
            database.write(put(duty))
        assert is_kept(duty)

    def test_a_write_tells_how_many_rows_it_changed(self):
        with transaction():
            assert database.write(delete(WorkerState).where(WorkerState.duty == a_duty())) == 0
            told = database.write_row(put(a_duty()).returning(WorkerState.at))

        assert told is not None
        assert told.at == AT

    def test_a_failed_statement_frees_the_next_transaction(self):
        duty = a_duty()
        with transaction():
            database.write(put(duty))

        with pytest.raises(IntegrityError), transaction():
            database.write(put(duty))

        with transaction():
            assert database.write(delete(WorkerState).where(WorkerState.duty == duty)) == 1

    def test_a_time_without_a_zone_is_not_stored(self):
        with pytest.raises(Exception, match="without a zone"), transaction():
            database.write(put(a_duty(), at=datetime(2026, 11, 22)))  # noqa: DTZ001 - that is it

    def test_a_time_is_stored_to_the_microsecond_and_read_in_utc(self):
        duty, at = a_duty(), AT.astimezone(clock.VIETNAM) + timedelta(microseconds=1)

        with transaction():
            database.write(put(duty, at=at))

        read = database.row(select(WorkerState.at).where(WorkerState.duty == duty)).at
        assert (read, read.utcoffset()) == (at, timedelta(0))

    def test_threads_have_transactions_of_their_own(self):
        duties = [a_duty() for _ in range(8)]

        def write(duty):
            with transaction():
                database.write(put(duty))

        threads = [threading.Thread(target=write, args=(duty,)) for duty in duties]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert all(map(is_kept, duties))

    def test_what_is_spent_is_counted(self):
        with database.counted() as tally:
            is_kept(a_duty())
            with transaction():
                database.write(put(a_duty()))

        assert (tally.round_trips, tally.commits) == (4, 1)

    def test_a_missing_table_is_told_and_leaves_no_transaction(self):
        with pytest.raises(DBAPIError), transaction():
            database.rows(text("SELECT * FROM nowhere"))

        assert database.rows(text("SELECT 1"))[0][0] == 1


class TestKeys:
    def test_a_key_is_a_version_7_uuid_of_its_moment(self):
        """RFC 9562 §5.7."""
        with time_machine.travel(AT, tick=False):
            made = new_id()

        assert (made.version, made.variant) == (7, uuid.RFC_4122)
        assert made.int >> 80 == int(AT.timestamp() * 1000)

    def test_keys_grow_with_time_and_never_repeat(self):
        keys = []
        for passed in range(200):
            with time_machine.travel(AT + timedelta(milliseconds=passed), tick=False):
                keys.append(new_id())

        assert keys == sorted(keys)
        with time_machine.travel(AT, tick=False):
            assert len({new_id() for _ in range(2_000)}) == 2_000


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("database is locked"),
        psycopg.OperationalError("server closed the connection"),
        psycopg.InterfaceError("the connection is closed"),
        psycopg.errors.AdminShutdown("terminating"),
        psycopg.errors.QueryCanceled("statement timeout"),
        psycopg.errors.DiskFull("no space"),
        psycopg.errors.ReadOnlySqlTransaction("a replica"),
        psycopg.errors.IdleInTransactionSessionTimeout("a machine that stood still"),
        psycopg_pool.PoolTimeout("none free"),
        DBAPIError("SELECT", {}, psycopg.OperationalError("gone")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_database_cannot_do_just_now_is_not_the_requests_fault(error):
    assert database.is_unavailable(error)


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.IntegrityError("unique"),
        psycopg.errors.UniqueViolation("unique"),
        psycopg.errors.UndefinedColumn("typo"),
        DBAPIError("SELECT", {}, psycopg.DataError("NUL")),
        ValueError("ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_our_own_mistakes_are_not_blamed_on_the_database(error):
    assert not database.is_unavailable(error)


def wait_until(claim):
    end = time.monotonic() + 20
    while not claim():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def test_the_ticket_is_handed_over_in_the_order_of_asking():
    ticket, order, threads = Ticket(), [], []

    def take(number):
        with ticket:
            order.append(number)

    with ticket:
        for number in range(12):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            wait_until(lambda asked=number + 1: len(ticket._waiting) == asked)
    for thread in threads:
        thread.join()

    assert order == list(range(12))
    with ticket:
        assert ticket._is_held


def test_a_holder_that_fails_hands_the_ticket_on():
    ticket = Ticket()

    with pytest.raises(KeyError), ticket:
        raise KeyError("inside")

    assert not ticket._is_held


@pytest.fixture
def file(tmp_path):
    """A database with one table that takes each number once."""
    path = tmp_path / "one.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE told (number INTEGER PRIMARY KEY)")
    connection.close()
    return path


@pytest.fixture
def writer(file):
    made = Writer(str(file), may_purge=False)
    yield made
    made.stop()


def told(file):
    connection = sqlite3.connect(file)
    numbers = [row[0] for row in connection.execute("SELECT number FROM told ORDER BY 1")]
    connection.close()
    return numbers


def tells(*numbers, then=None):
    """A job that writes the numbers, and then perhaps fails."""

    def job(connection):
        for number in numbers:
            connection.execute("INSERT INTO told VALUES (?)", [number])
        if then is not None:
            raise then
        return numbers

    return job


def all_at_once(writer, jobs):
    """Their answers or failures; held up by the ticket until all have asked, so one group."""
    answers = [None] * len(jobs)

    def ask(place, job):
        try:
            answers[place] = writer.do(job)
        except Exception as error:  # noqa: BLE001 - the failure is the answer
            answers[place] = error

    threads = [threading.Thread(target=ask, args=pair) for pair in enumerate(jobs)]
    with writer.ticket:
        threads[0].start()
        # The writer's thread has taken the first and waits for the ticket with it.
        wait_until(lambda: len(writer.ticket._waiting) == 1)
        for thread in threads[1:]:
            thread.start()
        wait_until(lambda: writer._jobs.qsize() == len(jobs) - 1)
    for thread in threads:
        thread.join()
    return answers


class TestGroupCommit:
    def test_an_answer_is_durable_when_it_is_given(self, writer, file):
        assert writer.do(tells(1, 2)) == (1, 2)
        assert told(file) == [1, 2]

    def test_many_jobs_share_one_commit(self, writer, monkeypatch):
        groups, commit = [], Writer._commit

        def counting(connection, group):
            groups.append(len(group))
            commit(connection, group)

        monkeypatch.setattr(writer, "_commit", counting)

        all_at_once(writer, [tells(number) for number in range(10)])

        assert groups == [10]

    def test_a_job_that_fails_spoils_no_other(self, writer, file):
        jobs = [tells(1), tells(2, then=KeyError("mine")), tells(1), tells(3)]

        first, second, third, fourth = all_at_once(writer, jobs)

        fine = [answer for answer in (first, third) if answer == (1,)]
        refused = [answer for answer in (first, third) if answer != (1,)]
        assert len(fine) == 1
        assert isinstance(refused[0], sqlite3.IntegrityError)
        assert isinstance(second, KeyError)
        assert fourth == (3,)
        assert told(file) == [1, 3]

    def test_a_file_that_cannot_be_written_fails_the_group_and_not_the_next(self, writer, file):
        """As when the disk is full: everybody hears of it, and the writer goes on afterwards."""
        answers = all_at_once(writer, [tells(1), _rolls_everything_back, tells(2)])

        assert [isinstance(answer, sqlite3.Error) for answer in answers] == [True] * 3
        assert told(file) == []
        assert writer.do(tells(3)) == (3,)

    def test_stopping_finishes_what_was_asked(self, file):
        writer = Writer(str(file), may_purge=False)
        answered = []
        slow = threading.Event()

        def job(connection):
            slow.wait(1)
            return tells(1)(connection)

        asking = threading.Thread(target=lambda: answered.append(writer.do(job)))
        asking.start()
        wait_until(lambda: writer._thread is not None)
        slow.set()
        writer.stop()
        asking.join()

        assert answered == [(1,)]
        assert told(file) == [1]

    def test_a_job_after_the_end_is_refused_and_does_not_wait_for_ever(self, writer, file):
        writer.do(tells(1))
        writer.stop()

        with pytest.raises(OperationalError, match="closed"):
            writer.do(tells(2))

        assert told(file) == [1]


def _rolls_everything_back(connection):
    """What SQLite does by itself when the disk is full: the whole transaction is gone."""
    connection.execute("ROLLBACK")
    raise sqlite3.OperationalError("database or disk is full")
