"""A person's name as registered: NFC, one field, family name first; one part is possible."""

import re
import unicodedata

LONGEST_NAME = 200
SPACES = re.compile(r"[ \u00a0\u202f]+")

# Names of the 54 peoples, of foreign residents and of old registers: K'Brêu, Y Moan Ênuôl,
# Jean-Luc, J. R., A·B. Letters and the marks that compose on them are allowed by category.
PUNCTUATION = frozenset(" '\u2018\u2019-\u2010\u2011.,\u00b7/()")


class MalformedName(ValueError):
    """This cannot be a person's name; the text itself is never in the message."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a person's name: {reason}")


def registered_name(text: str) -> str:
    """The one form in which a name is kept and compared: NFC, single spaces.

    Raises:
        MalformedName: empty, too long, without a letter, or with a character that no name has
            (digits, symbols, control and invisible ones).
    """
    name = SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip(" ")
    if not 0 < len(name) <= LONGEST_NAME:
        raise MalformedName(f"between 1 and {LONGEST_NAME} characters")
    if not all(belongs(character) for character in name):
        raise MalformedName("a character that no name has")
    if not any(character.isalpha() for character in name):
        raise MalformedName("no letter")
    return name


def belongs(character: str) -> bool:
    """Whether a name may contain this character."""
    return unicodedata.category(character)[0] in "LM" or character in PUNCTUATION
