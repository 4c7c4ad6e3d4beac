"""Codes that are printed and typed again: four groups of four digits, for every keypad.

Sixteen random digits are 53 bits. That is too much to guess through the pages' budgets, and they
are stored under a keyed digest, so the table alone does not help anybody to search for them.
"""

import re
import secrets
import uuid

from identity import sealing
from identity.citizens.national_id import SEPARATORS

GROUPS, DIGITS = 4, 4
_WRITTEN = re.compile(f"[0-9]{{{GROUPS * DIGITS}}}")


def new() -> str:
    """A code as it is printed: `4821 9037 5512 7744`."""
    groups = (f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}" for _ in range(GROUPS))
    return " ".join(groups)


def typed(text: str) -> str | None:
    """The sixteen digits, grouped as people like; null: this is no such code."""
    digits = text.strip().translate(SEPARATORS)
    return digits if _WRITTEN.fullmatch(digits) else None


def digests(owner: uuid.UUID, code: str, *, purpose: str) -> tuple[bytes, ...]:
    """Under which digests one person's code may stand, the one of today first."""
    told = f"{owner.hex}:{code.translate(SEPARATORS)}"
    return tuple(digest for _, digest in sealing.ring().blind_indexes(told, purpose))
