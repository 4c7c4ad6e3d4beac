"""The leaves beside the head: format v1 to the byte, and nothing believed without a root."""

import stat
from hashlib import sha256

import pytest

from consent.audit.leaves import KeptLeaves, LeavesLostError, proven
from consent.audit.tree import Frontier, Head

ORIGIN = "id.example/log/1"
HEADER = b"motlan-leaves/v1\nid.example/log/1\n"
LEAVES = [sha256(bytes([number])).digest() for number in range(12)]


def packed(start, end):
    return b"".join(LEAVES[start:end])


def head(size):
    return Head(size, Frontier().grown(LEAVES[:size]).root())


@pytest.fixture
def kept(tmp_path):
    return KeptLeaves(tmp_path / "log-head.leaves", ORIGIN)


def test_the_format_never_changes(kept):
    """A header of two lines, then 32 bytes a position: a copy can be read with any tool."""
    kept.append(packed(0, 3), at=0)
    kept.append(packed(3, 5), at=3)

    assert kept.path.read_bytes() == HEADER + packed(0, 5)
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert (kept.count(), list(kept.read())) == (5, LEAVES[:5])


def test_a_crashs_rest_is_no_leaf_and_is_written_over(kept):
    kept.append(packed(0, 3), at=0)
    with kept.path.open("ab") as file:
        file.write(packed(7, 9) + b"half of on")

    assert list(kept.read()) == [*LEAVES[:3], *LEAVES[7:9]]
    kept.append(packed(3, 4), at=3)

    assert kept.path.read_bytes() == HEADER + packed(0, 4)


def test_the_first_of_a_log_writes_over_whatever_a_crash_left(kept):
    """Half a header, too: nothing was signed over it yet."""
    kept.path.write_bytes(HEADER[:9])

    kept.append(packed(0, 2), at=0)

    assert kept.path.read_bytes() == HEADER + packed(0, 2)


def test_only_what_a_signed_root_vouches_for_is_proven():
    """The largest head that they give; one that they do not give proves nothing, nor undoes it."""
    signed = [head(8), head(3), Head(10, bytes(32))]

    assert proven(iter(LEAVES), signed) == 8
    assert proven(iter(LEAVES[:7]), signed) == 3
    assert proven(iter([*LEAVES[:5], bytes(32), *LEAVES[6:]]), signed) == 3
    assert proven(iter([bytes(32), *LEAVES[1:]]), signed) == 0
    assert proven(iter(LEAVES), []) == 0


class TestAttacker:
    def test_leaves_are_never_written_behind_a_gap(self, kept):
        kept.append(packed(0, 3), at=0)

        with pytest.raises(LeavesLostError, match="3 of the 5") as refused:
            kept.append(packed(5, 6), at=5)

        assert refused.value.position == 3
        assert kept.count() == 3

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            HEADER[:-1],
            HEADER.replace(b"/v1", b"/v2", 1) + packed(0, 3),
            HEADER.replace(b"id.", b"io.") + packed(0, 3),
            packed(0, 3),
        ],
    )
    def test_another_format_or_log_is_not_read(self, kept, content):
        kept.path.write_bytes(content)

        with pytest.raises(LeavesLostError, match="holds no leaves of this log"):
            kept.require(3)
        assert kept.witness([head(3)]).proven == 0

    def test_a_folder_in_its_place_is_told(self, kept):
        kept.path.mkdir()

        with pytest.raises(LeavesLostError, match="cannot be read"):
            kept.count()

    def test_a_disk_that_lies_is_noticed(self, kept, monkeypatch):
        """Read back before it is believed."""
        kept.append(packed(0, 3), at=0)
        monkeypatch.setattr("identity.files.append", lambda *_, **__: None)

        with pytest.raises(LeavesLostError, match="check its disk"):
            kept.append(packed(3, 4), at=3)
