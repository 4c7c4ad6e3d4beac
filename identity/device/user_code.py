"""The code that a person types from a screen: eight letters, none of which makes words (§6.1)."""

import re
import secrets

from identity import sealing

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 §6.1: no vowels, and nothing that looks like a digit
LENGTH, GROUP = 8, 4
_BETWEEN = re.compile(r"[\s.\u2010-\u2014-]+")


def new() -> str:
    """A code as the device shows it: `BCDF-GHJK`, of 20 to the eighth."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return f"{letters[:GROUP]}-{letters[GROUP:]}"


def typed(text: str) -> str | None:
    """The code that somebody typed, in either case, with or without its dash; null: it is none."""
    letters = _BETWEEN.sub("", text).upper()
    if len(letters) != LENGTH or set(letters) - set(ALPHABET):
        return None
    return f"{letters[:GROUP]}-{letters[GROUP:]}"


def digest(code: str) -> bytes:
    """What is kept of it, keyed: whoever reads the table cannot try all codes."""
    return sealing.ring().mac("user-code", code.encode())
