"""Entry format v1, byte for byte: fixed vectors, because every leaf ever made rests on them."""

import base64
import hashlib
import hmac
import json
from uuid import UUID

import pytest
import time_machine

from identity import entry, sealing
from identity.entry import NOBODY, Who, seal_entry

pytestmark = pytest.mark.usefixtures("app")
KEY_S, KEY_A = bytes(range(32)), bytes(range(32, 64))
SUBJECT = {
    "procedure": "1.004222",
    "attributes": ["full_name"],
    "result": "released",
    "case": "Hồ sơ",
}
SUBJECT_BYTES = (
    '{"attributes":["full_name"],"case":"Hồ sơ","procedure":"1.004222","result":"released"}'
).encode()
ACTOR_BYTES = b"{}"
# Computed apart from our code, with the shell: openssl dgst -sha256 -mac HMAC -macopt hexkey:…
C_SUBJECT = "fbc645f0b62a7a4da6d33e9e969f553990beedad0ddf8c2a4c276f138ca64524"
C_ACTOR = "078d876fa3fe7e781eace4d9a087412d010338b8cc2251d8d9b5bc74332f1f3c"
BODY_COMMIT = "cf247b5854219f199319aa827e222d964c13920d764de09a56fa59f8e64f7fb2"
HER, IT = UUID(int=7), UUID(int=9)
MINUTE = "2026-11-22T03:32:00Z"
BODY64 = "zyR7WFQhnxmTGaqCfiItlkwTkg12TeCaVvpZ+OZPf7I="
LEAF = f"motlan-entry/v1\nattributes:released\n{MINUTE}\n{BODY64}\n".encode()


def test_a_part_is_sorted_compact_utf8_json():
    """Design §7: the commitment is over these very bytes."""
    assert entry.part(SUBJECT) == SUBJECT_BYTES
    assert entry.part({}) == ACTOR_BYTES
    assert entry.part({"b": None, "a": {"z": 1, "y": True}}) == b'{"a":{"y":true,"z":1},"b":null}'


def test_the_commitments_are_those_of_the_vectors():
    subject = entry.commitment(entry.SUBJECT_LABEL, key=KEY_S, stored=SUBJECT_BYTES)
    actor = entry.commitment(entry.ACTOR_LABEL, key=KEY_A, stored=ACTOR_BYTES)

    assert (subject.hex(), actor.hex()) == (C_SUBJECT, C_ACTOR)
    assert entry.body_commit(subject, actor).hex() == BODY_COMMIT


def test_the_labels_are_those_of_the_design():
    assert entry.SUBJECT_LABEL == b"motlan-subject/v1"
    assert entry.ACTOR_LABEL == b"motlan-actor/v1"
    assert entry.BODY_LABEL == b"motlan-body/v1"


def test_the_leaf_is_four_lines_of_text():
    commit = bytes.fromhex(BODY_COMMIT)

    assert entry.leaf("attributes:released", minute=MINUTE, commit=commit) == LEAF


@pytest.fixture
def sealed():
    with time_machine.travel("2026-11-22T03:32:59.9Z", tick=False):
        return seal_entry(
            "attributes:released", Who(HER, HER, IT), subject=SUBJECT, acting={"request": "r-1"}
        )


def test_a_sealed_entry_is_what_the_format_says(sealed):
    ring = sealing.ring()
    key_s = ring.unwrap(sealed.subject_wrapped, sealed.kek_id)
    key_a = ring.unwrap(sealed.actor_wrapped, sealed.kek_id)
    acting = {"at": "2026-11-22T03:32:59.900000+00:00", "request": "r-1"}
    acting |= {"actor_id": HER.hex, "public_service_id": IT.hex}
    acting_bytes = json.dumps(acting, sort_keys=True, separators=(",", ":")).encode()
    subject_bytes = SUBJECT_BYTES.replace(
        b'"procedure"', f'"citizen_id":"{HER.hex}","procedure"'.encode()
    )

    c_subject = hmac.digest(key_s, b"motlan-subject/v1" + subject_bytes, "sha256")
    c_actor = hmac.digest(key_a, b"motlan-actor/v1" + acting_bytes, "sha256")
    commit = hashlib.sha256(b"motlan-body/v1" + c_subject + c_actor).digest()

    assert (sealed.c_subject, sealed.c_actor) == (c_subject, c_actor)
    body = base64.b64encode(commit).decode()
    assert sealed.leaf.decode() == f"motlan-entry/v1\nattributes:released\n{MINUTE}\n{body}\n"


def test_who_is_nobody_is_not_named_in_a_part():
    """A part with nothing to say is `{}`, under its own key."""
    made = seal_entry("key:rotated", Who())
    key = sealing.ring().unwrap(made.subject_wrapped, made.kek_id)

    assert (
        entry.open_part(made.sealed_subject, key, commit=made.c_subject, is_subject=True) == b"{}"
    )


def test_the_minute_is_cut_and_never_rounded_up(sealed):
    assert sealed.minute == MINUTE


def test_each_part_has_a_key_of_its_own_and_each_entry_new_ones():
    """Else a part that says little could be guessed, or compared with another."""
    first, second = seal_entry("x:y", Who()), seal_entry("x:y", Who())
    keys = {
        sealing.ring().unwrap(wrapped, one.kek_id)
        for one in (first, second)
        for wrapped in (one.subject_wrapped, one.actor_wrapped)
    }

    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}
    assert first.c_subject != second.c_subject


def test_nobody_is_the_zero_uuid():
    made = seal_entry("key:rotated", Who())

    assert (made.citizen_id, made.actor_id, made.public_service_id) == (NOBODY, NOBODY, NOBODY)
    assert NOBODY.int == 0


def test_an_entry_stays_small_enough_for_its_bundle(sealed):
    """C2SP tlog-tiles: an entry has a 16-bit length."""
    assert len(sealed.leaf) < 200


class TestAttacker:
    def test_what_is_sealed_does_not_show_in_a_repr(self, sealed):
        assert sealed.subject_wrapped.hex() not in repr(sealed)
        assert repr(sealed.subject_wrapped) not in repr(sealed)

    @pytest.mark.parametrize("side", ["subject", "actor"])
    def test_a_part_does_not_open_as_the_other(self, sealed, side):
        wrapped, stored, commit = (
            (sealed.subject_wrapped, sealed.sealed_subject, sealed.c_subject)
            if side == "subject"
            else (sealed.actor_wrapped, sealed.sealed_actor, sealed.c_actor)
        )
        key = sealing.ring().unwrap(wrapped, sealed.kek_id)
        assert entry.open_part(stored, key, commit=commit, is_subject=side == "subject")

        with pytest.raises(sealing.Unreadable):
            entry.open_part(stored, key, commit=commit, is_subject=side != "subject")

    def test_a_part_sealed_anew_does_not_pass_for_what_was_committed(self, sealed):
        """Who holds the key may write other words, but not under the same commitment."""
        key = sealing.ring().unwrap(sealed.subject_wrapped, sealed.kek_id)
        forged = sealing.seal(
            key, b"{}", table=entry.TABLE, column="sealed_subject", row=sealed.c_subject.hex()
        )

        with pytest.raises(sealing.Unreadable, match="commitment"):
            entry.open_part(forged, key, commit=sealed.c_subject, is_subject=True)

    def test_a_value_with_line_ends_cannot_forge_a_leaf(self):
        """Security case 59: values stand in the sealed part, never in the leaf."""
        made = seal_entry("x:y", Who(), subject={"case": "a\r\nmotlan-entry/v1\n\x00\u202e"})

        assert made.leaf.count(b"\n") == 4
        assert b"\x00" not in entry.part({"case": "\x00"})
