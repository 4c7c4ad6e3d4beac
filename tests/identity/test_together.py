"""Clauses joined into one statement (design §4, §9): the same promises from both texts."""

import sqlite3
import sys
import threading
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import count

import psycopg
import pytest

from identity import database, postgresql
from identity.database import transaction
from identity.together import Clause, Json, all_undone_unless, look, together

pytestmark = pytest.mark.usefixtures("app")
_numbers = count(1)
YES = Clause("yes", postgres="SELECT 1 AS one", sqlite="SELECT 1", returns={"one": int})
NO = Clause("no", postgres="SELECT 1 AS one WHERE false", sqlite="SELECT 1 WHERE 0",
            returns={"one": int})  # fmt: skip


def a_duty():
    """A row of the worker's table that nobody else writes."""
    return f"tried {uuid.uuid4().hex} {next(_numbers)}"


def noted(duty, *, after="yes", name="noted"):
    """Writes one row, if the clause it depends on holds."""
    return Clause(
        name,
        postgres="INSERT INTO worker_state (duty, at, detail)"  # noqa: S608 - a name of ours
        f" SELECT :duty, now(), :detail FROM {after} RETURNING duty, length(detail) AS n",
        sqlite="INSERT INTO worker_state (duty, at, detail) VALUES (:duty, 0, :detail)"
        " RETURNING duty, length(detail)",
        params={"duty": duty, "detail": "four"},
        returns={"duty": str, "n": int},
    )


def found(duty):
    """How many rows lie there, told by clauses that only read."""
    return Clause(
        "found",
        postgres="SELECT count(*) AS n FROM worker_state WHERE duty = :duty",
        sqlite="SELECT count(*) FROM worker_state WHERE duty = :duty",
        params={"duty": duty},
        returns={"n": int},
    )


def is_kept(duty):
    return bool(look(found(duty))["found.n"])


def echoed(kind, value, postgres_type):
    """What a parameter comes back as."""
    clause = Clause(
        "echo",
        postgres=f"SELECT CAST(:value AS {postgres_type}) AS value",
        sqlite="SELECT :value",
        params={"value": value},
        returns={"value": kind},
    )
    return together(clause)["echo.value"]


def test_what_holds_is_written_and_told_under_the_clauses_names():
    duty = a_duty()

    answer = together(YES, noted(duty))

    assert answer == {"yes.one": 1, "noted.duty": duty, "noted.n": 4}
    assert is_kept(duty)


def test_a_false_condition_stops_what_stands_after_it():
    duty = a_duty()

    assert together(YES, NO, noted(duty, after="no")) is None
    assert not is_kept(duty)


@pytest.mark.sqlite
def test_what_was_written_before_a_false_condition_is_undone():
    """On PostgreSQL every WITH query runs, hence the rule that conditions come first."""
    duty = a_duty()

    assert together(YES, noted(duty), NO) is None
    assert not is_kept(duty)


def test_a_later_clause_reads_what_an_earlier_one_returned():
    duty = a_duty()
    again = Clause(
        "again",
        postgres="INSERT INTO worker_state (duty, at, detail)"
        " SELECT noted.duty || :tail, now(), CAST(noted.n AS text) FROM noted RETURNING detail",
        sqlite="INSERT INTO worker_state (duty, at, detail)"
        " VALUES (:noted_duty || :tail, 0, CAST(:noted_n AS TEXT)) RETURNING detail",
        params={"tail": " again"},
        returns={"detail": str},
    )

    assert together(YES, noted(duty), again)["again.detail"] == "4"
    assert is_kept(f"{duty} again")


def test_a_clause_that_returns_nothing_still_writes():
    duty = a_duty()
    silent = Clause(
        "silent",
        postgres="INSERT INTO worker_state (duty, at, detail) SELECT :duty, now(), '' FROM yes",
        sqlite="INSERT INTO worker_state (duty, at, detail) VALUES (:duty, 0, '')",
        params={"duty": duty},
    )

    assert together(YES, silent) == {"yes.one": 1}
    assert is_kept(duty)


def test_a_parameter_is_shared_by_all_clauses():
    duty = a_duty()
    together(YES, noted(duty))
    shared = Clause(
        "shared",
        postgres="SELECT detail FROM worker_state WHERE duty = :duty",
        sqlite="SELECT detail FROM worker_state WHERE duty = :duty",
        returns={"detail": str},
    )

    answer = together(found(duty), shared)

    assert answer == {"found.n": 1, "shared.detail": "four"}


def test_one_name_for_two_values_is_refused_before_anything_is_asked():
    """The later would silently win, and a condition would look at somebody else's row."""
    mine, yours = a_duty(), a_duty()

    with pytest.raises(ValueError, match=":duty"):
        together(YES, found(mine), noted(yours))

    assert not is_kept(yours)


def test_a_casts_colons_and_a_percent_sign_are_no_parameters():
    clause = Clause(
        "odd",
        postgres="SELECT '1'::int AS n, 'a%b' LIKE :pattern AS fits",
        sqlite="SELECT 1, 'a%b' LIKE :pattern",
        params={"pattern": "a%"},
        returns={"n": int, "fits": bool},
    )

    assert together(clause) == {"odd.n": 1, "odd.fits": True}


def _write_and_fail(duty):
    with transaction():
        assert together(YES, noted(duty)) is not None
        raise KeyError("the rest failed")


class TestInsideATransaction:
    def test_it_goes_with_the_rest(self):
        duty = a_duty()

        with pytest.raises(KeyError):
            _write_and_fail(duty)

        assert not is_kept(duty)

    def test_a_false_condition_leaves_the_rest_standing(self):
        before, after = a_duty(), a_duty()

        with transaction():
            together(YES, noted(before))
            assert together(NO, noted(after, after="no")) is None

        assert (is_kept(before), is_kept(after)) == (True, False)

    def test_reading_sees_what_this_transaction_wrote(self):
        duty = a_duty()

        with transaction():
            together(YES, noted(duty))
            assert look(found(duty)) == {"found.n": 1}

    @pytest.mark.sqlite
    def test_who_catches_a_failure_does_not_commit_half_of_it(self):
        """On PostgreSQL the whole transaction is lost by then."""
        duty = a_duty()

        broken = Clause("broken", postgres="", sqlite="SELECT nowhere")

        with transaction(), pytest.raises(sqlite3.OperationalError):
            together(YES, noted(duty), broken)

        assert not is_kept(duty)

    def test_others_see_it_only_after_the_commit(self):
        duty, seen = a_duty(), []

        with transaction():
            together(YES, noted(duty))
            other = threading.Thread(target=lambda: seen.append(is_kept(duty)))
            other.start()
            other.join()

        assert (seen, is_kept(duty)) == ([False], True)


def test_looking_writes_nothing_and_tells_null_where_a_condition_is_false():
    assert look(YES, NO) is None
    assert look(YES) == {"yes.one": 1}


def test_one_failure_leaves_the_next_statement_alone():
    duty = a_duty()
    together(YES, noted(duty))

    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        together(YES, noted(duty))

    assert together(YES, found(duty)) == {"yes.one": 1, "found.n": 1}


@pytest.mark.parametrize(
    ("kind", "value", "postgres_type"),
    [
        (uuid.UUID, uuid.uuid4(), "uuid"),
        (datetime, datetime(2026, 11, 22, 3, 32, 1, 999_999, tzinfo=UTC), "timestamptz"),
        (datetime, datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC), "timestamptz"),
        (date, date(1986, 2, 28), "date"),
        (bytes, b"\x00\xff", "bytea"),
        (str, "Nguyễn Thị Lan 100%", "text"),
        (bool, False, "boolean"),
        (int, 2**40, "bigint"),
        (dict, {"a": [1, None, "ơ"]}, "jsonb"),
    ],
    ids=lambda told: told.__name__ if isinstance(told, type) else "",
)
def test_a_value_comes_back_as_it_went(kind, value, postgres_type):
    came = echoed(kind, value, postgres_type)

    assert came == value
    assert isinstance(came, kind)


@pytest.mark.parametrize("kind", [uuid.UUID, datetime, bool, dict])
def test_null_stays_null(kind):
    names = {uuid.UUID: "uuid", datetime: "timestamptz", bool: "boolean", dict: "jsonb"}

    assert echoed(kind, None, names[kind]) is None


def test_a_list_is_an_array_of_its_members_and_json_is_json():
    wanted = [uuid.uuid4(), uuid.uuid4()]
    clause = Clause(
        "hits",
        postgres="SELECT count(*) AS n, CAST(:shape AS jsonb) AS shape"
        " FROM unnest(CAST(:wanted AS uuid[])) AS w(id) WHERE w.id = :one",
        sqlite="SELECT count(*), :shape FROM json_each(:wanted) AS w WHERE w.value = :one",
        params={"wanted": wanted, "one": wanted[1], "shape": Json(["a", 1])},
        returns={"n": int, "shape": list},
    )

    assert together(clause) == {"hits.n": 1, "hits.shape": ["a", 1]}


def test_a_time_comes_back_in_utc_whichever_zone_it_was_told_in():
    told = datetime(2026, 11, 22, 10, 32, tzinfo=timezone(timedelta(hours=7)))

    came = echoed(datetime, told, "timestamptz")

    assert (came, came.utcoffset()) == (told, timedelta(0))


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a zone"):
        echoed(datetime, datetime(2026, 11, 22, 3, 32), "timestamptz")  # noqa: DTZ001 - that is it


@pytest.mark.sqlite
def test_who_only_looks_cannot_write():
    """A clause that writes, put among those that look, is told so and keeps nothing."""
    duty = a_duty()

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        look(YES, noted(duty))

    assert not is_kept(duty)
    assert together(YES, noted(duty)) is not None
    assert is_kept(duty)


@pytest.mark.sqlite
def test_a_database_that_cannot_be_opened_is_told_of_once(tmp_path, monkeypatch):
    """Nothing is to be closed where nothing was opened."""
    unheard = []
    monkeypatch.setattr(sys, "unraisablehook", unheard.append)
    nowhere = replace(database.state(), path=str(tmp_path / "gone" / "x.db"))
    monkeypatch.setattr(database, "_state", nowhere)

    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        look(YES)

    assert unheard == []


def test_what_only_writing_can_tell_takes_back_what_was_written():
    """On PostgreSQL every WITH query runs, so a condition behind them has to undo them."""
    duty = a_duty()
    enough = all_undone_unless("count(*) = 2")
    whole = Clause(
        "whole",
        postgres=f"SELECT {enough} AS ok FROM noted",  # noqa: S608 - a text of ours
        sqlite="SELECT 1 WHERE changes() = 2",
        returns={"ok": int},
    )
    written = noted(duty)
    silent = Clause(written.name, written.postgres, written.sqlite, written.params)

    assert (
        together(YES, silent._replace(sqlite=silent.sqlite.split(" RETURNING")[0]), whole) is None
    )
    assert not is_kept(duty)


def test_clauses_that_answer_nothing_are_run_all_the_same():
    duty = a_duty()
    written = noted(duty)
    origin = YES._replace(returns={})

    assert together(origin, written._replace(returns={})) == {}
    assert is_kept(duty)


def test_a_connection_keeps_a_bounded_number_of_statements(monkeypatch):
    """Whatever else is asked of it, the next one is answered."""
    monkeypatch.setattr(postgresql, "MOST_PREPARED", 2)

    answers = [look(YES._replace(name=f"yes_{n}")) for n in [*range(5), 0]]

    assert answers == [{f"yes_{n}.one": 1} for n in [*range(5), 0]]


def test_null_and_an_empty_text_are_two_things():
    assert echoed(str, None, "text") is None
    assert echoed(str, "", "text") == ""


def test_a_statement_that_failed_leaves_the_connection_good():
    with pytest.raises((psycopg.errors.UniqueViolation, sqlite3.IntegrityError)):
        together(YES, noted(duty := a_duty()), noted(duty, name="again"))

    assert not is_kept(duty)
