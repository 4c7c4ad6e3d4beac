"""The outbox: a message leaves if its transaction committed, once somebody takes it."""

import signal
import subprocess
import sys
import threading
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select, update

from identity import clock, database, outbox, worker
from identity.database import transaction
from identity.joining import joined
from identity.outbound import OutboundFailed
from identity.outbox import OutboxMessage
from identity.public_services import registered
from tests.public_services import a_service

pytestmark = pytest.mark.usefixtures("nothing_waits")
TARGET = "https://tax.motlan.test/events"
ROOT = Path(__file__).parents[2]
A_POISONED_DELIVERY = """
import os, signal
from identity import create_app, outbox, settings
create_app(settings.read())
outbox.deliver(lambda message: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.fixture
def nothing_waits(app):
    """Other tests may have left messages, and `take` takes whichever is due."""
    del app
    with transaction():
        database.write(update(OutboxMessage).values(next_at=None))


def a_message(target=TARGET, until=None, **body):
    """A message to a new service, waiting."""
    service = registered.find(a_service().client_id)
    with transaction():
        return outbox.put("decision", service.id, reference=uuid.uuid4().hex, target=target,
                          body=body, until=until)  # fmt: skip


def stored(message_id):
    return database.row(select(OutboxMessage).where(OutboxMessage.id == message_id))


def later(passed):
    return time_machine.travel(clock.now() + passed, tick=False)


def test_a_message_of_a_transaction_that_failed_never_leaves():
    with pytest.raises(KeyError):
        _put_and_fail()

    assert outbox.take() is None


def _put_and_fail():
    service = registered.find(a_service().client_id)
    with transaction():
        outbox.put("decision", service.id, reference="r", target=TARGET, body={})
        raise KeyError("the rest failed")


def test_a_message_is_sent_as_it_was_put_and_then_no_more():
    put, sent = a_message(decision="ữ"), []

    assert outbox.deliver(sent.append) == 1

    assert [(m.id, m.kind, m.target, m.body, m.tries) for m in sent] == [
        (put, "decision", TARGET, {"decision": "ữ"}, 1)
    ]
    assert stored(put).delivered_at is not None
    with later(timedelta(days=30)):
        assert outbox.deliver(sent.append) == 0


def test_a_message_without_an_address_is_kept_and_not_tried():
    """The page says that there is nowhere to send it yet."""
    put = a_message(target=None)

    assert outbox.take() is None
    (told,) = outbox.progress(stored(put).reference)
    assert (told.target, told.delivered_at) == (None, None)


def test_what_one_worker_has_taken_no_other_takes_until_the_lease_ends():
    """A worker that died gives its message back."""
    put = a_message()

    assert outbox.take().id == put
    assert outbox.take() is None
    with later(outbox.LEASE + timedelta(seconds=1)):
        again = outbox.take()

    assert (again.id, again.tries) == (put, 2)


def test_the_message_that_waits_longest_goes_first():
    first = a_message()
    with later(timedelta(seconds=1)):
        second = a_message()
        assert [outbox.take().id, outbox.take().id] == [first, second]


def test_one_bad_recipient_does_not_stop_the_others():
    bad, good = a_message(), a_message()

    def send(message):
        if message.id == bad:
            raise ConnectionError("a name that nobody else may read")

    assert outbox.deliver(send) == 2

    assert (stored(bad).delivered_at, stored(bad).last_error) == (None, "ConnectionError")
    assert stored(good).delivered_at is not None


def test_each_failure_makes_the_pause_longer_up_to_the_longest():
    put, pauses = a_message(), []
    with later(timedelta(0)) as traveller:
        for _ in range(16):
            message = outbox.take()
            outbox.failed(message, "Timeout")
            pauses.append(stored(put).next_at - clock.now())
            traveller.shift(pauses[-1])

    assert pauses[:3] == [outbox.FIRST_PAUSE, outbox.FIRST_PAUSE * 2, outbox.FIRST_PAUSE * 4]
    assert pauses == sorted(pauses)
    assert pauses[-1] == outbox.LONGEST_PAUSE


def test_after_the_last_try_it_waits_for_an_operator_and_keeps_its_reason():
    put = a_message()
    with transaction():
        database.write(update(OutboxMessage).values(tries=outbox.MOST_TRIES - 1)
                       .where(OutboxMessage.id == put))  # fmt: skip

    outbox.failed(outbox.take(), "Timeout")

    assert (stored(put).next_at, stored(put).last_error) == (None, "Timeout")
    with later(timedelta(days=30)):
        assert outbox.take() is None


@pytest.fixture
def a_worker_dies(databases, database, settings):
    """A process of its own takes a message and is killed while it sends."""

    def die():
        environ = databases.environment(database) | {"MOTLAN_HOME": str(settings.home)}
        done = subprocess.run(
            [sys.executable, "-c", A_POISONED_DELIVERY], cwd=ROOT, env=environ, check=False
        )
        assert done.returncode == -signal.SIGKILL

    return die


@pytest.mark.slow  # it waits for a process of its own
def test_a_message_that_kills_the_worker_is_counted_and_given_up_in_the_end(a_worker_dies):
    """Nobody is left to report the failure: the try counts when the message is taken."""
    put, healthy = a_message(), a_message()
    with transaction():
        database.write(update(OutboxMessage).values(tries=outbox.MOST_TRIES - 1)
                       .where(OutboxMessage.id == put))  # fmt: skip

    a_worker_dies()

    assert stored(put).tries == outbox.MOST_TRIES
    with later(outbox.LONGEST_PAUSE + timedelta(seconds=1)):
        assert [outbox.take().id, outbox.take()] == [healthy, None]
        assert (stored(put).next_at, stored(put).last_error) == (None, outbox.UNFINISHED)


def test_a_message_that_kills_the_worker_again_and_again_waits_longer_each_time():
    """Else it would end every worker within a minute, and the log's order with it."""
    put, pauses = a_message(), []
    with later(timedelta(0)) as traveller:
        for _ in range(16):
            assert outbox.take().id == put  # and nothing more is heard of that worker
            pauses.append(stored(put).next_at - clock.now())
            traveller.shift(pauses[-1])

    assert pauses[0] == outbox.LEASE
    assert pauses == sorted(pauses)
    assert pauses[-1] == outbox.LONGEST_PAUSE


def test_a_worker_that_comes_back_late_does_not_undo_what_another_delivered():
    """Its lease had ended: the message was acknowledged meanwhile, and is not sent again."""
    put = a_message()
    late = outbox.take()
    with later(outbox.LEASE + timedelta(seconds=1)):
        outbox.delivered(outbox.take())
        outbox.failed(late, "Timeout")

        assert (stored(put).next_at, stored(put).last_error) == (None, None)
        assert stored(put).delivered_at is not None


def test_an_address_that_does_not_answer_is_knocked_at_once_for_all_its_messages():
    """Else one service that is away would keep the others' messages waiting, five seconds each."""
    tried, service = [], registered.find(a_service().client_id)
    with transaction():
        away, second, third = (
            outbox.put("k", service.id, reference="r", target=TARGET, body={}) for _ in range(3)
        )
    other = a_message()

    def send(message):
        tried.append(message.id)
        if message.id != other:
            raise OutboundFailed("away")

    rounds = [outbox.deliver(send)]
    with later(timedelta(0)) as traveller:
        for _ in range(10):
            traveller.shift(outbox.SHARED_PAUSE)
            rounds.append(outbox.deliver(send))
        traveller.shift(outbox.LONGEST_PAUSE)
        outbox.deliver(lambda _message: None)

    assert tried[:2] == [away, other]
    assert rounds == [2] + [1] * 10
    assert all(stored(message).delivered_at for message in (away, second, third))


def test_a_round_is_bounded():
    """So that the worker's other duties outside have their turn."""
    for _ in range(3):
        a_message()

    assert outbox.deliver(lambda _message: None, at_most=2) == 2
    assert outbox.deliver(lambda _message: None) == 1


def test_only_what_was_acknowledged_a_year_ago_is_purged():
    """docs/retention.md: what was not stays until an operator looks."""
    old, fresh, waiting = a_message(), a_message(), a_message()
    with transaction():
        _acknowledge(old, clock.now() - outbox.KEPT - timedelta(minutes=1))
        _acknowledge(fresh, clock.now() - outbox.KEPT + timedelta(minutes=1))
        _put_long_ago(waiting)

    _purge()

    assert [stored(message) is not None for message in (old, fresh, waiting)] == [False, True, True]


def _purge():
    for rule in joined().purges:
        if rule.table == "outbox_message":
            worker._purge(rule)


def test_what_nobody_wants_any_more_is_given_up_and_gone_in_the_end():
    """A message may have a time of its own; what has none waits as long as it takes."""
    put, kept = a_message(until=clock.now() + timedelta(minutes=1)), a_message()
    first = {outbox.take().id: one for one in range(2)}

    with later(timedelta(minutes=2)):
        assert set(first) == {put, kept}
        assert outbox.take().id == kept
        assert outbox.take() is None
        assert (stored(put).next_at, stored(put).last_error) == (None, outbox.UNFINISHED)
    with later(outbox.KEPT_AFTER + timedelta(minutes=2)):
        _purge()
    assert [stored(message) is None for message in (put, kept)] == [True, False]


def test_a_try_that_would_come_too_late_is_not_made():
    put = a_message(until=clock.now() + outbox.FIRST_PAUSE / 2)

    outbox.failed(outbox.take(), "Timeout")

    assert (stored(put).next_at, stored(put).last_error) == (None, "Timeout")


def _acknowledge(message_id, at):
    database.write(update(OutboxMessage).where(OutboxMessage.id == message_id)
                   .values(delivered_at=at, next_at=None))  # fmt: skip


def _put_long_ago(message_id):
    at = clock.now() - outbox.KEPT * 3
    database.write(
        update(OutboxMessage).where(OutboxMessage.id == message_id).values(created_at=at)
    )


def test_of_many_workers_each_message_is_taken_by_one():
    """PostgreSQL: SKIP LOCKED; SQLite: the ticket."""
    put, taken = {a_message() for _ in range(6)}, []

    def work():
        while message := outbox.take():
            taken.append(message.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # A worker that found the row locked goes home early, so whatever is left is taken now.
    work()
    assert sorted(taken) == sorted(put)


@pytest.mark.postgresql
def test_a_message_that_another_worker_is_just_taking_is_skipped_and_not_waited_for():
    busy, free = a_message(), a_message()
    looked = []

    with transaction():
        database.row(select(OutboxMessage.id).where(OutboxMessage.id == busy).with_for_update())
        other = threading.Thread(target=lambda: looked.append(outbox.take().id))
        other.start()
        other.join(timeout=20)

        assert looked == [free]
