"""How dates, times, money, phones and names are written on pages, Vietnamese first."""

import unicodedata
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

import phonenumbers

from identity.clock import VIETNAM

MERGER_DAY = date(2025, 7, 1)  # two levels of government from this day: no district any more

# The order of the Vietnamese dictionary: letters first, then tones (level, huyền, hỏi, ngã, sắc,
# nặng). The four Latin letters it lacks stand where the Latin alphabet has them.
LETTERS = {
    letter: place for place, letter in enumerate("aăâbcdđeêfghijklmnoôơpqrstuưvwxyz", start=1)
}
TONES = {tone: place for place, tone in enumerate("\u0300\u0309\u0303\u0301\u0323", start=1)}

Person = TypeVar("Person")
Thing = TypeVar("Thing")
SyllableKey = tuple[tuple[int, ...], int]
WordsKey = tuple[tuple[SyllableKey, ...], str]
NameKey = tuple[SyllableKey, SyllableKey, tuple[SyllableKey, ...], str]


def day(on: date) -> str:
    """09/03/1952."""
    return f"{on.day:02d}/{on.month:02d}/{on.year:04d}"


def moment(at: datetime, *, language: str = "vi") -> str:
    """10:32 ngày 22/11/2026, on the clock of Vietnam.

    Raises:
        ValueError: the time has no zone, so it names no moment.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be shown")
    local = at.astimezone(VIETNAM)
    joined = "ngày" if language == "vi" else "on"
    return f"{local:%H:%M} {joined} {day(local.date())}"


def number(value: int | Decimal, *, language: str = "vi") -> str:
    """1.234.567 and 72,5; in English 1,234,567 and 72.5."""
    text = f"{value:,}"
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))


def money(dong: int, *, language: str = "vi") -> str:
    """1.250.000 đồng; in English 1,250,000 VND."""
    return f"{number(dong, language=language)} {'VND' if language == 'en' else 'đồng'}"


def phone(e164: str) -> str:
    """0912 345 678; a number of another country keeps its country code."""
    parsed = phonenumbers.parse(e164)
    own = parsed.country_code == phonenumbers.country_code_for_region("VN")
    form = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, form.NATIONAL if own else form.INTERNATIONAL)


def address(
    text: str, *, formerly: str = "", changed_on: date = MERGER_DAY, language: str = "vi"
) -> str:
    """The place of today, and in brackets its name before it changed; as a rule at the merger."""
    before = "before" if language == "en" else "trước"
    return f"{text} ({before} {day(changed_on)}: {formerly})" if formerly else text


def name_key(name: str) -> NameKey:
    """Orders people as Vietnamese lists do: by tên (last part), then họ (first), then the rest."""
    syllables = [syllable_key(part) for part in unicodedata.normalize("NFC", name).split()]
    if not syllables:
        return ((), 0), ((), 0), (), name
    family, middle = (syllables[0], syllables[1:-1]) if syllables[1:] else (((), 0), [])
    return syllables[-1], family, tuple(middle), name


def by_name(people: Iterable[Person], name: Callable[[Person], str]) -> list[Person]:
    """The people in the order of a Vietnamese list."""
    return sorted(people, key=lambda person: name_key(name(person)))


def words_key(words: str) -> WordsKey:
    """Orders what is not a person's name, such as agencies and places: syllable by syllable."""
    composed = unicodedata.normalize("NFC", words)
    return tuple(syllable_key(part) for part in composed.split()), words


def by_words(things: Iterable[Thing], words: Callable[[Thing], str]) -> list[Thing]:
    """The things in the order that the Vietnamese dictionary gives to what they are called."""
    return sorted(things, key=lambda thing: words_key(words(thing)))


def syllable_key(syllable: str) -> SyllableKey:
    """Letters decide first; the tone only between syllables of the same letters."""
    letters: list[int] = []
    tone = 0
    for mark in untoned(syllable):
        if mark in TONES:
            tone = TONES[mark]
        elif mark.isalpha():
            letters.append(LETTERS.get(mark, len(LETTERS) + ord(mark)))
    return tuple(letters), tone


def untoned(syllable: str) -> str:
    """The syllable in lower case with its tone apart: `Ệ` becomes `ê` and the mark below."""
    apart = unicodedata.normalize("NFD", syllable.lower())
    tones = "".join(mark for mark in apart if mark in TONES)
    rest = "".join(mark for mark in apart if mark not in TONES)
    return unicodedata.normalize("NFC", rest) + tones
