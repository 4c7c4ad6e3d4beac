"""What the codes in attribute values mean: our own lists, and ISO 3166-1 for countries."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from babel import Locale

# The catalogue names every code of these; a register that sends another one is mistaken.
CLOSED = frozenset({"sex", "marital_status"})
COUNTRIES = frozenset({"nationality"})  # ISO 3166-1 alpha-2


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one code stands for."""

    vi: str
    en: str


def label(attribute: str, code: str, *, language: str = "vi") -> str:
    """The words for a code, and the code itself where no list has it."""
    if attribute in COUNTRIES:
        return country(code, language)
    meaning = meanings().get((attribute, code))
    if meaning is None:
        return code
    return meaning.en if language == "en" else meaning.vi


def is_allowed(attribute: str, code: str) -> bool:
    """Whether the attribute may have this code: its list is open, or names it."""
    return attribute not in CLOSED or (attribute, code) in meanings()


def country(code: str, language: str) -> str:
    """The name of a country."""
    return str(Locale(language).territories.get(code, code))


@cache
def meanings() -> dict[tuple[str, str], Meaning]:
    """The lists of `codes.csv`, by attribute and code."""
    lists = resources.files(__package__).joinpath("codes.csv").read_text(encoding="utf-8")
    return {
        (row["attribute"], row["code"]): Meaning(row["label_vi"], row["label_en"])
        for row in csv.DictReader(lists.splitlines())
    }
