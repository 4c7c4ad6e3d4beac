"""Private files: refused when others could read them, whole after any crash."""

import os
import stat
import threading
import time

import pytest

from identity import files
from identity.files import UnsafeFileError


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_ours_alone_and_read_back(tmp_path):
    """Design §10: 0700 and 0600, whatever the umask of whoever started us."""
    before = os.umask(0)
    try:
        files.make_private_folder(tmp_path / "secrets")
        files.replace(tmp_path / "secrets" / "key", b"secret")
    finally:
        os.umask(before)

    assert (mode(tmp_path / "secrets"), mode(tmp_path / "secrets" / "key")) == (0o700, 0o600)
    assert files.read_private(tmp_path / "secrets" / "key") == b"secret"


def test_a_replaced_file_is_the_new_one_only(tmp_path):
    """Swapped by a rename: a reader sees the old content or the new."""
    files.replace(tmp_path / "key", b"first")
    with (tmp_path / "key").open("rb") as opened_before:
        files.replace(tmp_path / "key", b"second")

        assert opened_before.read() == b"first"
    assert files.read_private(tmp_path / "key") == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    """Security figures §11.4: a full disk."""
    files.replace(tmp_path / "key", b"first")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.replace(tmp_path / "key", b"second")

    assert files.read_private(tmp_path / "key") == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_what_is_appended_stands_from_its_place_on_and_nothing_behind_it(tmp_path):
    """The rest of a write that a crash cut off is written over."""
    files.append(tmp_path / "leaves", b"first", at=0)
    files.append(tmp_path / "leaves", b"second, half writ", at=5)
    files.append(tmp_path / "leaves", b"third", at=5)

    assert files.read_private(tmp_path / "leaves") == b"firstthird"


def test_an_append_is_durable_before_it_is_over(tmp_path, monkeypatch):
    """A new file's name is, too: its folder is synchronised."""
    synced, sync = [], os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda each: synced.append(os.fstat(each).st_ino) or sync(each)
    )

    files.append(tmp_path / "leaves", b"first", at=0)

    assert synced == [(tmp_path / "leaves").stat().st_ino, tmp_path.stat().st_ino]


def test_what_is_removed_may_be_gone_already(tmp_path):
    """A retired key that was destroyed before the crash."""
    files.replace(tmp_path / "key", b"secret")

    files.remove(tmp_path / "key")
    files.remove(tmp_path / "key")

    assert list(tmp_path.iterdir()) == []


def test_only_one_is_inside_at_a_time(tmp_path):
    """Two rotations, two signers."""
    inside, most = [], []

    def enter() -> None:
        with files.alone(tmp_path / "lock"):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == [1] * 5


class TestAttacker:
    """Whoever could read or replace a key has it: a loose file is refused, not repaired."""

    @pytest.mark.parametrize("loose", [0o640, 0o604, 0o660, 0o601])
    def test_a_file_that_others_may_touch_is_refused(self, tmp_path, loose):
        """The message says what is wrong and what it must be."""
        files.replace(tmp_path / "key", b"secret")
        (tmp_path / "key").chmod(loose)

        with pytest.raises(UnsafeFileError, match=f"mode {loose:04o}; it must be 0600"):
            files.read_private(tmp_path / "key")

    @pytest.mark.parametrize("loose", [0o750, 0o705, 0o770, 0o711])
    def test_a_folder_that_others_may_enter_is_refused(self, tmp_path, loose):
        """Also when it was there before us."""
        tmp_path.chmod(loose)

        with pytest.raises(UnsafeFileError, match="it must be 0700"):
            files.require_private_folder(tmp_path)
        with pytest.raises(UnsafeFileError):
            files.make_private_folder(tmp_path)

    def test_what_belongs_to_somebody_else_is_refused(self, tmp_path, monkeypatch):
        """Its owner could open it at any time."""
        files.replace(tmp_path / "key", b"secret")
        if os.geteuid() == 0:
            os.chown(tmp_path / "key", 65_534, 65_534)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

        with pytest.raises(UnsafeFileError, match="somebody else"):
            files.read_private(tmp_path / "key")

    def test_what_is_no_plain_file_is_refused(self, tmp_path):
        """A pipe would let another write what we read."""
        os.mkfifo(tmp_path / "pipe", 0o600)
        keep_open = os.open(tmp_path / "pipe", os.O_RDWR)
        try:
            with pytest.raises(UnsafeFileError, match="plain file"):
                files.read_private(tmp_path / "pipe")
        finally:
            os.close(keep_open)
        with pytest.raises(UnsafeFileError):
            files.read_private(tmp_path)
        with pytest.raises(UnsafeFileError, match="cannot be read"):
            files.read_private(tmp_path / "missing")

    def test_a_file_is_no_folder(self, tmp_path):
        """Half a configuration does not start."""
        (tmp_path / "secrets").write_bytes(b"")

        with pytest.raises(UnsafeFileError, match="not a folder"):
            files.require_private_folder(tmp_path / "secrets")
        with pytest.raises(UnsafeFileError, match="cannot be read"):
            files.require_private_folder(tmp_path / "missing")
