"""Places: administrative units, each from a day to a day, and what became of them."""

from consent.places.units import (
    Unit,
    above,
    are_known,
    find,
    origins,
    search,
    successors,
)
from consent.places.words import words

__all__ = ["Unit", "above", "are_known", "find", "origins", "search", "successors", "words"]
