"""What is signed when a log is closed. Format motlan-log-closed/v1, a C2SP note, never changes.

The lines: format, origin of the closed log, its last size and root, origin of the log that follows,
how many entries that one has in common with it, the moment (RFC 3339).
"""

from base64 import b64encode
from dataclasses import dataclass

from consent.audit import notes
from consent.audit.tree import Head
from identity.log_keys import LogKey

FORMAT = "motlan-log-closed/v1"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A log ended: everybody who holds a head of it can see what of it goes on."""

    closed: str
    last: Head
    opened: str
    kept: int
    minute: str

    def text(self) -> str:
        """The lines."""
        root = b64encode(self.last.root).decode()
        told = (FORMAT, self.closed, self.last.size, root, self.opened, self.kept, self.minute)
        return "".join(f"{line}\n" for line in told)

    def signed(self, key: LogKey) -> bytes:
        """The note, by the key under the closed log's own name.

        Raises:
            NoteError: the key is another log's.
        """
        if key.name != self.closed:
            raise notes.NoteError("this key signs for another log")
        return notes.sign(self.text(), key)
