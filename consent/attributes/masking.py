"""How values are covered on pages until somebody asks to see them."""

from consent.attributes import catalogue
from consent.attributes.catalogue import PERSONAL_NUMBER
from consent.attributes.envelopes import Value

COVER = "•"
LEFT_OPEN = 3  # digits at the end, enough to recognise one's own number


def is_covered(name: str) -> bool:
    """Whether a page shows the value only behind `<details>`."""
    attribute = catalogue.attribute(name)
    return name == PERSONAL_NUMBER or attribute.is_like_number or attribute.is_sensitive


def masked(value: Value, language: str = "vi") -> str:
    """The text of a value on a page, covered where it must be."""
    shown = value.shown(language)
    if not is_covered(value.name):
        return shown
    if catalogue.attribute(value.name).is_sensitive:
        return COVER * 6  # not even its length
    return covered(shown)


def covered(text: str) -> str:
    """Everything but the end of a number; a short one is covered whole."""
    kept = LEFT_OPEN if len(text) > 2 * LEFT_OPEN else 0
    return COVER * (len(text) - kept) + text[len(text) - kept :]
