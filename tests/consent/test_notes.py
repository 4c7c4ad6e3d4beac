"""Signed notes and checkpoints, C2SP signed-note and tlog-checkpoint v1."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.audit.notes import (
    Checkpoint,
    NoteError,
    Verifier,
    read,
    read_checkpoint,
    sign,
    sign_checkpoint,
)
from consent.audit.tree import EMPTY_ROOT, Head
from identity.log_keys import LogKey

# The example keys and note of golang.org/x/mod/sumdb/note, where the format comes from.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
NEUMANN_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NEUMANN_NOTE = (
    f"{NEUMANN_TEXT}\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvq"
    "fqdngotpRZb6KE6RyyBwJnAM=\n"
)
ORIGIN = "id.example/log/1"


def a_key(name: str = ORIGIN, number: int = 1) -> LogKey:
    return LogKey(name, Ed25519PrivateKey.from_private_bytes(sha256(bytes([number])).digest()))


def of(key: LogKey) -> Verifier:
    return Verifier(key.name, key.public)


@dataclass(frozen=True)
class AnOddSigner:
    name: str
    key_id: bytes = b"abcd"

    def sign(self, message: bytes) -> bytes:
        return sha256(message).digest() * 2


def test_the_example_note_is_believed():
    """C2SP signed-note; the example of the package that it describes."""
    assert read(NEUMANN_NOTE.encode(), [Verifier.read(NEUMANN)]) == NEUMANN_TEXT


def test_the_example_note_is_signed_to_the_byte():
    """Ed25519 is deterministic, so ours must equal theirs."""
    seed = b64decode(NEUMANN_SECRET)[1:]
    signer = LogKey("PeterNeumann", Ed25519PrivateKey.from_private_bytes(seed))

    assert sign(NEUMANN_TEXT, signer) == NEUMANN_NOTE.encode()


@pytest.mark.parametrize(
    "text",
    [
        NEUMANN,
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
    ],
)
def test_known_verifier_keys_are_read_and_written(text):
    """The key id is SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]."""
    assert Verifier.read(text).text() == text


def test_a_checkpoint_is_three_lines():
    """C2SP tlog-checkpoint: origin, size without leading zeros, base64 root."""
    empty = Checkpoint(ORIGIN, Head(0, EMPTY_ROOT))

    assert empty.text() == f"{ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert Checkpoint.read(empty.text()) == empty


def test_a_signed_checkpoint_is_read_back():
    """The key is named after the log."""
    checkpoint = Checkpoint(ORIGIN, Head(70_000, sha256(b"root").digest()))

    note = sign_checkpoint(checkpoint, a_key())

    assert read_checkpoint(note, of(a_key())) == checkpoint


def test_signatures_of_strangers_are_ignored():
    """C2SP signed-note: unknown keys are no reason to refuse."""
    ours, theirs = a_key(), a_key("witness.example/w", 2)

    note = sign("news\n", theirs, ours)

    assert read(note, [of(ours)]) == "news\n"


def test_sixteen_signatures_are_accepted():
    """C2SP signed-note asks for at least that."""
    witnesses = [a_key(f"witness.example/{number}", number) for number in range(15)]

    note = sign("news\n", *witnesses, a_key(number=99))

    assert read(note, [of(a_key(number=99))]) == "news\n"


def test_an_empty_line_inside_the_text_is_kept():
    """Only the last empty line parts text and signatures."""
    text = "one\n\nthree\n"

    assert read(sign(text, a_key()), [of(a_key())]) == text


class TestAttacker:
    """Cases 54 and 56: a head that the log did not sign is no head."""

    def test_a_changed_text_is_refused(self):
        """Case 54: a changed byte."""
        note = sign("size 7\n", a_key()).replace(b"7", b"8", 1)

        with pytest.raises(NoteError, match="false"):
            read(note, [of(a_key())])

    def test_one_false_signature_of_a_known_key_spoils_the_note(self):
        """C2SP signed-note: also beside a good one."""
        good = sign("news\n", a_key())
        name, false = (
            a_key("witness.example/w", 2),
            b64encode(a_key("witness.example/w", 2).key_id + bytes(64)),
        )
        note = good + f"— {name.name} {false.decode()}\n".encode()

        assert read(note, [of(a_key())]) == "news\n"
        with pytest.raises(NoteError, match="false"):
            read(note, [of(a_key()), of(name)])

    def test_the_refusal_says_whose_log_it_is(self):
        """Who forgot MOTLAN_ISSUER reads two names, and neither of them drives the terminal."""
        dressed = sign("news\n", a_key("localhost:8200/log/1")).replace(b"8200/", b"8200/\x1b[2J")

        with pytest.raises(NoteError) as refused:
            read(dressed, [of(a_key("localhost:8000/log/1"))])

        assert "'localhost:8200/\\x1b[2Jlog/1'" in str(refused.value)
        assert "'localhost:8000/log/1'" in str(refused.value)

    def test_a_stranger_of_the_same_name_is_not_the_log(self):
        """The key id tells keys of one name apart, and it is not taken on trust."""
        stranger = a_key(number=2)
        dressed = sign("news\n", stranger).replace(
            b64encode(stranger.key_id + b"xx")[:5], b64encode(a_key().key_id + b"xx")[:5]
        )

        with pytest.raises(NoteError, match="no known key"):
            read(sign("news\n", stranger), [of(a_key())])
        with pytest.raises(NoteError, match=r"false|no known key"):
            read(dressed, [of(a_key())])

    def test_a_head_of_another_log_is_refused(self):
        """A key of two logs, or a head moved from one to the other."""
        elsewhere = Checkpoint("other.example/log/1", Head(1, bytes(32)))

        with pytest.raises(NoteError, match="another log"):
            sign_checkpoint(elsewhere, a_key())
        with pytest.raises(NoteError, match="another log"):
            read_checkpoint(sign(elsewhere.text(), a_key()), of(a_key()))

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda note: note[:-1],
            lambda note: note.replace(b"\n\n", b"\n", 1),
            lambda note: note.replace("—".encode(), b"-"),
            lambda note: note.replace(b"=\n", b"\n"),
            lambda note: note + b"\n",
            lambda note: b"\xff" + note,
            lambda note: b"\x07" + note,
            lambda note: b"x" * 1_000_001 + note,
            lambda note: note + note.rpartition(b"\n\n")[2] * 100,
            lambda note: note.rpartition(b"\n\n")[0] + b"\n\n",
            lambda note: note.rpartition(b"\n\n")[0] + "\n\n— a b\n".encode(),
            lambda note: note.rpartition(b"\n\n")[0] + "\n\n— a AAAA\n".encode(),
            lambda note: note.rpartition(b"\n\n")[0] + "\n\n— a AAAAAAE=\n— b AAAAAAF=\n".encode(),
            lambda _: b"",
        ],
    )
    def test_a_malformed_note_is_refused(self, spoil):
        """Anything that could be read in two ways is not read."""
        note = sign("news\n", a_key())

        spoilt = spoil(note)

        with pytest.raises(NoteError):
            read(spoilt, [of(a_key())])

    @pytest.mark.parametrize(
        "text",
        [
            f"{ORIGIN}\n07\n{b64encode(bytes(32)).decode()}\n",
            f"{ORIGIN}\n-1\n{b64encode(bytes(32)).decode()}\n",
            f"{ORIGIN}\n٧\n{b64encode(bytes(32)).decode()}\n",
            f"{ORIGIN}\n7\n{b64encode(bytes(31)).decode()}\n",
            f"{ORIGIN}\n7\n{b64encode(bytes(32)).decode()}\nmore\n",
            f"{ORIGIN}\n7\n{b64encode(bytes(32)).decode()[:-2]}B=\n",
            f"{ORIGIN}\n7\n",
            f"\n7\n{b64encode(bytes(32)).decode()}\n",
            f"{ORIGIN}\n{'9' * 20}\n{b64encode(bytes(32)).decode()}\n",
        ],
    )
    def test_a_malformed_checkpoint_is_refused_though_signed(self, text):
        """C2SP tlog-checkpoint; extension lines are none of ours."""
        with pytest.raises(NoteError):
            read_checkpoint(sign(text, a_key()), of(a_key()))

    @pytest.mark.parametrize("text", ["no line end", "bell\x07\n", "tab\t\n", "cr\r\n"])
    def test_a_text_that_no_one_could_read_back_is_not_signed(self, text):
        """C2SP signed-note: no control characters, every line ended."""
        with pytest.raises(NoteError):
            sign(text, a_key())

    @pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nend", "thin\u2009space"])
    def test_a_key_name_that_breaks_the_line_is_not_signed_with(self, name):
        """C2SP signed-note: no spaces, no plus sign."""
        with pytest.raises(NoteError):
            sign("news\n", AnOddSigner(name))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "name",
            NEUMANN.replace("c74f20a3", "c74f20a4"),
            NEUMANN.replace("c74f20a3", "C74F20A3"),
            NEUMANN.replace("PeterNeumann", "PeterNewmann"),
            NEUMANN.replace("+ARpc", "+Bhpc"),
            NEUMANN[:-4],
        ],
    )
    def test_a_verifier_key_that_is_not_its_own_is_refused(self, text):
        """A mistyped policy must not name another key."""
        with pytest.raises(NoteError):
            Verifier.read(text)
