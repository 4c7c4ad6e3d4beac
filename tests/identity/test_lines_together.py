"""Statements of several turns in one transaction: what is right is kept, whoever was beside it."""

# ruff: noqa: S608 - the table of one test, by a name of our own

import asyncio
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from identity import lines, questions, settings, turns
from identity.lines import Limits
from identity.together import Clause, all_undone_unless, together
from tests.turns import asking, later, on_a_loop, play

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("app")]

XID = b"SELECT pg_current_xact_id()::text::bigint"


@pytest.fixture
def table():
    """A table of its own, with a mistake that only the commit finds."""
    name = f"together_{uuid.uuid4().hex}"
    with psycopg.connect(settings.current().database_owner_url, autocommit=True) as owner:
        twin = "twin int UNIQUE DEFERRABLE INITIALLY DEFERRED"
        owner.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, {twin})")
        owner.execute(f"GRANT ALL ON {name} TO PUBLIC")
        yield name
        owner.execute(f"DROP TABLE {name}")


def putting(table, number, twin=None):
    text = f"INSERT INTO {table} VALUES ($1, $2) RETURNING id, pg_current_xact_id()::text::bigint"

    def put(opened):
        before = turns.current().has_written
        try:
            return opened.first_row(text.encode(), [number, twin], is_writing=True)
        finally:
            written.append((before, turns.current().has_written))

    written = []
    put.written = written
    return put


def kept(table):
    with psycopg.connect(settings.current().database_owner_url) as owner:
        return [row[0] for row in owner.execute(f"SELECT id FROM {table} ORDER BY id")]


def test_those_who_ask_at_once_share_a_transaction_and_its_commit():
    asked = [asking(XID, is_writing=True)] * lines.FEWEST_TOGETHER

    assert len(set(play(*asked))) == 1


def test_half_of_many_goes_first_so_that_server_and_loop_take_turns():
    told = play(*[asking(XID, is_writing=True)] * 14)

    assert told.count(min(told)) == 7


@pytest.mark.parametrize(("calm", "sees"), [(5, True), (0.02, False)])
def test_a_few_wait_for_those_under_way_but_not_for_slow_ones(table, calm, sees):
    """A commit for one alone, beside another's, costs as much as one for many a moment later."""
    slow = f"INSERT INTO {table} SELECT 1, 1 FROM pg_sleep(0.2) RETURNING id".encode()
    look = f"SELECT count(*) FROM {table}".encode()

    told = play(asking(slow, is_writing=True), later(asking(look)), limits=Limits(calm=calm))

    assert told == [(1,), (int(sees),)]


def test_who_fills_a_transaction_does_not_wait_until_the_loop_has_heard_everybody():
    under_way = []

    async def begin():
        loop = asyncio.get_running_loop()
        opened = lines.Lines(loop, settings.current().database_url, most=1)
        own, told = turns.Turns(loop, opened), []

        def act():
            told.append(opened.first_row(b"SELECT 1", []))

        own.begin(act)  # there is a connection from now on
        await until(lambda: told == [(1,)])
        for _ in range(lines.FEWEST_TOGETHER + 1):
            own.begin(act)
            under_way.append(sum(line.size for line in opened._open))
        await until(lambda: len(told) == len(under_way) + 1)
        opened.close()

    on_a_loop(begin)

    assert under_way == [0, 0, 0, lines.FEWEST_TOGETHER, lines.FEWEST_TOGETHER]


async def until(holds):
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def test_no_transaction_is_larger_than_it_may_be(monkeypatch):
    monkeypatch.setattr(lines, "MOST_TOGETHER", 4)
    asked = [asking(XID, is_writing=True)] * 10

    told = play(*asked)

    assert sorted(told.count(xid) for xid in set(told)) == [2, 4, 4]


def test_who_asks_alone_waits_for_nobody():
    began = time.monotonic()

    assert play(asking(b"SELECT 1"), limits=Limits(calm=20, look_again=20)) == [(1,)]
    assert time.monotonic() - began < 5


def test_who_only_waits_for_company_is_not_counted_as_waiting():
    """Else the alarm of `docs/operations.md` would ring under every load."""
    waited = []

    def asks(opened):
        for _ in range(20):
            opened.first_row(b"SELECT 1", [])
            waited.append(opened.usage().waiting)

    play(*[asks] * 8, most=8)
    company = max(waited)
    slow = asking(b"SELECT 1 FROM pg_sleep(0.2)")
    play(
        slow, later(asks), later(lambda opened: waited.append(opened.usage().waiting), 0.1), most=1
    )

    assert company == 0
    assert max(waited) > 0


def test_a_plan_goes_by_keys_whatever_the_server_has_counted():
    assert play(asking(b"SHOW enable_seqscan")) == [("off",)]


class TestOneOfThemIsWrong:
    def test_it_is_told_and_the_others_are_kept(self, table):
        acts = [putting(table, number) for number in (1, 2, 1, 3)]

        told = play(*acts)

        assert [type(each) for each in told] == [
            tuple,
            tuple,
            psycopg.errors.UniqueViolation,
            tuple,
        ]
        assert kept(table) == [1, 2, 3]

    def test_nothing_is_done_twice(self, table):
        """Each was asked again, so the first try must have left nothing."""
        told = play(*[putting(table, number) for number in (1, 1, 2)])

        assert kept(table) == [1, 2]
        assert [type(each) for each in told].count(tuple) == 2

    def test_a_mistake_that_the_commit_finds_is_told_to_who_made_it(self, table):
        told = play(*[putting(table, number, twin) for number, twin in ((1, 7), (2, 7), (3, 8))])

        assert [type(each) for each in told] == [tuple, psycopg.errors.UniqueViolation, tuple]
        assert kept(table) == [1, 3]

    def test_only_who_wrote_has_written(self, table):
        right, wrong = putting(table, 1), putting(table, 1)

        play(right, wrong)

        assert (right.written, wrong.written) == ([(False, True)], [(False, False)])

    def test_a_condition_that_only_writing_tells_takes_back_its_own_alone(self, table):
        undone = Clause("no", f"SELECT {all_undone_unless('false')} AS it", "", returns={"it": int})

        told = play(putting(table, 1), lambda _opened: together(undone), putting(table, 2))

        assert [isinstance(each, tuple) for each in told] == [True, False, True]
        assert told[1] is None
        assert kept(table) == [1, 2]

    def test_a_text_that_is_no_statement_is_told_to_who_asked_it(self, table):
        told = play(putting(table, 1), asking(b"SELEC 1"))

        assert told[0][0] == 1
        assert isinstance(told[1], psycopg.errors.SyntaxError)

    def test_one_that_is_too_slow_is_told_so_once_and_the_others_are_kept(self, table):
        """Asked again it would be as slow again, and its neighbours would wait for that too."""
        slow, began = f"SELECT 1 /* {table} */ FROM pg_sleep(5)", time.monotonic()

        def cancel():
            with psycopg.connect(settings.current().database_url, autocommit=True) as other:
                asked = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = %s"
                while other.execute(asked + " AND state = 'active'", [slow]).fetchone() is None:
                    time.sleep(0.01)

        with ThreadPoolExecutor(1) as besides:
            cancelled = besides.submit(cancel)
            told = play(putting(table, 1), asking(slow.encode()), putting(table, 2))
        cancelled.result()

        assert isinstance(told[1], psycopg.errors.QueryCanceled)
        assert kept(table) == [1, 2]
        assert time.monotonic() - began < 4

    def test_a_connection_that_ends_then_tells_nobody_of_it(self):
        """Whoever was beside it would take the mistake for their own: a value used twice, say."""
        with psycopg.connect(settings.current().database_url) as other:
            mistake = other.pgconn.exec_(b"SELECT 1 / 0")

        assert type(questions.lost([mistake], "lost")) is psycopg.OperationalError

    def test_the_connection_is_as_good_as_before(self, table):
        pid = b"SELECT pg_backend_pid()"

        def act(opened):
            before = opened.first_row(pid, [])
            opened._loop.call_soon(turns.current().switch)
            turns.current().parent.switch()
            return before == opened.first_row(pid, [])

        assert play(act, putting(table, 1), putting(table, 1), most=1)[0] is True


class TestAttacker:
    def test_who_fails_on_purpose_does_not_take_their_common_commit_from_others(
        self, table, monkeypatch
    ):
        """One that is wrong in each transaction would make a commit for each of its neighbours."""
        monkeypatch.setattr(lines, "FEWEST_TOGETHER", 6)
        acts = [putting(table, number) for number in (1, 2, 1, 3, 2, 4)]

        told = play(*acts)

        right = [each for each in told if isinstance(each, tuple)]
        assert [number for number, _ in right] == [1, 2, 3, 4]
        assert len({xid for _, xid in right}) == 1

    def test_however_many_fail_on_purpose_who_is_right_beside_them_is_kept(self, table):
        wrong = [asking(b"SELECT 1 / $1::int", 0, is_writing=True) for _ in range(13)]

        told = play(*wrong, putting(table, 1), *wrong, putting(table, 2))

        assert [type(each) for each in told].count(psycopg.errors.DivisionByZero) == 26
        assert kept(table) == [1, 2]


class TestALock:
    """Somebody holds a row: who needs it waits, the others do not."""

    @pytest.fixture
    def held(self, table):
        """Row 1, held for a third of a second from when it is asked for."""
        url = settings.current().database_owner_url
        with ThreadPoolExecutor(1) as besides, psycopg.connect(url) as owner:
            owner.execute(f"INSERT INTO {table} VALUES (1, NULL), (2, NULL)")
            owner.commit()
            owner.execute(f"SELECT 1 FROM {table} WHERE id = 1 FOR UPDATE")

            def let_go():
                time.sleep(0.35)
                owner.rollback()

            released = besides.submit(let_go)
            yield table
            released.result()

    def asking(self, table, number, done):
        text = f"UPDATE {table} SET twin = id WHERE id = $1 RETURNING id".encode()

        def act(opened):
            row = opened.first_row(text, [number], is_writing=True)
            done.append(number)
            return row

        return act

    def test_the_others_are_answered_before_it_is_released(self, held):
        done, began = [], time.monotonic()

        def other(opened):
            self.asking(held, 2, done)(opened)
            return time.monotonic() - began

        told = play(self.asking(held, 1, done), other)

        assert told[0] == (1,)
        assert done == [2, 1]
        assert told[1] < 0.3

    def test_two_that_hold_what_the_other_needs_are_both_answered_at_once(self, table):
        """Two rows, the other way round: neither waits for the server to find the deadlock."""
        with psycopg.connect(settings.current().database_owner_url) as owner:
            owner.execute(f"INSERT INTO {table} VALUES (1, NULL), (2, NULL)")
        slow = f"SELECT id FROM {table}, pg_sleep(0.02) WHERE id = $1 FOR UPDATE".encode()

        def asks(number):
            return asking(slow, number, is_writing=True)

        def pause(act):
            return later(act, 0.012)

        began = time.monotonic()
        told = play(asks(1), asks(2), pause(asks(2)), pause(asks(1)), limits=Limits(calm=0.001))

        assert told == [(1,), (2,), (2,), (1,)]
        assert time.monotonic() - began < 0.9


@pytest.mark.parametrize(("calm", "has_own"), [(5, False), (0.01, True)])
def test_a_third_transaction_begins_only_beside_one_that_is_slow(monkeypatch, calm, has_own):
    monkeypatch.setattr(lines, "FEWEST_TOGETHER", 1)

    def act(number):
        def asks(opened):
            for begins, seconds in ((0.0, 0.1), (0.3, 0.3 * (number < 2))):
                opened._loop.call_later(began + begins + number * 0.02 - time.monotonic(), here())
                turns.current().parent.switch()
                row = opened.first_row(b"SELECT pg_backend_pid() FROM pg_sleep($1)", [seconds])
            return row[0]

        return asks

    def here():
        return turns.current().switch

    began = time.monotonic()
    *slow, third = play(*map(act, range(3)), limits=Limits(calm=calm), most=3)

    assert len(set(slow)) == 2
    assert (third not in slow) is has_own
