"""The Merkle tree, RFC 6962 §2.1: known answers, then every proof of every small tree."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.audit.tree import (
    EMPTY_ROOT,
    Frontier,
    Head,
    Node,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
)

# The eight entries and roots that Certificate Transparency implementations share.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LARGEST = 33


def by_definition(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962 §2.1 defines it, written without any of the code under test."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = by_definition(leaves[:split]), by_definition(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def numbered(size: int) -> list[bytes]:
    return [hashlib.sha256(b"\x00" + str(number).encode()).digest() for number in range(size)]


def nodes_of(leaves: list[bytes]) -> Node:
    return lambda level, index: by_definition(leaves[index << level : (index + 1) << level])


def head_of(leaves: list[bytes]) -> Head:
    return Head(len(leaves), by_definition(leaves) if leaves else EMPTY_ROOT)


LEAVES = numbered(LARGEST)
HEADS = [head_of(LEAVES[:size]) for size in range(LARGEST + 1)]
NODES = nodes_of(LEAVES)


def test_the_empty_tree_has_the_hash_of_nothing():
    """RFC 6962 §2.1: MTH({}) = SHA-256()."""
    assert Frontier().root() == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, len(ENTRIES) + 1))
def test_the_known_roots_are_found(size):
    """The vectors of Certificate Transparency."""
    leaves = [leaf_hash(entry) for entry in ENTRIES[:size]]

    assert Frontier().grown(leaves).root().hex() == ROOTS[size - 1]


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (
            0,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    ],
)
def test_the_known_paths_are_built_and_hold(index, size, path):
    """RFC 6962 §2.1.1, the vectors of Certificate Transparency."""
    leaves = [leaf_hash(entry) for entry in ENTRIES]

    proof = inclusion_proof(index, size, node=nodes_of(leaves))

    assert [each.hex() for each in proof] == path
    assert is_included(leaves[index], index, proof=proof, head=head_of(leaves[:size]))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (1, 1, []),
        (
            6,
            8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)
def test_the_known_consistency_proofs_are_built_and_hold(old, new, path):
    """RFC 6962 §2.1.2, the vectors of Certificate Transparency."""
    leaves = [leaf_hash(entry) for entry in ENTRIES]

    proof = consistency_proof(old, new, node=nodes_of(leaves))

    assert [each.hex() for each in proof] == path
    assert is_consistent(head_of(leaves[:old]), head_of(leaves[:new]), proof=proof)


@given(sizes=st.lists(st.integers(0, 20), max_size=8))
def test_growing_in_steps_is_growing_at_once(sizes):
    """The sequencer adds a few leaves each second; the root must not depend on how many."""
    leaves = numbered(sum(sizes))
    frontier = Frontier()
    for count in sizes:
        added = leaves[frontier.size : frontier.size + count]
        frontier = Frontier.unpacked(frontier.size, frontier.packed()).grown(added)

    assert Head(frontier.size, frontier.root()) == head_of(leaves)


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_leaf_of_every_small_tree_is_proved_and_only_there(size):
    """RFC 6962 §2.1.1: the path proves this leaf, at this place, under this head."""
    for index in range(size):
        proof = inclusion_proof(index, size, node=NODES)

        assert is_included(LEAVES[index], index, proof=proof, head=HEADS[size])
        places = [
            other
            for other in range(size)
            if is_included(LEAVES[index], other, proof=proof, head=HEADS[size])
        ]
        assert places == [index]


@pytest.mark.parametrize("new", range(LARGEST + 1))
def test_every_small_tree_is_consistent_with_all_before_it(new):
    """RFC 6962 §2.1.2."""
    for old in range(new + 1):
        proof = consistency_proof(old, new, node=NODES)

        assert is_consistent(HEADS[old], HEADS[new], proof=proof)


@pytest.mark.parametrize(("size", "packed"), [(2, b""), (1, bytes(31)), (3, bytes(32)), (-1, b"")])
def test_a_frontier_that_no_tree_has_is_refused(size, packed):
    """A damaged row must not grow into a root."""
    with pytest.raises(ValueError, match="hash"):
        Frontier.unpacked(size, packed)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1)])
def test_a_leaf_that_is_not_there_has_no_path(index, size):
    """RFC 6962 §2.1.1: 0 <= m < n."""
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_proof(index, size, node=NODES)


def test_a_tree_cannot_shrink_consistently():
    """RFC 6962 §2.1.2: 0 < m <= n."""
    with pytest.raises(ValueError, match="larger"):
        consistency_proof(3, 2, node=NODES)


class TestAttacker:
    """Case 54: who changes, drops, swaps or invents history is found out."""

    @pytest.mark.parametrize("position", range(LARGEST))
    def test_one_changed_entry_changes_the_root(self, position):
        """Case 54: a changed byte."""
        forged = list(LEAVES)
        forged[position] = leaf_hash(b"forged")

        assert Frontier().grown(forged).root() != HEADS[LARGEST].root

    @pytest.mark.parametrize("kind", ["deleted", "swapped", "inserted", "truncated"])
    def test_rearranged_entries_are_not_consistent_with_the_signed_head(self, kind):
        """Case 54: no honest-looking proof leads from the old head to the forged tree."""
        forged = {
            "deleted": LEAVES[:7] + LEAVES[8:],
            "swapped": [*LEAVES[:7], LEAVES[8], LEAVES[7], *LEAVES[9:]],
            "inserted": [*LEAVES[:7], leaf_hash(b"forged"), *LEAVES[7:]],
            "truncated": LEAVES[:19],
        }[kind]
        old = HEADS[20]

        proof = consistency_proof(min(20, len(forged)), len(forged), node=nodes_of(forged))

        assert not is_consistent(old, head_of(forged), proof=proof)

    def test_two_heads_of_one_size_are_never_consistent(self):
        """Case 56: a fork has the same size and another root."""
        fork = head_of([*LEAVES[:4], leaf_hash(b"fork")])

        assert not is_consistent(HEADS[5], fork, proof=[])

    def test_a_node_does_not_pass_as_a_leaf(self):
        """RFC 6962 §2.1: the two prefixes are there for this."""
        inner = LEAVES[0] + LEAVES[1]

        assert leaf_hash(inner) != node_hash(LEAVES[0], LEAVES[1])

    @pytest.mark.parametrize("change", ["cut", "longer", "flipped", "short hash", "reversed"])
    @pytest.mark.parametrize("index", [0, 5, 31])
    def test_a_changed_path_proves_nothing(self, index, change):
        """A verifier that forgives one of these proves anything (GO-2022-1117)."""
        proof = inclusion_proof(index, LARGEST, node=NODES)
        changed = _changed(proof, change)

        assert not is_included(LEAVES[index], index, proof=changed, head=HEADS[LARGEST])

    @pytest.mark.parametrize("change", ["cut", "longer", "flipped", "short hash", "reversed"])
    @pytest.mark.parametrize("old", [1, 6, 8, 31])
    def test_a_changed_consistency_proof_proves_nothing(self, old, change):
        """The same for consistency."""
        proof = consistency_proof(old, LARGEST, node=NODES)
        changed = _changed(proof, change)

        assert not is_consistent(HEADS[old], HEADS[LARGEST], proof=changed)

    def test_a_proof_for_another_shape_proves_nothing(self):
        """Trees of 17 to 32 give leaf 3 one shape; their signed size tells them apart."""
        proof = inclusion_proof(3, 20, node=NODES)

        believed = {
            size
            for size in range(LARGEST + 1)
            if is_included(LEAVES[3], 3, proof=proof, head=Head(size, HEADS[20].root))
        }

        assert believed == set(range(17, 33))

    def test_a_consistency_proof_for_another_shape_proves_nothing(self):
        """The same for consistency: from 4 to 8 has the shape of 4 to 5, 6 or 7, and no other."""
        proof = consistency_proof(4, 8, node=NODES)

        believed = {
            size
            for size in range(5, LARGEST + 1)
            if is_consistent(HEADS[4], Head(size, HEADS[8].root), proof=proof)
        }

        assert believed == {5, 6, 7, 8}

    def test_a_step_that_is_no_hash_proves_nothing(self):
        """Even where it would add up: a node has two sides of 32 bytes."""
        short, leaf = b"short", LEAVES[0]
        forged = Head(2, node_hash(leaf, short))

        assert not is_included(leaf, 0, proof=[short], head=forged)
        assert not is_consistent(Head(1, leaf), forged, proof=[short])

    def test_nothing_is_proved_of_an_empty_tree_but_itself(self):
        """A verifier must not take size 0 for 'anything goes'."""
        assert not is_consistent(Head(0, bytes(32)), HEADS[3], proof=[])
        assert not is_consistent(HEADS[0], HEADS[3], proof=[LEAVES[0]])
        assert not is_included(LEAVES[0], 0, proof=[], head=HEADS[0])


def _changed(proof: list[bytes], change: str) -> list[bytes]:
    return {
        "cut": proof[:-1],
        "longer": [*proof, bytes(32)],
        "flipped": [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]],
        "short hash": [proof[0][:-1], *proof[1:]],
        "reversed": proof[::-1],
    }[change]
