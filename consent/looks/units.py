"""When two names mean one unit: nobody answers for their own by another spelling of it."""

import unicodedata

from identity.factors.password_rules import unaccented


def is_same(one: str, other: str) -> bool:
    """Whether two names are one unit's, whatever their case, spaces and marks."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    # NFKC first: a no-break space or a full-width letter is no other name.
    return " ".join(unaccented(unicodedata.normalize("NFKC", name)).casefold().split())
