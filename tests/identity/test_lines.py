"""PostgreSQL asked from an event loop: as from a thread, but that nobody waits for anybody."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime

import greenlet
import psycopg
import psycopg_pool
import pytest
from psycopg.types.json import Jsonb

from identity import database, lines, meters, postgresql, settings, turns, waiting
from identity.lines import Limits
from identity.together import Clause, all_undone_unless, look, together
from tests.turns import asking, later, play

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("app")]

PID = b"SELECT pg_backend_pid()"
SOON = Limits(patience=0.05, deadline=0.1, look_again=0.01)


def from_a_thread(act):
    return act()


def from_a_turn(act):
    (outcome,) = play(lambda _lines: act())
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


both = pytest.mark.parametrize("ask", [from_a_thread, from_a_turn])


def end(pid):
    """The server ends that connection, and has done so when this returns."""
    with psycopg.connect(settings.current().database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


class TestBothWays:
    @both
    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("uuid", uuid.UUID(int=7)),
            ("bytea", bytes(range(256))),
            ("text", "Nguyễn Thị Lan"),
            ("bigint", 1 << 40),
            ("boolean", False),
            ("date", date(2026, 11, 22)),
            ("timestamptz", datetime(2026, 11, 22, 3, 32, 0, 5, UTC)),
            ("text[]", ["a", "b,c", '"']),
            ("uuid[]", [uuid.UUID(int=1)]),
            ("text", None),
        ],
    )
    def test_a_value_comes_back_as_it_was_given(self, ask, kind, value):
        clause = Clause("it", f"SELECT CAST(:v AS {kind}) AS v", "", {"v": value}, {"v": object})

        assert ask(lambda: look(clause)) == {"it.v": value}

    @both
    def test_json_comes_back_as_it_was_given(self, ask):
        clause = Clause("it", "SELECT :v AS v", "", {"v": {"a": [1, None]}}, {"v": dict})

        assert ask(lambda: look(clause)) == {"it.v": {"a": [1, None]}}

    @both
    def test_a_condition_that_is_false_is_null(self, ask):
        no = Clause("no", "SELECT 1 AS it WHERE false", "", returns={"it": int})

        assert ask(lambda: together(no)) is None

    @both
    def test_a_condition_that_only_writing_tells_is_null(self, ask):
        no = Clause("no", f"SELECT {all_undone_unless('false')} AS it", "", returns={"it": int})

        assert ask(lambda: together(no)) is None

    @both
    def test_a_mistake_is_told_by_its_name(self, ask):
        wrong = Clause("wrong", "SELECT CAST('x' AS int) AS it", "", returns={"it": int})

        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            ask(lambda: look(wrong))

    @both
    def test_the_budget_counts_it(self, ask):
        one = Clause("one", "SELECT 1 AS it", "", returns={"it": int})

        def counted():
            with database.counted() as tally:
                together(one)
                look(one)
            return tally.round_trips, tally.commits

        assert ask(counted) == (2, 1)


class TestManyTurns:
    def test_a_hundred_get_each_its_own_answer_over_three_connections(self):
        text = b"SELECT $1::int, pg_backend_pid()"

        answers = play(*(asking(text, n) for n in range(100)), most=3)

        assert [number for number, _ in answers] == list(range(100))
        assert len({pid for _, pid in answers}) <= 3

    def test_the_first_to_ask_is_the_first_to_be_answered(self):
        served = []

        def act(number):
            return lambda opened: served.append(opened.first_row(b"SELECT $1::int", [number]))

        play(*map(act, range(20)), most=1)

        assert served == [(number,) for number in range(20)]

    def test_an_error_is_told_to_whoever_asked(self):
        wrong, right = asking(b"SELECT $1::int / 0", 1), asking(b"SELECT $1::int", 5)

        answers = play(right, wrong, right, wrong, right, most=1)

        assert [a if isinstance(a, tuple) else type(a) for a in answers] == [
            (5,),
            psycopg.errors.DivisionByZero,
            (5,),
            psycopg.errors.DivisionByZero,
            (5,),
        ]

    def test_a_slow_statement_holds_nobody_up_who_asks_after_it(self):
        done = []

        def slow(opened):
            opened.first_row(b"SELECT 1 FROM pg_sleep(0.2)", [])
            done.append("slow")

        def quick(opened):
            opened.first_row(b"SELECT 1", [])
            done.append("quick")

        play(slow, later(quick), later(quick), most=2)

        assert done == ["quick", "quick", "slow"]

    def test_none_of_their_values_stays_in_a_connection(self):
        def act(opened):
            opened.first_row(b"SELECT $1::text", ["of somebody"])
            (line,) = opened._free
            return list(line._results), list(line._asked), opened._adapted.pgresult

        assert play(act) == [([], [], None)]

    def test_what_the_network_does_not_take_at_once_follows(self):
        text = "x" * 8_000_000

        assert play(asking(b"SELECT length($1::text)", text)) == [(8_000_000,)]

    def test_a_connection_forgets_the_statement_that_was_prepared_first(self, monkeypatch):
        monkeypatch.setattr(postgresql, "MOST_PREPARED", 2)
        texts = [b"SELECT %d" % number for number in (1, 2, 3, 1)]

        def act(opened):
            rows = [opened.first_row(text, []) for text in texts]
            counted = opened.first_row(b"SELECT count(*) FROM pg_prepared_statements", [])
            return rows, counted

        assert play(act) == [([(1,), (2,), (3,), (1,)], (2,))]

    def test_a_statement_that_the_server_forgot_is_prepared_again(self):
        def act(opened):
            opened.first_row(b"SELECT 1", [])
            with suppress(psycopg.OperationalError):  # it has no rows
                opened.first_row(b"DEALLOCATE ALL", [])
            return opened.first_row(b"SELECT 1", [])

        assert play(act, most=1) == [(1,)]


class TestAConnectionThatEnds:
    def test_while_nobody_has_it_is_replaced_without_a_word(self):
        def act(opened):
            (before,) = opened.first_row(PID, [])
            end(before)
            (after,) = opened.first_row(PID, [])
            return before == after

        assert play(act, most=1) == [False]

    def test_all_of_them_as_at_a_restart(self):
        def act(opened):
            (pid,) = opened.first_row(b"SELECT pg_backend_pid() FROM pg_sleep(0.02)", [])
            end(pid)
            return opened.first_row(b"SELECT 1", [])

        assert play(*[act] * 3, most=3) == [(1,)] * 3

    def test_while_it_answers_tells_whoever_asked(self):
        """And nobody asks it a second time: it may have been done."""
        slow = Clause("it", "SELECT pg_backend_pid() AS pid, pg_sleep(5)", "", returns={"pid": int})

        def asks(_opened):
            try:
                together(slow)
            finally:
                written.append(turns.current().has_written)

        def ends():
            with psycopg.connect(settings.current().database_url, autocommit=True) as other:
                while (found := other.execute(ACTIVE, [SLOW_TEXT]).fetchone()) is None:
                    time.sleep(0.01)
            end(found[0])

        written = []
        with ThreadPoolExecutor(1) as besides:
            ended = besides.submit(ends)
            told, after = play(asks, later(asking(b"SELECT 1")))
        ended.result()

        assert isinstance(told, psycopg.OperationalError)
        assert database.is_unavailable(told)
        assert written == [True]
        assert after == (1,)

    def test_one_that_is_silent_for_too_long_is_given_up(self):
        began = time.monotonic()

        told, after = play(
            asking(b"SELECT 1 FROM pg_sleep(5)"), later(asking(b"SELECT 2")), most=1, limits=SLOW
        )

        assert isinstance(told, psycopg.OperationalError)
        assert after == (2,)
        assert time.monotonic() - began < 4

    def test_a_turn_that_ends_while_it_is_parked_takes_nobody_along(self):
        slow = asking(b"SELECT 1 FROM pg_sleep(0.1)")

        def act(opened):
            parked = turns.Turn(lambda: slow(opened), opened)
            parked.parent = turns.current().parent
            opened._loop.call_soon(parked.switch)
            opened._loop.call_later(0.02, parked.throw, greenlet.GreenletExit)
            row = opened.first_row(b"SELECT 2", [])
            return row, parked.dead

        assert play(act, later(asking(b"SELECT 3"))) == [((2,), True), (3,)]


SLOW_TEXT = "WITH it AS (SELECT pg_backend_pid() AS pid, pg_sleep(5)%"
ACTIVE = "SELECT pid FROM pg_stat_activity WHERE query LIKE %s AND state = 'active'"
# A deadline for answers only: whoever stands in the queue has patience.
SLOW = Limits(deadline=0.1, look_again=0.01)


@pytest.mark.parametrize("limit", ["unused", "life"])
def test_a_connection_that_is_old_or_unused_is_closed(limit):
    def act(opened):
        opened.first_row(b"SELECT 1", [])
        opened._loop.call_later(0.05, turns.current().switch)
        turns.current().parent.switch()
        return opened.usage()

    assert play(act, limits=Limits(**{limit: 0.01}, look_again=0.01)) == [(0, 0, 0)]


class TestNoConnection:
    def test_whoever_waited_long_enough_is_told(self):
        told = play(
            asking(b"SELECT 1 FROM pg_sleep(0.4)"),
            later(asking(b"SELECT 2"), 0.1),
            most=1,
            limits=SOON._replace(deadline=35),
        )

        assert told[0] == (1,)
        assert isinstance(told[1], psycopg_pool.PoolTimeout)
        assert database.is_unavailable(told[1])

    def test_a_server_that_is_away_is_tried_once_and_everybody_told(self, monkeypatch):
        tries = []

        def connect(url):
            tries.append(url)
            raise psycopg.OperationalError("away")

        monkeypatch.setattr(postgresql, "connect", connect)
        told = play(*[asking(b"SELECT 1")] * 50)

        assert {type(one) for one in told} == {psycopg.OperationalError}
        assert len(tries) == 1

    def test_while_it_is_away_nobody_waits_and_later_it_is_tried_again(self, monkeypatch):
        real, tries = postgresql.connect, []
        monkeypatch.setattr(lines, "FIRST_PAUSE", 0.05)

        def connect(url):
            tries.append(url)
            if len(tries) == 1:
                raise psycopg.OperationalError("away")
            return real(url)

        monkeypatch.setattr(postgresql, "connect", connect)

        def act(opened):
            refused, row = 0, None
            while row is None:
                try:
                    row = opened.first_row(b"SELECT 1", [])
                except psycopg.OperationalError:
                    refused += 1
                    time.sleep(0.01)
            return refused > 1, row

        assert play(act) == [(True, (1,))]
        assert len(tries) == 2

    def test_when_it_closes_whoever_waits_is_told(self):
        def closes(opened):
            opened.first_row(b"SELECT 1", [])
            opened._loop.call_later(0.1, opened.close)  # by now one is asked, the other waits

        slow = asking(b"SELECT 1 FROM pg_sleep(5)")
        told = play(closes, later(slow, 0.03), later(slow, 0.06), most=1)

        assert [type(one) for one in told[1:]] == [psycopg.OperationalError] * 2


class TestWhatATurnMayDo:
    ONE = Clause("one", "SELECT 1 AS it", "", returns={"it": int})
    NONE = Clause("none", "SELECT 1 AS it WHERE false", "", returns={"it": int})

    def _wait_after(self, act):
        def turn(_opened):
            act()
            with database.transaction():
                return database.current() is not None

        return play(turn)[0]

    @pytest.mark.parametrize("act", [lambda: look(TestWhatATurnMayDo.ONE), lambda: None])
    def test_as_long_as_nothing_is_written_a_thread_may_begin_anew(self, act):
        assert isinstance(self._wait_after(act), waiting.MustWait)

    def test_what_matched_nothing_has_written_nothing(self):
        assert isinstance(self._wait_after(lambda: together(self.NONE)), waiting.MustWait)

    def test_whoever_has_written_goes_on_and_holds_the_loop_which_is_counted(self):
        before = waiting.HELD._value.get()

        went_on = self._wait_after(lambda: together(self.ONE))

        assert went_on is True
        assert waiting.HELD._value.get() == before + 1

    def test_without_lines_it_asks_nobody(self):
        outcomes = []

        def act():
            try:
                look(self.ONE)
            except waiting.MustWait as raised:
                outcomes.append(raised)

        turns.Turn(act, None).switch()

        assert len(outcomes) == 1


def test_its_connections_are_counted_with_the_pools():
    look(TestWhatATurnMayDo.ONE)

    def act(opened):
        alone = lines.usage()
        opened.first_row(b"SELECT 1", [])
        telling = threading.Thread(target=meters.look)
        telling.start()
        telling.join()
        return alone, lines.usage(), meters.CONNECTIONS.labels("free")._value.get()

    ((alone, after, free),) = play(act)

    assert alone == (0, 0, 0)
    assert after == (1, 0, 0)
    assert free == database.state().pool.get_stats()["pool_available"] + 1
    assert lines.usage() == (0, 0, 0)


def test_a_json_parameter_of_the_driver_is_taken():
    assert play(asking(b"SELECT $1::jsonb", Jsonb({"a": 1}))) == [({"a": 1},)]
