"""Files that keep a secret or a promise: closed to others, and whole after any crash."""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
OTHERS = 0o077


class UnsafeFileError(Exception):
    """A file or folder that others may read or change, or that is not what it should be."""


def make_private_folder(folder: Path) -> None:
    """The folder exists and is ours alone; one that is open to others is refused, not repaired.

    Raises:
        UnsafeFileError: it was there already and others may enter it. Whoever could enter may have
            read or replaced what is in it, so closing it quietly would hide that.
    """
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    require_private_folder(folder)


def require_private_folder(folder: Path) -> None:
    """Nobody but us (or root) can look into the folder.

    Raises:
        UnsafeFileError: it is missing, not a folder, somebody else's, or open to others.
    """
    try:
        found = folder.stat()
    except OSError as error:
        raise UnsafeFileError(f"{folder} cannot be read: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode):
        raise UnsafeFileError(f"{folder} is not a folder")
    _require_ours(folder, found)


def read_private(path: Path) -> bytes:
    """The content of a secret file that only we can read.

    Raises:
        UnsafeFileError: others may read it, it is not a plain file, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())  # of the open file: the name may change meanwhile
            if not stat.S_ISREG(found.st_mode):
                raise UnsafeFileError(f"{path} is not a plain file")
            _require_ours(path, found)
            return file.read()
    except OSError as error:
        raise UnsafeFileError(f"{path} cannot be read: {error.strerror}") from None


def replace(path: Path, content: bytes) -> None:
    """The file holds exactly this content, now and after a crash; never half of it."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_durably(beside, content)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    _sync_folder(path.parent)


def append(path: Path, content: bytes, *, at: int) -> None:
    """From byte `at` on the file holds this content and nothing else, now and after a crash.

    A crash on the way leaves what stands before `at` as it was; what follows may be anything.
    """
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.truncate(at)
        file.seek(at)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        _sync_folder(path.parent)


def remove(path: Path) -> None:
    """The file is gone, also after a crash. Gone already is fine."""
    path.unlink(missing_ok=True)
    _sync_folder(path.parent)


@contextmanager
def alone(lock: Path, *, may_wait: bool = True) -> Iterator[None]:
    """No other process or thread is between the same two lines; the lock dies with its holder.

    Raises:
        BlockingIOError: somebody is, and we may not wait.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if may_wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def _require_ours(path: Path, found: os.stat_result) -> None:
    if found.st_uid not in {os.geteuid(), 0}:
        raise UnsafeFileError(f"{path} belongs to somebody else")
    if found.st_mode & OTHERS:
        mode = stat.S_IMODE(found.st_mode)
        closed = PRIVATE_FOLDER if stat.S_ISDIR(found.st_mode) else PRIVATE_FILE
        raise UnsafeFileError(f"{path} has mode {mode:04o}; it must be {closed:04o}")


def _write_durably(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    # A rename is durable only once the folder that holds the name is.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
