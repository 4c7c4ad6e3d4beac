"""`motlan log close`: a log that lost entries ends aloud, and what was lost stays provable."""

from dataclasses import dataclass
from typing import Any

import pytest

from consent.audit import heads, notes
from consent.audit.leaves import LeavesLostError
from consent.audit.second_store import SecondStore
from consent.closing import close
from identity import worker
from identity.entry import NOBODY
from identity.log_keys import log_key
from tests.exchange import entries
from tests.tampering import Log

STATE = "size, frontier, signed_size, signed_frontier, left_behind"


@dataclass
class Earlier:
    """A log as it stood at a moment, to which it can be put back as a backup would."""

    log: Log
    size: int
    state: tuple[Any, ...]
    newest: int

    def comes_back(self) -> None:
        """Everything since is gone from the database; the second store has seen it."""
        told = self.log.vandal
        for table in ("log_position", "log_subject"):
            told.does(f"DELETE FROM {table} WHERE position >= :1", self.size)  # noqa: S608 - our own names
        told.does("DELETE FROM access_entry WHERE id > :1", self.newest)
        told.does("DELETE FROM entry_key WHERE entry_id > :1", self.newest)
        told.does("DELETE FROM log_head WHERE size > :1", self.size)
        told.does(
            "UPDATE sequencer_state SET size = :1, frontier = :2, signed_size = :3,"
            " signed_frontier = :4, left_behind = :5",
            *self.state,
        )


@pytest.fixture
def lose(own_log):
    """Three entries are kept, and so many more are lost; the log as it stood with the three."""

    def does(lost: int = 4, kept: int = 3) -> Earlier:
        newest = own_log.grows(kept)[-1]
        (state,) = own_log.vandal.tells(f"SELECT {STATE} FROM sequencer_state")  # noqa: S608 - our own names
        earlier = Earlier(own_log, int(state[0]), state, newest)
        own_log.grows(lost)
        earlier.comes_back()
        return earlier

    return does


def runs(log, *words):
    return log.app.test_cli_runner().invoke(args=["log", *words])


def test_it_refuses_to_sign_until_somebody_says_so_and_that_is_an_entry(own_log, lose):
    """Design §7, access-log.md §3: the log is closed by a signed statement, the next one opens."""
    lose()
    refusal = heads.refusal()
    old = own_log.settings.log_head.read_text()

    done = runs(own_log, "close", "--reason", "the disk was lost")

    assert "3 sequenced entries" in refusal
    assert "`motlan log close`" in refusal
    assert (done.exit_code, "localhost:8000/log/2" in done.output) == (0, True)
    assert heads.refusal() is None
    assert runs(own_log, "verify").output.startswith("whole: 4 entries")
    (entry,) = [each for each in entries(NOBODY) if each.type == "log:closed"]
    said = {"closed": "localhost:8000/log/1", "size": 7, "opened": "localhost:8000/log/2"}
    assert said.items() <= entry.subject.items()
    assert (entry.subject["kept"], entry.subject["reason"]) == (3, "the disk was lost")
    assert entry.subject["root"] == old.split("\n")[2]


def test_the_closed_log_stays_beside_the_second_store_with_a_statement(own_log, lose):
    """What was lost is provable for ever by everybody who kept a head or a promise."""
    lose()
    head = own_log.settings.log_head
    was = head.read_bytes(), head.with_name("log-head.leaves").read_bytes()

    close.close("the disk was lost")

    places = close.beside(1)
    assert (places["head"].read_bytes(), places["leaves"].read_bytes()) == was
    said = notes.read(places["statement"].read_bytes(), [heads.verifier_of("")])
    told = said.split("\n")
    assert told[:3] == ["motlan-log-closed/v1", "localhost:8000/log/1", "7"]
    assert told[4:6] == ["localhost:8000/log/2", "3"]


def test_the_next_log_goes_on_and_is_what_the_outside_sees(own_log, lose):
    lose()
    close.close("lost")
    own_log.grows(2)

    told = own_log.app.test_client().get("/log/checkpoint").text

    assert told.startswith("localhost:8000/log/2\n6\n")
    assert own_log.verdict().is_whole
    assert runs(own_log, "mend").exit_code == 0


def test_a_state_from_before_the_closing_is_noticed_and_closed_once_more(own_log, lose):
    """The second store knows which log is open."""
    earlier = lose()
    close.close("lost")
    earlier.comes_back()

    assert "no head of this log" in heads.refusal()
    assert close.close("lost again") == "localhost:8000/log/3"

    assert own_log.verdict().is_whole
    assert {path.name for path in close.beside(2).values()} <= {
        path.name for path in own_log.settings.log_head.parent.iterdir()
    }


DEATHS = [
    (close, "_record"),
    (close, "_set_aside"),
    (close, "sequence"),
    (heads, "begin"),
    (SecondStore, "advance"),
    (heads, "_keep"),
]


@pytest.mark.parametrize(("where", "step"), DEATHS, ids=[step for _, step in DEATHS])
def test_dying_on_the_way_loses_nothing(own_log, lose, monkeypatch, where, step):
    """The same command goes on, whatever was done already."""
    lose()

    def dies(*_told, **_named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(where, step, dies)
        with pytest.raises(KeyboardInterrupt):
            close.close("lost")
    assert heads.refusal() is not None

    assert close.close("lost") == "localhost:8000/log/2"

    assert heads.refusal() is None
    assert own_log.verdict().is_whole
    assert heads.store().find().checkpoint.origin == "localhost:8000/log/2"


class TestAttacker:
    """Somebody who would close a log to be rid of what it says."""

    def test_a_log_that_lost_nothing_is_not_closed(self, own_log):
        own_log.grows(3)

        refused = runs(own_log, "close", "--reason", "no reason")

        assert (refused.exit_code, "the log goes on" in refused.output) == (1, True)
        assert heads.store().find().checkpoint.origin.endswith("/log/1")

    def test_a_log_that_was_continued_is_no_older_state(self, own_log, lose):
        """Then what came after the loss would be passed off as what was there before."""
        lose()
        own_log.is_told(1)
        own_log.is_placed()

        with pytest.raises(close.AnotherHistory, match="position 3 "):
            close.close("lost")

    def test_a_rewritten_entry_is_no_older_state(self, own_log, lose):
        lose()
        own_log.vandal.does("UPDATE access_entry SET leaf = :1 WHERE id = (SELECT entry_id FROM"
                            " log_position WHERE position = 1)", b"motlan-entry/v1\n")  # fmt: skip

        with pytest.raises(close.AnotherHistory, match="position 1 "):
            close.close("lost")

    def test_without_the_leaves_nobody_can_say_what_was_signed(self, own_log, lose):
        lose()
        own_log.settings.log_head.with_name("log-head.leaves").unlink()

        with pytest.raises(LeavesLostError):
            close.close("lost")

    def test_the_name_of_a_later_log_in_the_database_opens_nothing(self, own_log):
        """Whoever writes the database does not sign: the second store is then another log's."""
        own_log.grows(3)
        own_log.vandal.does(
            "UPDATE log_head SET checkpoint = replace(checkpoint, '/log/1', '/log/2')"
        )

        assert "no head of this log" in heads.refusal()

    def test_nobody_closes_it_under_a_worker(self, own_log, lose):
        lose()

        with worker.alone():
            refused = runs(own_log, "close", "--reason", "lost")

        assert (refused.exit_code, "stop `motlan serve`" in refused.output) == (1, True)

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 201, "two\nlines"])
    def test_a_reason_is_one_line(self, own_log, lose, reason):
        lose()

        assert runs(own_log, "close", "--reason", reason).exit_code == 1
        assert not close.beside(1)["statement"].exists()


def test_the_key_signs_under_each_logs_own_name(own_log):
    assert log_key(2).name == own_log.settings.log_name(2)
    assert log_key(2).public == log_key().public
    assert log_key(2).key_id != log_key().key_id
