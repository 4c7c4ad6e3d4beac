"""Somebody with every right over the database changes the log: it is found, and where."""

import secrets

import pytest

from consent.audit import heads
from consent.audit.heads import UnlikeStoredError
from consent.audit.second_store import DatabaseBehindError, HeadError
from consent.audit.sequencer import sequence
from identity import sealing
from tests.forging import Forger
from tests.people import lan

pytestmark = pytest.mark.slow
SIZE = 12


@pytest.fixture
def log(own_log):
    """Twelve entries about two people, placed and signed in three heads."""
    her, him = lan().citizen_id, lan().citizen_id
    for citizen in (her, him, her):
        own_log.grows(SIZE // 3, citizen=citizen)
    assert own_log.verdict().is_whole
    assert own_log.verdict().size == SIZE
    return own_log


def entry_at(log, position):
    """The id of the entry at a position."""
    ((found,),) = log.vandal.tells(
        "SELECT entry_id FROM log_position WHERE position = :1", position
    )
    return found


COLUMNS = ["leaf", "c_subject", "c_actor", "sealed_subject", "sealed_actor"]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("position", [0, 5, SIZE - 1])
def test_one_changed_byte_is_found_at_its_position(log, column, position):
    """Security case 54."""
    entry_id = entry_at(log, position)
    ((held,),) = log.vandal.tells(
        f"SELECT {column} FROM access_entry WHERE id = :1",  # noqa: S608 - our own names
        entry_id,
    )
    changed = bytearray(held)
    changed[secrets.randbelow(len(changed))] ^= 1 << secrets.randbelow(8)
    log.vandal.does(
        f"UPDATE access_entry SET {column} = :1 WHERE id = :2",  # noqa: S608 - our own names
        bytes(changed),
        entry_id,
    )

    found = log.verdict()

    assert (found.is_whole, found.first_bad) == (False, position)


@pytest.mark.parametrize("change", ["type = 'sign_in:refused'", "at = at - :1"])
def test_another_type_or_minute_is_found_at_its_position(log, change):
    an_hour = "1 hour" if log.settings.is_postgresql else 3_600_000_000
    values = (an_hour,) if ":1" in change else ()
    change = change.replace(":1", "CAST(:1 AS interval)" if log.settings.is_postgresql else ":1")
    entry_id = entry_at(log, 7)
    log.vandal.does(
        f"UPDATE access_entry SET {change} WHERE id = {entry_id}",  # noqa: S608 - our own words
        *values,
    )

    assert log.verdict().first_bad == 7


@pytest.mark.parametrize("column", ["actor_id", "public_service_id"])
def test_another_actor_or_service_in_the_column_is_found_at_its_position(log, column):
    """The pages read the columns: who looked must not be changeable beside the sealed part."""
    log.vandal.does(
        f"UPDATE access_entry SET {column} = citizen_id WHERE id = :1",  # noqa: S608 - our words
        entry_at(log, 7),
    )

    found = log.verdict()

    assert (found.first_bad, column in found.why) == (7, True)


@pytest.mark.parametrize("is_erased", [True, False])
def test_a_second_within_the_minute_is_found_at_its_position(log, is_erased):
    """The leaf names the minute, the actor's part the moment; erasing the subject spares it."""
    is_postgresql = log.settings.is_postgresql
    at = "date_trunc('minute', at)" if is_postgresql else "at - at % 60000000"
    if is_erased:
        log.vandal.does("UPDATE entry_key SET subject_wrapped = NULL WHERE entry_id = :1",
                        entry_at(log, 7))  # fmt: skip
    log.vandal.does(
        f"UPDATE access_entry SET at = {at} WHERE id = :1",  # noqa: S608 - our words
        entry_at(log, 7),
    )

    assert log.verdict().first_bad == 7


def test_an_entry_moved_to_another_person_everywhere_is_found(log):
    """It would be missing from her log and nobody could tell; the lists are laid anew too."""
    entry_id, forger = entry_at(log, 5), Forger(log)
    order = forger.order()
    for table, column in (("access_entry", "id"), ("entry_key", "entry_id")):
        log.vandal.does(
            f"UPDATE {table} SET citizen_id = :1 WHERE {column} = :2",  # noqa: S608 - our words
            order[0][0], entry_id,
        )  # fmt: skip
    order[5] = (order[0][0], entry_id)
    forger.lays(order, drops_heads=False)

    found = log.verdict()

    assert (found.first_bad, "citizen_id" in found.why) == (5, True)


@pytest.mark.parametrize("position", [0, 6, SIZE - 1])
def test_a_removed_entry_is_found_at_its_position(log, position):
    log.vandal.does("DELETE FROM access_entry WHERE id = :1", entry_at(log, position))

    assert log.verdict().first_bad == position


@pytest.mark.parametrize("position", [0, 6, SIZE - 1])
def test_a_removed_position_is_found(log, position):
    log.vandal.does("DELETE FROM log_position WHERE position = :1", position)

    assert log.verdict().first_bad == position


def test_a_removed_entry_whose_followers_moved_up_is_found(log):
    log.vandal.does("DELETE FROM access_entry WHERE id = :1", entry_at(log, 4))
    log.vandal.does("DELETE FROM log_position WHERE position = 4")
    for position in range(5, SIZE):
        log.vandal.does("UPDATE log_position SET position = :1 WHERE position = :2",
                        position - 1, position)  # fmt: skip

    assert log.verdict().first_bad == 4


def test_two_entries_swapped_under_their_hashes_are_found_at_the_first(log):
    first, second = entry_at(log, 3), entry_at(log, 9)
    log.vandal.does("UPDATE log_position SET entry_id = -1 WHERE position = 3")
    log.vandal.does("UPDATE log_position SET entry_id = :1 WHERE position = 9", first)
    log.vandal.does("UPDATE log_position SET entry_id = :1 WHERE position = 3", second)

    assert log.verdict().first_bad == 3


def test_two_positions_swapped_whole_are_found_at_the_first(log):
    for old, new in ((5, -1), (6, 5), (-1, 6)):
        log.vandal.does("UPDATE log_position SET position = :1 WHERE position = :2", new, old)

    assert log.verdict().first_bad == 5


def test_an_entry_inserted_beside_the_log_is_found(log):
    (first,) = log.vandal.tells("SELECT min(id) FROM access_entry")[0]
    identity = "OVERRIDING SYSTEM VALUE " if log.settings.is_postgresql else ""
    log.vandal.does(
        "INSERT INTO access_entry (citizen_id, id, xid, type, at, actor_id,"  # noqa: S608 - ours
        f" public_service_id, leaf, c_subject, c_actor, sealed_subject, sealed_actor) {identity}"
        "SELECT citizen_id, :1, xid, type, at, actor_id, public_service_id, leaf, c_subject,"
        " c_actor, sealed_subject, sealed_actor FROM access_entry WHERE id = :2",
        first - 1, first,
    )  # fmt: skip

    found = log.verdict()

    assert not found.is_whole
    assert found.first_bad == 0
    assert "beside the log" in found.why


@pytest.mark.parametrize("place", [-1, SIZE, SIZE + 7])
def test_a_position_put_in_outside_the_tree_is_found(log, place):
    """Behind the last it would take the next entry's place."""
    (citizen,) = log.vandal.tells("SELECT citizen_id FROM log_position WHERE position = 0")[0]
    log.vandal.does(
        "INSERT INTO log_position (position, citizen_id, entry_id, leaf_hash)"
        " VALUES (:1, :2, 1000000, :3)",
        place, citizen, b"x" * 32,
    )  # fmt: skip

    assert log.verdict().first_bad == place


def test_an_entry_without_its_keys_is_found(log):
    log.vandal.does("DELETE FROM entry_key WHERE entry_id = :1", entry_at(log, 8))

    assert log.verdict().first_bad == 8


def test_a_key_of_another_entry_is_found(log):
    log.vandal.does(
        "UPDATE entry_key SET actor_wrapped = (SELECT actor_wrapped FROM entry_key WHERE"
        " entry_id = :1) WHERE entry_id = :2",
        entry_at(log, 1), entry_at(log, 2),
    )  # fmt: skip

    assert log.verdict().first_bad == 2


def test_an_erased_subject_is_allowed_and_the_actor_stays_tied(log):
    """Design §7: erasing the subject part leaves the actor part tied to its leaf."""
    entry_id = entry_at(log, 2)
    log.vandal.does("UPDATE entry_key SET subject_wrapped = NULL WHERE entry_id = :1", entry_id)
    assert log.verdict().is_whole

    log.vandal.does("UPDATE access_entry SET sealed_actor = :1 WHERE id = :2", b"x" * 60, entry_id)
    assert log.verdict().first_bad == 2


class TestEnd:
    """The last entries are the easiest to cut: only the heads remember them."""

    def test_the_last_entries_cut_off_everywhere_are_found_by_the_second_store(self, log):
        Forger(log).cuts(SIZE - 4)

        found = log.verdict()

        assert (found.first_bad, found.is_whole) == (SIZE - 4, False)
        assert "the log was cut" in found.why

    def test_a_log_that_was_cut_is_not_signed_any_more(self, log):
        Forger(log).cuts(SIZE - 4)
        log.is_told(1)
        sequence()

        with pytest.raises(HeadError, match=r"log-head says that 12 were signed.*restore"):
            heads.sign()

    def test_nor_is_another_history_of_the_same_length(self, log):
        """Security case 56: a fork, same size and another root."""
        Forger(log).cuts(SIZE - 4)
        log.is_told(6)
        sequence()

        with pytest.raises(HeadError, match=r"are not those that .*log-head says were signed"):
            heads.sign()
        assert not log.verdict().is_whole

    def test_a_cut_is_noticed_though_nothing_new_is_written(self, log):
        Forger(log).cuts(SIZE - 4)

        with pytest.raises(DatabaseBehindError):
            heads.sign()
        assert "restore" in heads.disagreement()

    def test_everything_removed_is_found(self, log):
        for table in ("access_entry", "entry_key", "log_position", "log_subject", "log_head",
                      "sequencer_state"):  # fmt: skip
            log.vandal.does(f"DELETE FROM {table}")  # noqa: S608 - our own names

        assert log.verdict().first_bad == 0
        assert "were signed" in heads.disagreement()


class TestHeads:
    def test_a_changed_head_is_found(self, log):
        log.vandal.does("UPDATE log_head SET root = :1 WHERE size = :2", b"\0" * 32, SIZE)

        assert "was changed" in log.verdict().why

    def test_a_head_that_we_did_not_sign_is_found(self, log):
        log.vandal.does(
            "UPDATE log_head SET checkpoint = replace(checkpoint, ' ', ' A') WHERE size = :1", SIZE
        )

        assert not log.verdict().is_whole

    def test_a_second_store_that_was_put_back_is_found(self, log):
        store = log.settings.log_head
        note = store.read_bytes()
        log.grows(1)
        store.write_bytes(note)

        assert "put back" in log.verdict().why
        assert "restore that file" in heads.disagreement()

    def test_a_second_store_that_is_gone_is_found(self, log):
        log.settings.log_head.unlink()

        assert not log.verdict().is_whole
        assert "restore that file" in heads.disagreement()

    def test_a_second_store_that_is_no_head_is_found(self, log):
        log.settings.log_head.write_text("nothing\n")

        assert "holds no head of this log" in log.verdict().why

    def test_a_state_that_was_changed_is_never_signed(self, log):
        """The root is rebuilt from what reads back, never taken from the state."""
        log.vandal.does("UPDATE sequencer_state SET frontier = :1", b"\1" * 64)
        log.is_told(1)
        sequence()

        with pytest.raises(UnlikeStoredError, match="position 12 to 12"):
            heads.sign()

    def test_nor_on_top_of_a_signed_state_that_was_changed(self, log):
        log.vandal.does("UPDATE sequencer_state SET signed_frontier = :1", b"\1" * 64)
        log.is_told(1)
        sequence()

        with pytest.raises(DatabaseBehindError):
            heads.sign()

    def test_an_entry_changed_between_placing_and_signing_is_never_signed(self, log):
        """One flipped bit in an entry ruined a log that had signed what it could not reproduce."""
        (fresh,) = log.is_told(1)
        sequence()
        log.vandal.does("UPDATE access_entry SET leaf = :1 WHERE id = :2", b"other", fresh)

        with pytest.raises(UnlikeStoredError):
            heads.sign()


class TestPeoplesLists:
    def test_an_entry_left_out_of_its_persons_list_is_found(self, log):
        log.vandal.does("DELETE FROM log_subject WHERE position = :1", SIZE - 1)

        assert "missing from its person's own list" in log.verdict().why
        assert log.verdict().first_bad == SIZE - 1

    def test_a_gap_in_a_list_is_found_where_it_is(self, log):
        log.vandal.does("DELETE FROM log_subject WHERE position = 1")

        assert log.verdict().first_bad == 1

    def test_an_entry_listed_twice_for_one_left_out_is_found(self, log):
        """As many lines as entries, and each follows the last: still not each of them."""
        log.vandal.does("UPDATE log_subject SET position = 10, previous = 10 WHERE position = 11")

        assert log.verdict().first_bad == 11

    def test_a_line_that_tells_of_no_position_is_found(self, log):
        (last,) = log.vandal.tells(
            "SELECT citizen_id, n FROM log_subject WHERE position = :1", SIZE - 1
        )
        log.vandal.does(
            "INSERT INTO log_subject (citizen_id, n, position, previous) VALUES (:1, :2, 99, 11)",
            last[0], last[1] + 1,
        )  # fmt: skip

        assert log.verdict().first_bad == 99

    def test_an_entry_moved_to_another_persons_list_is_found(self, log):
        log.vandal.does(
            "UPDATE log_position SET citizen_id = (SELECT citizen_id FROM log_position WHERE"
            " position = 0) WHERE position = 5"
        )

        assert log.verdict().first_bad == 5


def test_a_database_restored_from_before_is_not_signed(log):
    """Security case 56: what was restored lacks what came after."""
    log.grows(3)
    Forger(log).cuts(SIZE)
    log.is_told(5)
    sequence()

    with pytest.raises(DatabaseBehindError):
        heads.sign()
    assert not log.verdict().is_whole


def test_untouched_logs_raise_no_alarm(log):
    for count in (1, 3, 8):
        log.grows(count)
        assert log.verdict().is_whole


def test_the_ring_is_what_opens_them(log, monkeypatch):
    """Keys lost is data lost, and said to be so."""
    families = dict(sealing.ring().families)
    families["kek"] = {"another": b"k" * 32}
    monkeypatch.setattr(sealing, "ring", lambda: sealing.KeyRing(families))

    found = log.verdict()

    assert (found.first_bad, "does not open" in found.why) == (0, True)
