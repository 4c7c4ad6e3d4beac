"""The second store: whoever signs must have seen the last head, design §7."""

import multiprocessing
import os
import signal
import stat
import threading
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.audit.notes import Checkpoint, Verifier, sign_checkpoint
from consent.audit.second_store import (
    DatabaseBehindError,
    HeadMovedError,
    HeadUnreadableError,
    HeadWentBackError,
    Kept,
    SecondStore,
)
from consent.audit.tree import Frontier, Head
from identity.log_keys import LogKey

ORIGIN = "id.example/log/1"
KEY = LogKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(sha256(b"log").digest()))
FILES = ("log-head", "log-head.leaves", "log-head.lock")
LEAVES = [sha256(bytes([number])).digest() for number in range(200)]


def root_at(size: int) -> bytes:
    return Frontier().grown(LEAVES[:size]).root()


def a_head(size: int, *, root: bytes | None = None, key: LogKey = KEY) -> bytes:
    return sign_checkpoint(Checkpoint(key.name, Head(size, root or root_at(size))), key)


def advance(store: SecondStore, size: int, *, after: Kept | None, note: bytes = b"") -> Kept:
    start = 0 if after is None else after.head.size
    leaves = b"".join(LEAVES[start:size])
    return store.advance(note or a_head(size), after=after, leaves=leaves)


@pytest.fixture
def store(tmp_path) -> SecondStore:
    return SecondStore(tmp_path / "log-head", Verifier(ORIGIN, KEY.public))


def test_there_is_no_head_before_the_first(store):
    """A new log starts with nothing signed."""
    assert store.find() is None
    assert store.require_reached(0, root_at=root_at) is None


def test_a_head_is_kept_to_the_byte(store):
    """It is a signed note, so an outsider can check the file alone."""
    kept = advance(store, 3, after=None)

    assert store.path.read_bytes() == kept.note == a_head(3)
    assert store.find() == kept
    assert kept.head == Head(3, root_at(3))


def test_heads_follow_one_another(store):
    """Compare and swap: each names the one before."""
    first = advance(store, 3, after=None)
    second = advance(store, 5, after=first)

    assert advance(store, 5, after=second) == second


def test_only_we_can_change_the_file(store):
    """Design §10."""
    advance(store, 1, after=None)

    assert {stat.S_IMODE(path.stat().st_mode) for path in store.path.parent.iterdir()} == {0o600}


def test_nothing_else_is_left_in_the_folder(store):
    """A replaced file leaves no half-written neighbours."""
    first = advance(store, 1, after=None)
    advance(store, 2, after=first)

    assert {path.name for path in store.path.parent.iterdir()} == set(FILES)


@pytest.mark.parametrize("size", [5, 6, 200])
def test_a_log_that_holds_what_was_signed_may_go_on(store, size):
    """Entries sequenced after the last head are not signed yet, and that is fine."""
    kept = advance(store, 5, after=None)

    assert store.require_reached(size, root_at=root_at) == kept


def test_the_folder_of_another_disk_that_is_missing_is_not_made(tmp_path):
    """A disk that is not mounted must not be replaced by a folder of its name."""
    store = SecondStore(tmp_path / "disk" / "log-head", Verifier(ORIGIN, KEY.public))

    with pytest.raises(FileNotFoundError):
        advance(store, 1, after=None)

    assert not (tmp_path / "disk").exists()


@pytest.mark.slow  # starts processes
def test_a_killed_writer_leaves_the_old_head_or_the_new_one(store):
    """Killed at any moment, the file is whole."""
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        writer = context.Process(target=_advance_for_ever, args=(store,))
        writer.start()
        while not store.path.exists():
            writer.join(timeout=0.01)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()

        kept = store.find()
        assert kept.head.root == root_at(kept.head.size)
        assert store.leaves.witness([kept.head]).proven == kept.head.size
        assert advance(store, 200, after=kept)
        store.path.unlink()


def _advance_for_ever(store: SecondStore) -> None:
    kept = store.find()
    for size in range(1, len(LEAVES)):
        kept = advance(store, size, after=kept)
    signal.pause()


class TestAttacker:
    """Cases 54 and 56: truncated, restored, forked and forged logs."""

    def test_a_restored_old_database_may_not_sign(self, store):
        """Case 56: the message says which file and what to do."""
        advance(store, 7, after=None)

        with pytest.raises(DatabaseBehindError, match=r"log-head.*restore a newer backup"):
            store.require_reached(6, root_at=root_at)

    def test_a_rewritten_database_may_not_sign(self, store):
        """Case 54: replaced by a re-hashed one, longer than the signed head."""
        advance(store, 7, after=None)
        forged = [sha256(b"forged").digest(), *LEAVES[1:]]

        with pytest.raises(DatabaseBehindError, match="are not those"):
            store.require_reached(9, root_at=lambda size: Frontier().grown(forged[:size]).root())

    def test_a_head_never_goes_back(self, store):
        """Case 54: truncation."""
        last = advance(store, 7, after=None)

        with pytest.raises(HeadWentBackError, match="7 entries were signed"):
            advance(store, 6, after=last)

        assert store.find() == last

    def test_two_heads_of_one_size_are_never_signed(self, store):
        """Case 56: a fork."""
        last = advance(store, 7, after=None)

        with pytest.raises(HeadWentBackError):
            advance(store, 7, after=last, note=a_head(7, root=bytes(32)))

        assert store.find() == last

    def test_a_second_server_is_noticed(self, store):
        """Case 56: both saw the same head, one was first."""
        seen = advance(store, 3, after=None)
        advance(store, 5, after=seen)

        with pytest.raises(HeadMovedError, match="second server"):
            advance(store, 6, after=seen)
        with pytest.raises(HeadMovedError):
            advance(store, 6, after=None)

    def test_of_many_at_once_one_wins(self, store):
        """Compare and swap under a lock, across threads as across processes."""
        seen, won, lost = advance(store, 3, after=None), [], []

        def try_to_advance(size: int) -> None:
            try:
                won.append(advance(store, size, after=seen))
            except HeadMovedError:
                lost.append(size)

        threads = [threading.Thread(target=try_to_advance, args=(4 + n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert (len(won), len(lost)) == (1, 7)
        assert store.find() == won[0]

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda note: note.replace(b"\n3\n", b"\n2\n"),
            lambda note: note[:-9],
            lambda _: b"",
            lambda _: b"\0" * 4_096,
            lambda _: a_head(3, key=LogKey("other.example/log/1", KEY.private)),
            lambda _: a_head(3, key=LogKey(ORIGIN, Ed25519PrivateKey.generate())),
        ],
    )
    def test_a_file_that_this_log_did_not_sign_stops_everything(self, store, spoil):
        """Case 54: fail closed, and say which file."""
        last = advance(store, 3, after=None)
        store.path.write_bytes(spoil(last.note))

        with pytest.raises(HeadUnreadableError, match="log-head"):
            store.find()
        with pytest.raises(HeadUnreadableError):
            advance(store, 4, after=last)
        with pytest.raises(HeadUnreadableError):
            store.require_reached(10, root_at=root_at)

    def test_a_folder_in_its_place_is_no_missing_file(self, store):
        """Only a file that was never there means that nothing was signed."""
        Path(store.path).mkdir()

        with pytest.raises(HeadUnreadableError):
            store.find()

    def test_a_head_that_nobody_signed_is_not_written(self, store):
        """The file must stay checkable by anybody."""
        with pytest.raises(HeadUnreadableError):
            advance(store, 3, after=None, note=b"id.example/log/1\n3\n")

        assert not store.path.exists()
