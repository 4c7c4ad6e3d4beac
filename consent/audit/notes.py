"""Signed notes and checkpoints of the access log, C2SP signed-note and tlog-checkpoint v1."""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from consent.audit.tree import HASH_BYTES, Head
from identity.log_keys import ED25519, KEY_ID_BYTES, note_key_id

MOST_BYTES = 1_000_000
MOST_SIGNATURES = 100  # the specification asks for at least 16
ED25519_PUBLIC_BYTES = 32

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIGNATURE_LINE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})")
_VERIFIER_KEY = re.compile(
    r"(?P<name>[^\s+]+)\+(?P<key_id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]+={0,2})"
)
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_CHECKPOINT_LINES = 3


class NoteError(Exception):
    """A note, checkpoint or verifier key that says nothing we may believe."""


class Signer(Protocol):
    """Who can sign a note: `identity.log_keys.LogKey`, later a key in hardware."""

    @property
    def name(self) -> str:
        """The key name: URL-like, no spaces, no plus sign."""

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature over the note's text."""


@dataclass(frozen=True)
class Verifier:
    """A key that we know by name: what it signs, we believe."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return note_key_id(self.name, self.public)

    @classmethod
    def read(cls, text: str) -> Self:
        """The key of a verifier key text, `name+hex(key id)+base64(type ‖ public key)`.

        Raises:
            NoteError: not such a text, another type than Ed25519, or its key id is not its own.
        """
        parts = _VERIFIER_KEY.fullmatch(text)
        if parts is None:
            raise NoteError("this is not a verifier key")
        key = _from_base64(parts["key"])
        if key[:1] != ED25519 or len(key) != 1 + ED25519_PUBLIC_BYTES:
            raise NoteError("only Ed25519 verifier keys are known here")
        verifier = cls(parts["name"], key[1:])
        if verifier.key_id.hex() != parts["key_id"]:
            raise NoteError("the key id does not belong to this name and key")
        return verifier

    def text(self) -> str:
        """The verifier key text, to publish."""
        key = b64encode(ED25519 + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def is_signed(self, message: bytes, signature: bytes) -> bool:
        """The signature over the message is of this key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def sign(text: str, *signers: Signer) -> bytes:
    """The note: the text, an empty line, and one signature line for each signer.

    Raises:
        NoteError: the text does not end its last line, or holds control characters.
    """
    _check_text(text)
    lines = [_signature_line(each, text.encode()) for each in signers]
    return f"{text}\n{''.join(lines)}".encode()


def read(note: bytes, known: Sequence[Verifier]) -> str:
    """The text of a note, if at least one known key signed it and none of them falsely.

    Signatures of unknown keys are ignored, as the specification wants.

    Raises:
        NoteError: malformed, no valid signature of a known key, or a false one: a known key
            whose signature fails spoils the whole note.
    """
    text, lines = _parted(note)
    by_key = {(each.name, each.key_id): each for each in known}
    valid = 0
    for line in lines:
        name, signature = _read_signature_line(line)
        verifier = by_key.get((name, signature[:KEY_ID_BYTES]))
        if verifier is None:
            continue
        if not verifier.is_signed(text.encode(), signature[KEY_ID_BYTES:]):
            raise NoteError("a known key's signature is false")
        valid += 1
    if not valid:
        by = ", ".join(sorted({repr(_read_signature_line(line)[0]) for line in lines}))
        here = ", ".join(sorted({repr(each.name) for each in known}))
        raise NoteError(f"no known key signed this: it is signed as {by}, known here is {here}")
    return text


@dataclass(frozen=True)
class Checkpoint:
    """The head of a log as it is signed: three lines, no extension lines, ever."""

    origin: str
    head: Head

    def text(self) -> str:
        """The three lines: origin, size, base64 root."""
        return f"{self.origin}\n{self.head.size}\n{b64encode(self.head.root).decode()}\n"

    @classmethod
    def read(cls, text: str) -> Self:
        """The checkpoint of a note's text.

        Raises:
            NoteError: not the three lines exactly as `text` writes them.
        """
        lines = text.split("\n")
        if len(lines) != _CHECKPOINT_LINES + 1 or not lines[0] or lines[-1]:
            raise NoteError("a checkpoint has three lines")
        origin, size, root = lines[:_CHECKPOINT_LINES]
        if not _SIZE.fullmatch(size):
            raise NoteError("the size of a checkpoint is a plain number")
        head = Head(int(size), _from_base64(root))
        if len(head.root) != HASH_BYTES:
            raise NoteError("the root of a checkpoint has 32 bytes")
        return cls(origin, head)


def sign_checkpoint(checkpoint: Checkpoint, log_key: Signer) -> bytes:
    """The signed checkpoint. The key is named after the log, so a head cannot change logs.

    Raises:
        NoteError: the key is another log's.
    """
    if log_key.name != checkpoint.origin:
        raise NoteError("this key signs for another log")
    return sign(checkpoint.text(), log_key)


def read_checkpoint(note: bytes, log: Verifier) -> Checkpoint:
    """The checkpoint that this very log signed.

    Raises:
        NoteError: malformed, not signed by the log, or about another log.
    """
    checkpoint = Checkpoint.read(read(note, [log]))
    if checkpoint.origin != log.name:
        raise NoteError("this checkpoint is another log's")
    return checkpoint


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteError("a note ends its last line")
    if _CONTROL.search(text):
        raise NoteError("a note has no control characters but line ends")


def _signature_line(signer: Signer, message: bytes) -> str:
    signature = b64encode(signer.key_id + signer.sign(message)).decode()
    line = f"— {signer.name} {signature}"
    if not _SIGNATURE_LINE.fullmatch(line):
        raise NoteError("a key name has no spaces and no plus sign")
    return f"{line}\n"


def _parted(note: bytes) -> tuple[str, list[str]]:
    if len(note) > MOST_BYTES:
        raise NoteError("the note is too long")
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise NoteError("a note is UTF-8") from None
    text, gap, signatures = whole.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise NoteError("a note ends with signature lines")
    _check_text(f"{text}\n")
    lines = signatures[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteError("the note has too many signatures")
    return f"{text}\n", lines


def _read_signature_line(line: str) -> tuple[str, bytes]:
    parts = _SIGNATURE_LINE.fullmatch(line)
    if parts is None:
        raise NoteError("a signature line is malformed")
    signature = _from_base64(parts["signature"])
    if len(signature) <= KEY_ID_BYTES:
        raise NoteError("a signature is missing")
    return parts["name"], signature


def _from_base64(text: str) -> bytes:
    try:
        content = b64decode(text, validate=True)
    except NotBase64:
        raise NoteError("base64 is malformed") from None
    if b64encode(content).decode() != text:
        raise NoteError("base64 has stray bits")  # one value, one spelling
    return content
