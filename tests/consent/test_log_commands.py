"""`motlan log …`, the log's public side, and what `/readyz` says of its order."""

import base64
import hashlib
import json
from datetime import timedelta

import pytest
import time_machine

from consent.audit import commands, heads, records
from consent.audit.tree import Frontier, leaf_hash
from identity import clock, trail, worker
from identity.entry import Who
from identity.joining import joined


def runs(log, *words):
    return log.app.test_cli_runner().invoke(args=["log", *words])


def leaves(folder):
    """The exported leaves: each behind its length in two bytes."""
    content, found = (folder / "leaves").read_bytes(), []
    while content:
        size = int.from_bytes(content[:2], "big")
        found.append(content[2 : 2 + size])
        content = content[2 + size :]
    return found


def test_exported_leaves_give_the_root_that_was_signed(own_log, tmp_path):
    """Whoever has the folder needs nothing of ours to check it."""
    own_log.grows(7)

    done = runs(own_log, "export", str(tmp_path / "out"))

    assert done.exit_code == 0, done.output
    _origin, size, root, *_ = (tmp_path / "out" / "checkpoint").read_text().split("\n")
    told = leaves(tmp_path / "out")
    assert (int(size), len(told)) == (7, 7)
    assert Frontier().grown(map(leaf_hash, told)).root() == base64.b64decode(root)
    assert leaf_hash(told[0]) == hashlib.sha256(b"\x00" + told[0]).digest()


def test_what_is_exported_is_the_public_leaf_and_nothing_of_a_person(own_log, tmp_path):
    trail.record("sign_in:refused", Who(), subject={"reason": "a word of the inside"})
    own_log.is_placed()
    runs(own_log, "checkpoint")

    runs(own_log, "export", str(tmp_path / "out"))

    (leaf,) = leaves(tmp_path / "out")
    assert leaf.split(b"\n")[:2] == [b"motlan-entry/v1", b"sign_in:refused"]
    assert b"inside" not in leaf


def test_a_whole_log_is_told_whole_and_a_changed_one_by_its_position(own_log):
    own_log.grows(5)
    whole = runs(own_log, "verify")
    own_log.vandal.does("UPDATE access_entry SET leaf = :1 WHERE id = (SELECT entry_id FROM"
                        " log_position WHERE position = 3)", b"motlan-entry/v1\n")  # fmt: skip

    changed = runs(own_log, "verify")

    assert (whole.exit_code, whole.output.split()[:2]) == (0, ["whole:", "5"])
    assert changed.exit_code == 1
    assert changed.output.startswith("Error: position 3: ")


class TestCopies:
    """`log verify --against`: what somebody else kept is held against the log."""

    def test_a_copy_that_agrees_changes_nothing(self, own_log, tmp_path):
        own_log.grows(5)
        runs(own_log, "export", str(tmp_path / "out"))
        own_log.grows(2)

        for copy in (tmp_path / "out", tmp_path / "out" / "checkpoint"):
            told = runs(own_log, "verify", "--against", str(copy))
            assert (told.exit_code, told.output.split()[:2]) == (0, ["whole:", "7"])

    def test_a_copy_that_is_none_is_said_to_be_so(self, own_log, tmp_path):
        """Nobody is to read a verdict on the log out of a spoilt copy."""
        own_log.grows(5)
        runs(own_log, "export", str(tmp_path / "out"))
        leaves_file, checkpoint = tmp_path / "out" / "leaves", tmp_path / "out" / "checkpoint"
        leaves_file.write_bytes(leaves_file.read_bytes()[:-30])
        spoilt_leaves = runs(own_log, "verify", "--against", str(tmp_path / "out"))
        checkpoint.write_text(checkpoint.read_text().replace("\n5\n", "\n4\n"))
        spoilt_head = runs(own_log, "verify", "--against", str(checkpoint))
        checkpoint.unlink()
        no_head = runs(own_log, "verify", "--against", str(tmp_path / "out"))

        for told in (spoilt_leaves, spoilt_head, no_head):
            assert (told.exit_code, told.output.count("\n")) == (1, 1)
            assert str(tmp_path / "out") in told.output
            assert "position" not in told.output


def test_leaves_that_were_lost_are_made_anew_by_one_command(own_log):
    nothing = runs(own_log, "mend")
    own_log.grows(5)
    heads.store().leaves.path.unlink()
    lost = runs(own_log, "verify")

    mended = runs(own_log, "mend")

    assert (nothing.exit_code, "no head to mend" in nothing.output) == (1, True)
    assert "log-head.leaves is missing: run `motlan log mend`" in lost.output
    assert (mended.exit_code, mended.output.split()[:2]) == (0, ["5", "leaves,"])
    assert runs(own_log, "verify").exit_code == 0


def test_what_the_check_found_bad_stays_said_until_it_is_whole_again(own_log):
    """Whoever comes at night and asks `doctor` learns of it, though another ran the check."""
    own_log.grows(3)
    stored = own_log.vandal.tells("SELECT id, leaf FROM access_entry ORDER BY id")[1]
    change = "UPDATE access_entry SET leaf = :1 WHERE id = :2"

    own_log.vandal.does(change, b"another", stored[0])
    runs(own_log, "verify")
    told = commands.last_fault()
    own_log.vandal.does(change, bytes(stored[1]), stored[0])
    still = commands.last_fault()
    runs(own_log, "verify")

    assert told.startswith("position 1: ")
    assert still == told
    assert commands.last_fault() is None
    assert "log verify" in [check.name for check in joined().checks]


def test_an_empty_log_has_no_head_and_says_so(own_log, tmp_path):
    for words in (["checkpoint"], ["export", str(tmp_path / "out")]):
        told = runs(own_log, *words)
        assert (told.exit_code, told.output.count("\n")) == (1, 1)
        assert told.output.startswith("Error: no ")

    assert own_log.app.test_client().get("/log/checkpoint").status_code == 404


def test_the_command_signs_what_is_placed_and_prints_what_the_door_tells(own_log):
    own_log.is_told(3)
    own_log.is_placed()

    printed = runs(own_log, "checkpoint").output

    told = own_log.app.test_client().get("/log/checkpoint")
    assert (told.status_code, told.mimetype, told.text) == (200, "text/plain", printed)
    assert printed.split("\n")[1] == "3"


def test_the_command_leaves_signing_to_a_worker_that_is_there(own_log):
    own_log.grows(2)
    own_log.is_told(1)
    own_log.is_placed()

    with worker.alone():
        printed = runs(own_log, "checkpoint").output

    assert printed.split("\n")[1] == "2"


def test_the_logs_key_is_published_apart_from_the_keys_of_tokens(own_log):
    client = own_log.app.test_client()

    (key,) = client.get("/log/keys").json["keys"]

    assert (key["kty"], key["crv"]) == ("OKP", "Ed25519")
    assert "d" not in key
    assert key["kid"] not in json.dumps(client.get("/jwks").json)


class TestReadiness:
    @pytest.fixture
    def turns(self, own_log):
        """Gives the log's duties a turn and asks how ready we are."""
        duties = {duty.name: duty for duty in joined().duties}

        def turn(*, sequencer=True):
            worker.probe()
            duty = duties["sequencer"]
            if not sequencer:
                duty = type(duty)(duty.name, duty.every, lambda: 0, behind_since=duty.behind_since)
            worker._do(duty, is_told=True)
            worker._do(duties["heads"], is_told=True)
            return own_log.app.test_client().get("/readyz").json["checks"]["sequencer"]

        return turn

    def test_an_entry_that_waits_longer_than_five_seconds_makes_it_not_ready(self, own_log, turns):
        """The contract: sequencer lag under 5 s, even if the sequencer turns and gets nowhere."""
        own_log.is_told(1)
        at = clock.now()

        with time_machine.travel(at + timedelta(seconds=4), tick=False):
            soon = turns(sequencer=False)
        with time_machine.travel(at + timedelta(seconds=7), tick=False):
            late = turns(sequencer=False)
            placed = turns()

        assert soon == placed == "ok"
        assert late.startswith("the oldest entry has waited ")

    def test_old_entries_that_have_their_place_do_not_count(self, own_log, turns):
        own_log.grows(3)

        with time_machine.travel(clock.now() + timedelta(days=1), tick=False):
            assert records.oldest_unplaced() is None
            assert turns() == "ok"
            assert worker.behind_since("sequencer") is None
