"""Everything recomputed but the signature: the position is named all the same, to the one."""

import shutil
from datetime import timedelta

import pytest
import time_machine

from consent.audit import heads
from consent.audit.second_store import DatabaseBehindError, HeadError
from consent.audit.sequencer import sequence
from identity import clock
from tests.deciding import words
from tests.forging import Forger
from tests.people import a_security_officer, lan, sign_in_officer

pytestmark = pytest.mark.slow
SIZE = 12
HOUR = timedelta(hours=1)


@pytest.fixture
def log(own_log):
    """Twelve entries about two people, signed in three heads an hour apart: each is kept."""
    her, him = lan().citizen_id, lan().citizen_id
    for hour, citizen in enumerate((her, him, her)):
        with time_machine.travel(clock.now() + hour * HOUR):
            own_log.grows(SIZE // 3, citizen=citizen)
    assert own_log.verdict().is_whole
    return own_log


@pytest.fixture
def forger(log):
    return Forger(log)


@pytest.fixture
def kept(log):
    """The file beside the head."""
    return log.settings.log_head.with_name("log-head.leaves")


def named(log, **copy):
    found = log.verdict(**copy)
    assert not found.is_whole
    return found.first_bad


@pytest.mark.parametrize("drops_heads", [True, False])
@pytest.mark.parametrize("position", [0, 5, 6, SIZE - 1])
def test_an_entry_rewritten_with_all_its_hashes(log, forger, position, drops_heads):
    """Security case 54. In the middle of a batch, with the tables' roots; kept heads or none."""
    forger.rewrites(position, drops_heads=drops_heads)

    found = log.verdict()

    assert (found.first_bad, found.is_whole) == (position, False)
    assert "not the entry that was signed here" in found.why


def test_an_entry_rewritten_is_named_at_start_too(log, forger):
    """The database agrees with itself; who starts is told the file, and where."""
    forger.rewrites(5)

    said = heads.refusal()

    assert "log-head says were signed" in said
    assert "the first that differs is position 5" in said
    with pytest.raises(DatabaseBehindError):
        log.grows(1)


@pytest.mark.parametrize(("one", "other"), [(0, 1), (5, 6), (3, 9), (10, 11)])
def test_two_positions_swapped_whole(log, forger, one, other):
    order = forger.order()
    order[one], order[other] = order[other], order[one]
    forger.lays(order)

    found = log.verdict()

    assert (found.first_bad, found.is_whole) == (one, False)
    assert "not the entry that was signed here" in found.why


@pytest.mark.parametrize("position", [0, 4, 6, SIZE - 1])
def test_an_entry_removed_and_all_that_follow_moved_up(log, forger, position):
    order = forger.order()
    forger.removes(order.pop(position)[1])
    forger.lays(order)

    assert named(log) == position


@pytest.mark.parametrize("position", [0, 4, 6, SIZE - 1])
def test_an_entry_put_in_and_all_that_follow_moved_on(log, forger, position):
    (fresh,) = log.is_told(1, citizen=lan().citizen_id)
    sequence()
    order = forger.order()
    assert order[-1][1] == fresh
    order.insert(position, order.pop())
    forger.lays(order)

    assert named(log) == position


@pytest.mark.parametrize("end", [0, 3, 4, 6, 8, SIZE - 1])
def test_a_log_that_was_cut(log, forger, end):
    """At a head and within a batch."""
    forger.cuts(end)

    assert named(log) == end
    assert f"position {end}" in heads.refusal()


@pytest.mark.parametrize("end", [3, 8])
def test_a_database_restored_from_before_that_went_on_otherwise(log, forger, end):
    """Security case 56."""
    forger.cuts(end)
    log.is_told(SIZE)
    sequence()

    assert named(log) == end
    assert f"the first that differs is position {end}" in heads.refusal()
    with pytest.raises(DatabaseBehindError):
        heads.sign()


class TestLeavesBesideTheHead:
    """What is wrong with the copy is said of the copy, and the log is not blamed for it."""

    @pytest.mark.parametrize("position", [0, 5, SIZE - 1])
    def test_a_changed_one_is_named(self, log, kept, position):
        _flip(kept, position)

        found = log.verdict()

        assert (found.first_bad, found.is_whole) == (position, False)
        assert f"{kept} was changed here; the log itself is what was signed" in found.why
        assert str(kept) in heads.leaves_fault()

    @pytest.mark.parametrize("held", [0, 5, 8])
    def test_a_cut_one_is_named_and_nothing_is_signed_on_top(self, log, kept, held):
        _cut(kept, held)

        found = log.verdict()

        assert (found.first_bad, found.is_whole) == (held, False)
        assert f"{kept} holds {held} of the 12 leaves that were signed" in found.why
        assert found.why == heads.disagreement()
        with pytest.raises(HeadError, match="log mend"):
            log.grows(1)

    @pytest.mark.parametrize("is_replaced", [True, False])
    def test_a_missing_one_or_another_logs(self, log, kept, is_replaced):
        kept.unlink()
        if is_replaced:
            kept.write_bytes(b"motlan-leaves/v1\nid.example/log/1\n" + bytes(32 * SIZE))

        assert named(log) == 0
        assert str(kept) in log.verdict().why
        assert str(kept) in heads.leaves_fault()
        with pytest.raises(HeadError, match="log mend"):
            log.grows(1)

    def test_the_security_officer_is_told_too(self, log, kept):
        theirs = log.app.test_client()
        sign_in_officer(theirs, a_security_officer())
        kept.unlink()

        said = words(theirs.get("/audit/entries"))

        assert "Cơ sở dữ liệu và kho thứ hai không khớp:" in said
        assert f"{kept} is missing: run `motlan log mend`" in said

    def test_an_older_one(self, log, kept, tmp_path):
        shutil.copy(kept, tmp_path / "older")
        log.grows(3)
        shutil.copy(tmp_path / "older", kept)

        assert named(log) == SIZE

    def test_it_is_mended_from_the_log_that_gives_the_signed_root(self, log, kept):
        whole = kept.read_bytes()
        for harm in (lambda: _flip(kept, 5), lambda: _cut(kept, 3), kept.unlink):
            harm()

            assert heads.mend() == SIZE

            assert kept.read_bytes() == whole
            assert log.verdict().is_whole
        log.grows(2)
        assert log.verdict().is_whole

    def test_but_never_from_another_log(self, forger, kept):
        """Else whoever rewrites the database could have the copy follow it."""
        forger.rewrites(5)
        kept.unlink()

        with pytest.raises(DatabaseBehindError):
            heads.mend()
        assert not kept.exists()

    def test_with_one_half_spoilt_the_other_still_names_a_rewritten_entry(self, log, forger, kept):
        """Up to the last root that the spoilt file still gives."""
        _flip(kept, 10)
        forger.rewrites(5, drops_heads=False)

        found = log.verdict()

        assert (found.first_bad, "not the entry that was signed here" in found.why) == (5, True)

    def test_spoilt_at_the_same_place_the_range_is_named_and_called_one(self, log, forger, kept):
        """The one case in which the position is not: both copies lie within one signed range."""
        _flip(kept, 10)
        forger.rewrites(9, drops_heads=False)

        found = log.verdict()

        assert found.first_bad == 8
        assert "positions 8 to 11 are not those that were signed" in found.why


def _flip(kept, position):
    content = bytearray(kept.read_bytes())
    content[position * 32 - SIZE * 32] ^= 1
    kept.write_bytes(content)


def _cut(kept, held):
    content = kept.read_bytes()
    kept.write_bytes(content[: len(content) - (SIZE - held) * 32])


class TestSecondStoreRestoredOlder:
    @pytest.fixture
    def older(self, log, kept, tmp_path):
        """Puts both files back to where they stood at twelve."""
        files = (log.settings.log_head, kept)
        for file in files:
            shutil.copy(file, tmp_path / f"older-{file.name}")

        def put_back():
            for file in files:
                shutil.copy(tmp_path / f"older-{file.name}", file)

        return put_back

    def test_the_first_it_does_not_know_is_named(self, log, older):
        log.grows(3)
        older()

        found = log.verdict()

        assert (found.first_bad, "put back" in found.why) == (SIZE, True)
        assert "restore that file" in heads.disagreement()

    @pytest.mark.parametrize("position", [5, SIZE - 1])
    def test_what_it_still_knows_names_a_rewritten_entry(self, log, forger, older, position):
        log.grows(3)
        older()
        forger.rewrites(position)

        assert named(log) == position

    def test_with_the_database_restored_too_only_somebody_elses_copy_tells(
        self, log, forger, older, tmp_path
    ):
        """Nothing here contradicts itself: that is what copies elsewhere are for."""
        log.grows(3)
        _exports(log, tmp_path / "elsewhere")
        older()
        forger.cuts(SIZE)
        _sign_head_anew(log)
        assert log.verdict().is_whole

        assert named(log, copy=tmp_path / "elsewhere") == SIZE
        assert named(log, copy=tmp_path / "elsewhere" / "checkpoint") == SIZE
        assert "15 entries were signed, 12 are here" in log.verdict(tmp_path / "elsewhere").why

    def test_and_names_the_entry_where_both_went_on_otherwise(self, log, forger, older, tmp_path):
        log.grows(3)
        _exports(log, tmp_path / "elsewhere")
        older()
        forger.cuts(SIZE)
        _sign_head_anew(log)
        log.grows(6)
        assert log.verdict().is_whole

        by_leaves = log.verdict(tmp_path / "elsewhere")
        by_head = log.verdict(tmp_path / "elsewhere" / "checkpoint")

        assert (by_leaves.first_bad, by_head.first_bad) == (SIZE, SIZE)
        assert "not the entry that was signed here" in by_leaves.why
        assert f"positions {SIZE} to 14 are not those" in by_head.why


def _exports(log, folder):
    done = log.app.test_cli_runner().invoke(args=["log", "export", str(folder)])
    assert done.exit_code == 0, done.output


def _sign_head_anew(log):
    """The restored database had its newest head too: an hour's, as the copy of then held it."""
    note = log.settings.log_head.read_text()
    root = heads.store().find().head.root
    at = "now() - interval '2 hours'" if log.settings.is_postgresql else "0"
    log.vandal.does(
        "INSERT INTO log_head (size, root, checkpoint, signed_at)"  # noqa: S608 - our own words
        f" VALUES (:1, :2, :3, {at})",
        SIZE, root, note,
    )  # fmt: skip


class TestBothStoresInOneHand:
    """Whoever writes both places has only the signature left against them."""

    def test_it_is_found_and_a_copy_elsewhere_names_it(self, log, forger, kept, tmp_path):
        _exports(log, tmp_path / "elsewhere")
        forger.rewrites(5)
        header = kept.read_bytes()[: -SIZE * 32]
        kept.write_bytes(header + b"".join(heads.read_back(0, SIZE)))

        alone, with_copy = log.verdict(), log.verdict(tmp_path / "elsewhere")

        assert (alone.is_whole, alone.first_bad) == (False, 0)
        assert "no leaves that could be believed" in alone.why
        assert (with_copy.is_whole, with_copy.first_bad) == (False, 5)
