"""Sealing (design §7, keys in two layers): what is bound to what, and which key does it now."""

import base64
import json
import secrets
import uuid

import pytest

from identity import sealing
from identity.sealing import KeyRing, RingFault, Unreadable
from tests.installations import installed

PLACE = {"table": "citizen", "column": "identity", "row": "7"}


def keys(family, *ids):
    return {key_id: secrets.token_bytes(32) for key_id in ids or (f"{family}-1",)}


def a_ring(**families):
    """A ring with one key a family, but for the families that are told."""
    return KeyRing({family: keys(family) for family in sealing.FAMILIES} | families)


def grown(ring, family):
    """The ring after a rotation of one family: a newer key stands first."""
    newer = keys(family, f"{family}-newer") | ring.families[family]
    return KeyRing(ring.families | {family: newer})


class TestFields:
    def test_what_was_sealed_is_read_again_in_its_place(self):
        key = sealing.new_data_key()

        sealed = sealing.seal(key, b"012345678901", **PLACE)

        assert sealing.open_sealed(key, sealed, **PLACE) == b"012345678901"
        assert b"0123" not in sealed

    def test_the_same_value_never_looks_the_same_twice(self):
        key = sealing.new_data_key()

        assert sealing.seal(key, b"Lan", **PLACE) != sealing.seal(key, b"Lan", **PLACE)

    @pytest.mark.parametrize("part", PLACE)
    def test_moved_to_another_table_column_or_row_it_cannot_be_read(self, part):
        key = sealing.new_data_key()
        sealed = sealing.seal(key, b"Lan", **PLACE)

        with pytest.raises(Unreadable):
            sealing.open_sealed(key, sealed, **PLACE | {part: "another"})

    def test_words_do_not_run_into_each_other(self):
        """`ab` in `c` is not `a` in `bc`."""
        key = sealing.new_data_key()
        sealed = sealing.seal(key, b"Lan", table="ab", column="c", row="1")

        with pytest.raises(Unreadable):
            sealing.open_sealed(key, sealed, table="a", column="bc", row="1")

    def test_with_another_key_it_cannot_be_read_and_the_error_tells_only_the_place(self):
        sealed = sealing.seal(sealing.new_data_key(), b"Lan", **PLACE)

        with pytest.raises(Unreadable) as told:
            sealing.open_sealed(sealing.new_data_key(), sealed, **PLACE)

        assert str(told.value) == "citizen.identity cannot be opened"

    def test_no_bit_of_it_can_be_changed_and_no_end_cut(self):
        key = sealing.new_data_key()
        sealed = sealing.seal(key, b"Lan", **PLACE)
        flipped = [
            sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
            for place in range(len(sealed))
        ]

        for changed in [*flipped, *(sealed[:size] for size in range(len(sealed)))]:
            with pytest.raises(Unreadable):
                sealing.open_sealed(key, changed, **PLACE)


class TestDataKeys:
    def test_a_data_key_is_wrapped_by_the_newest_and_an_older_one_still_opens(self):
        before, data_key = a_ring(), sealing.new_data_key()
        old, old_id = before.wrap(data_key)

        after = grown(before, "kek")
        new, new_id = after.wrap(data_key)

        assert (old_id, new_id) == ("kek-1", "kek-newer")
        assert after.unwrap(old, old_id) == after.unwrap(new, new_id) == data_key

    def test_under_another_wrapping_key_it_stays_closed(self):
        ring = a_ring(kek=keys("kek", "a", "b"))
        wrapped, _ = ring.wrap(sealing.new_data_key())

        for kek_id in ("b", "gone"):
            with pytest.raises(Unreadable):
                ring.unwrap(wrapped, kek_id)

    @pytest.mark.parametrize(
        "change", [lambda raw: raw[:-1], lambda raw: raw[:0], lambda raw: raw[::-1]]
    )
    def test_changed_or_cut_it_stays_closed(self, change):
        ring = a_ring()
        wrapped, kek_id = ring.wrap(sealing.new_data_key())

        with pytest.raises(Unreadable):
            ring.unwrap(change(wrapped), kek_id)


class TestBlindIndexes:
    def test_a_value_is_looked_for_under_every_active_key_newest_first(self):
        before = a_ring()
        after = grown(before, "index")

        found = after.blind_indexes("012345678901", "national-id")

        assert [key_id for key_id, _ in found] == ["index-newer", "index-1"]
        assert found[1:] == before.blind_indexes("012345678901", "national-id")
        assert len({digest for _, digest in found}) == 2

    def test_another_value_or_purpose_or_installation_has_another_digest(self):
        ring = a_ring()
        digests = {
            maker.blind_indexes(value, purpose)[0][1]
            for maker in (ring, a_ring())
            for value in ("012345678901", "012345678902")
            for purpose in ("national-id", "phone")
        }

        assert len(digests) == 8


class TestMacs:
    def test_the_newest_key_makes_it_and_any_key_of_the_ring_knows_it(self):
        before = a_ring()
        old = before.mac("client-secret", b"s3cret")

        after = grown(before, "mac")

        assert after.mac("client-secret", b"s3cret") != old
        assert after.is_mac("client-secret", b"s3cret", claimed=old)

    def test_another_purpose_text_or_key_is_not_known(self):
        ring = a_ring()
        made = ring.mac("client-secret", b"s3cret")

        assert not ring.is_mac("form", b"s3cret", claimed=made)
        assert not ring.is_mac("client-secret", b"s3creT", claimed=made)
        assert not a_ring().is_mac("client-secret", b"s3cret", claimed=made)
        assert not ring.is_mac("client-secret", b"s3cret", claimed=b"")


class TestTokens:
    def test_a_token_is_read_under_its_own_purpose_only(self):
        ring = a_ring()
        text = ring.seal_token("vn_ref", b"\x00payload")

        assert ring.open_token("vn_ref", text) == b"\x00payload"
        with pytest.raises(Unreadable):
            ring.open_token("session", text)

    def test_a_token_from_before_a_rotation_is_still_read(self):
        before = a_ring()
        old = before.seal_token("vn_ref", b"p")

        after = grown(before, "token")

        assert after.open_token("vn_ref", old) == b"p"
        with pytest.raises(Unreadable):
            before.open_token("vn_ref", after.seal_token("vn_ref", b"p"))

    def test_each_is_fresh_and_fit_for_a_url(self):
        ring = a_ring()
        texts = {ring.seal_token("vn_ref", b"p") for _ in range(50)}

        assert len(texts) == 50
        assert all(text.replace("-", "").replace("_", "").isalnum() for text in texts)

    @pytest.mark.parametrize("text", ["", "A", "****", "ữ", "AAAA", "A" * 4_000, "\ud800", "a b"])
    def test_anything_else_is_unreadable_and_no_accident(self, text):
        with pytest.raises(Unreadable):
            a_ring().open_token("vn_ref", text)

    def test_no_character_of_it_can_be_changed(self):
        ring = a_ring()
        text = ring.seal_token("vn_ref", b"payload!")

        for place in range(len(text)):
            other = "A" if text[place] != "A" else "B"
            with pytest.raises(Unreadable):
                ring.open_token("vn_ref", text[:place] + other + text[place + 1 :])

    @pytest.mark.parametrize("more", ["=", "==", "A"])
    def test_one_content_has_one_spelling(self, more):
        """Whoever may spell freely has many texts of one, and a digest for each."""
        ring = a_ring()
        text = ring.seal_token("vn_ref", b"p")

        with pytest.raises(Unreadable):
            ring.open_token("vn_ref", text + more)

    def test_no_bit_behind_the_last_byte_can_be_changed(self):
        """Of 29 bytes the last character has two bits to spare."""
        ring = a_ring()
        text = ring.seal_token("vn_ref", b"p")
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        last = letters.index(text[-1])

        assert last % 4 == 0
        for spare in (1, 2, 3):
            with pytest.raises(Unreadable):
                ring.open_token("vn_ref", text[:-1] + letters[last + spare])


@pytest.fixture
def folder(tmp_path):
    """The secrets of an installation that has a ring."""
    sealing.forget()
    with installed(tmp_path) as settings:
        sealing.create(settings.secrets)
        yield settings.secrets
    sealing.forget()


@pytest.mark.usefixtures("folder")
class TestHandles:
    def test_a_handle_yields_its_owner_and_the_digest_it_is_stored_under(self):
        owner = uuid.uuid4()

        text, digest = sealing.new_handle(owner, "code")

        assert sealing.open_handle(text, "code") == (owner, digest)
        assert digest == sealing.digest(text)
        assert owner.hex not in text

    def test_two_handles_of_one_owner_are_different(self):
        owner = uuid.uuid4()

        assert sealing.new_handle(owner, "code")[1] != sealing.new_handle(owner, "code")[1]

    def test_a_handle_of_another_purpose_opens_nothing(self):
        text, _ = sealing.new_handle(uuid.uuid4(), "code")

        with pytest.raises(Unreadable):
            sealing.open_handle(text, "refresh")


class TestTheRingsFile:
    def test_it_is_made_once_closed_to_others_and_read_as_it_was_made(self, folder):
        path = folder / sealing.RING_FILE
        before = path.read_bytes()

        assert not sealing.create(folder)

        assert path.read_bytes() == before
        assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
        assert set(sealing.ring().families) == set(sealing.FAMILIES)

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
    def test_a_file_or_folder_that_others_may_enter_is_refused(self, folder, mode):
        (folder / sealing.RING_FILE).chmod(mode)
        with pytest.raises(RingFault, match="chmod"):
            sealing.ring()

        (folder / sealing.RING_FILE).chmod(0o600)
        folder.chmod(mode | 0o100)
        with pytest.raises(RingFault, match="chmod"):
            sealing.ring()

    def test_a_missing_one_says_what_to_type(self, folder):
        (folder / sealing.RING_FILE).unlink()

        with pytest.raises(RingFault, match="motlan secrets init"):
            sealing.ring()

    def test_a_ring_that_was_never_mended_is_refused_again_and_a_mended_one_read(self, folder):
        path = folder / sealing.RING_FILE
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        for _ in range(2):
            with pytest.raises(RingFault):
                sealing.ring()

        path.write_bytes(whole)

        assert sealing.ring().newest("kek")

    @pytest.mark.parametrize("family", sealing.FAMILIES)
    @pytest.mark.parametrize(
        "entries",
        [
            None,
            [],
            "text",
            [{"id": "x"}],
            [{"key": base64.b64encode(bytes(32)).decode()}],
            [{"id": "x", "key": "not base64!"}],
            [{"id": "x", "key": base64.b64encode(bytes(31)).decode()}],
            [{"id": "x", "key": base64.b64encode(bytes(32)).decode()}] * 2,
            [7],
        ],
        ids=range(9),
    )
    def test_a_damaged_one_is_refused_in_one_line_without_a_key(self, folder, family, entries):
        path = folder / sealing.RING_FILE
        content = json.loads(path.read_text())
        content["families"][family] = entries
        path.write_text(json.dumps(content))

        with pytest.raises(RingFault) as told:
            sealing.ring()

        assert str(told.value) == "key-ring.json is damaged: restore it from the backup"

    @pytest.mark.parametrize(
        "content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"families": 1}']
    )
    def test_a_file_that_is_no_ring_is_refused(self, folder, content):
        (folder / sealing.RING_FILE).write_bytes(content)

        with pytest.raises(RingFault, match="damaged"):
            sealing.ring()

    def test_the_words_of_a_ring_show_no_key(self, folder):
        ring = sealing.ring()

        assert ring.newest("kek")[1].hex() not in repr(ring)
        assert repr(ring) == "KeyRing()"
        assert folder.exists()
