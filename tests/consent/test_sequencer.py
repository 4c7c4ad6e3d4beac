"""The order of the log (design §7): nothing overtakes, nothing is lost, nothing is placed twice."""

import threading
import uuid

import psycopg
import pytest
import time_machine

from consent.audit import heads, records, sequencer
from consent.audit.sequencer import sequence
from consent.audit.tree import Frontier, leaf_hash
from identity import trail
from identity.database import transaction
from identity.entry import NOBODY, Who, seal_entry
from tests.people import lan


def placed(log):
    """The ids of the entries by position."""
    return [row[0] for row in log.vandal.tells(
        "SELECT entry_id FROM log_position ORDER BY position"
    )]  # fmt: skip


def test_entries_are_placed_in_the_order_of_their_ids_without_a_gap(own_log):
    ids = own_log.is_told(5)

    assert sequence() >= 5

    told = own_log.vandal.tells("SELECT position, entry_id FROM log_position ORDER BY position")
    assert [row[0] for row in told] == list(range(len(told)))
    assert [row[1] for row in told][-5:] == ids


def test_nothing_new_is_nothing_to_do(own_log):
    own_log.grows(2)
    before = own_log.vandal.tells("SELECT size, left_behind FROM sequencer_state")

    assert sequence() == 0
    assert own_log.vandal.tells("SELECT size FROM sequencer_state") == [(before[0][0],)]


def test_a_pass_is_bounded_and_the_next_goes_on(own_log, monkeypatch):
    monkeypatch.setattr(sequencer, "BATCH", 3)
    ids = own_log.is_told(7)

    passes = []
    while done := sequence():
        passes.append(done)

    assert passes == [3, 3, 1]
    assert placed(own_log) == ids
    assert own_log.verdict().is_whole


def test_the_state_is_the_root_of_the_stored_leaves(own_log):
    own_log.grows(6)

    leaves = [bytes(row[0]) for row in own_log.vandal.tells(
        "SELECT leaf FROM access_entry ORDER BY id"
    )]  # fmt: skip
    with transaction():
        state = records.sequencer_state()
    grown = Frontier().grown(map(leaf_hash, leaves))
    assert (state.size, bytes(state.frontier)) == (6, grown.packed())


def test_each_person_has_a_list_of_their_own_and_nobody_has_none(own_log):
    her, him = uuid.uuid4(), uuid.uuid4()
    for who in (her, him, None, her, her):
        trail.record("sign_in:succeeded", Who(citizen=who))

    own_log.is_placed()

    told = own_log.vandal.tells("SELECT citizen_id, n, position, previous FROM log_subject"
                                " ORDER BY position")  # fmt: skip
    lists = [(uuid.UUID(str(row[0])), *row[1:]) for row in told]
    assert lists == [(her, 1, 0, None), (him, 1, 1, None), (her, 2, 3, 0), (her, 3, 4, 3)]
    assert NOBODY not in {row[0] for row in lists}


def test_a_list_goes_on_over_several_passes(own_log, monkeypatch):
    monkeypatch.setattr(sequencer, "BATCH", 2)
    her = uuid.uuid4()

    own_log.grows(5, citizen=her)

    told = own_log.vandal.tells("SELECT n, position, previous FROM log_subject ORDER BY n")
    assert told == [(1, 0, None), (2, 1, 0), (3, 2, 1), (4, 3, 2), (5, 4, 3)]


def test_order_is_by_sequence_and_not_by_the_clock(own_log):
    """Security case 57: the clock set back an hour."""
    with time_machine.travel("2026-11-22T10:00:00Z"):
        first = own_log.is_told(1)
    with time_machine.travel("2026-11-22T09:00:00Z"):
        second = own_log.is_told(1)

    own_log.is_placed()

    assert placed(own_log) == first + second
    assert own_log.verdict().is_whole


def marks(log):
    told = log.vandal.tells("SELECT behind_seconds FROM log_position ORDER BY position")
    return [seconds for (seconds,) in told]


@pytest.mark.parametrize("is_one_pass", [True, False])
def test_an_entry_whose_clock_was_set_back_is_marked_until_it_has_caught_up(own_log, is_one_pass):
    """Security case 57, in one pass and over several: also a process that begins anew knows."""
    for at in ("10:00:00", "09:00:00", "09:59:00", "10:00:01"):
        with time_machine.travel(f"2026-11-22T{at}Z", tick=False):
            own_log.is_told(1)
        if not is_one_pass:
            own_log.is_placed()

    own_log.is_placed()

    assert marks(own_log) == [None, 3600, 60, None]
    assert own_log.verdict().is_whole


def test_a_mark_does_not_shrink_with_the_passes_that_are_made_meanwhile(own_log):
    """Parts of seconds too: several passes a second would lose half of one each."""
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False):
        own_log.grows(1)
    for n in range(1, 10):
        with time_machine.travel(f"2026-11-22T09:00:0{n}.{n}00000Z", tick=False):
            own_log.grows(1)

    assert marks(own_log) == [None, *(3600 - n for n in range(1, 10))]


def test_a_clock_that_was_a_lifetime_ahead_once_does_not_stop_the_log(own_log):
    """One entry written meanwhile: all behind it have places, and a mark as far as those go."""
    for at in ("2126-11-22T10:00:00Z", "2026-11-22T10:00:00Z", "2026-11-22T10:00:05Z"):
        with time_machine.travel(at, tick=False):
            own_log.grows(1)

    assert marks(own_log) == [None, 2 * 10**9, 2 * 10**9 - 5]
    assert own_log.verdict().is_whole


def test_a_clock_set_back_takes_none_of_the_heads_that_are_kept(own_log):
    """One an hour, however late: each is a witness against whoever rewrites what is before it."""
    told = ("2026-11-22T10:00", "2026-11-22T10:59", "2026-11-22T11:00", "2025-11-22T10:30")
    for at in told:
        with time_machine.travel(f"{at}:00Z", tick=False):
            own_log.grows(1)

    kept = own_log.vandal.tells("SELECT size FROM log_head ORDER BY size")

    assert kept == [(2,), (3,), (4,)]


def test_two_at_once_place_everything_once(own_log):
    """Two sequencers must never run; if they do, the state's row makes them take turns."""
    own_log.grows(1)
    ids = own_log.is_told(40)
    failures = []

    def work():
        try:
            while sequence():
                pass
        except Exception as error:  # noqa: BLE001 - any of them is a failure of this test
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert placed(own_log)[1:] == ids
    heads.sign()
    assert own_log.verdict().is_whole


def test_a_pass_that_fails_leaves_nothing(own_log, monkeypatch):
    own_log.is_told(2)
    monkeypatch.setattr(records, "keep_state", _broken)

    with pytest.raises(OSError, match="disk"):
        sequence()

    assert placed(own_log) == []
    monkeypatch.undo()
    own_log.grows(0)
    assert len(placed(own_log)) == 2
    assert own_log.verdict().is_whole


def _broken(_state):
    raise OSError("disk full")


@pytest.mark.postgresql
class TestTransactionsThatOverlap:
    """Tried: the horizon alone reorders a withdrawal and the disclosure before it."""

    @pytest.fixture
    def another(self, own_log):
        """A second connection, which writes entries and commits when it likes."""
        with psycopg.connect(own_log.settings.database_url) as connection:
            yield connection

    def test_an_entry_that_is_not_committed_is_not_placed_and_not_lost(self, own_log, another):
        hidden = _write(another)
        (seen,) = own_log.is_told(1)

        sequence()
        before = placed(own_log)
        another.commit()
        own_log.is_placed()

        assert hidden not in before
        assert sorted(placed(own_log)) == sorted([hidden, seen])
        assert own_log.verdict().is_whole

    def test_what_follows_a_young_transaction_waits_for_it(self, own_log, another):
        """A visible entry at or above the horizon stops the pass: nothing behind it goes first."""
        another.execute("SELECT pg_current_xact_id()")  # an old transaction that is still running
        disclosure, withdrawal = own_log.is_told(2)

        assert sequence() == 0
        another.rollback()
        own_log.is_placed()

        assert placed(own_log) == [disclosure, withdrawal]

    def test_an_older_transaction_that_writes_later_overtakes_nobody(self, own_log, another):
        """The withdrawal has the lower xid, the disclosure the lower id: the id decides."""
        another.execute("SELECT pg_current_xact_id()")
        (disclosure,) = own_log.is_told(1)
        withdrawal = _write(another)
        with psycopg.connect(own_log.settings.database_url) as third:
            third.execute("SELECT pg_current_xact_id()")  # holds the horizon above the withdrawal
            another.commit()
            own_log.is_placed()
        own_log.is_placed()

        assert placed(own_log) == [disclosure, withdrawal]
        assert own_log.verdict().is_whole

    def test_the_horizon_between_the_two_still_keeps_their_order(self, own_log, another):
        """Low xid and high id below the horizon, high xid and low id above it: the cut decides."""
        another.execute("SELECT pg_current_xact_id()")
        with psycopg.connect(own_log.settings.database_url) as third:
            third.execute("SELECT pg_current_xact_id()")
            (disclosure,) = own_log.is_told(1)
            withdrawal = _write(another)
            another.commit()
            # The horizon is the third's xid: above the withdrawal's, below the disclosure's.
            assert sequence() == 0
            assert placed(own_log) == []
        own_log.is_placed()

        assert placed(own_log) == [disclosure, withdrawal]

    def test_a_transaction_that_was_rolled_back_leaves_no_gap(self, own_log, another):
        _write(another)
        another.rollback()
        (seen,) = own_log.is_told(1)

        own_log.is_placed()

        assert placed(own_log) == [seen]
        assert own_log.verdict().is_whole

    def test_many_writers_at_once_lose_nothing(self, own_log):
        told, stop = [], threading.Event()

        def write():
            told.extend(own_log.is_told(25))

        def order():
            while not stop.is_set():
                sequence()

        writers = [threading.Thread(target=write) for _ in range(4)]
        sequencing = threading.Thread(target=order)
        sequencing.start()
        for thread in writers:
            thread.start()
        for thread in writers:
            thread.join()
        stop.set()
        sequencing.join()
        own_log.grows(0)

        assert sorted(placed(own_log)) == sorted(told)
        assert own_log.verdict().is_whole


def _write(connection):
    """An entry in a transaction that is not over; its id."""
    entry = seal_entry("decision:withdrawn", Who())
    found = connection.execute(
        "INSERT INTO access_entry (citizen_id, type, at, actor_id, public_service_id, leaf,"
        " c_subject, c_actor, sealed_subject, sealed_actor)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        [entry.citizen_id, entry.type, entry.at, entry.actor_id, entry.public_service_id,
         entry.leaf, entry.c_subject, entry.c_actor, entry.sealed_subject, entry.sealed_actor],
    ).fetchone()  # fmt: skip
    connection.execute(
        "INSERT INTO entry_key VALUES (%s, %s, %s, %s, %s)",
        [entry.citizen_id, found[0], entry.subject_wrapped, entry.actor_wrapped, entry.kek_id],
    )
    return int(found[0])


def test_a_person_of_the_register_is_listed_by_an_id_that_says_nothing(own_log):
    her = lan()
    own_log.grows(1, citizen=her.citizen_id)

    told = own_log.vandal.tells("SELECT citizen_id FROM log_subject")

    assert {uuid.UUID(str(row[0])) for row in told} == {her.citizen_id}
