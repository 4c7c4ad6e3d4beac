"""How things are written on pages holds for whatever there is to write (contract, *Dates…*)."""

import itertools
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import phonenumbers
from hypothesis import given
from hypothesis import strategies as st

from identity import presentation
from identity.citizens.birth_date import BirthDate
from identity.clock import VIETNAM

# The dictionary's own order: letters first, and within the same letters the tones.
VOWELS = "aăâeêioôơuưy"
TONES = ("", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323")
ONSETS = ("", "b", "c", "ch", "d", "đ", "gi", "h", "ng", "ngh", "nh", "qu", "th", "tr", "x")
ENDS = ("", "c", "ch", "i", "m", "n", "ng", "nh", "t", "u", "y")


def syllable(onset: str, vowel: str, end: str, tone: str) -> str:
    return unicodedata.normalize("NFC", (onset + vowel + tone + end).capitalize())


SYLLABLES = st.builds(
    syllable,
    st.sampled_from(ONSETS),
    st.sampled_from(VOWELS),
    st.sampled_from(ENDS),
    st.sampled_from(TONES),
)
NAMES = st.lists(SYLLABLES, min_size=1, max_size=5).map(" ".join)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(st.dates(date(1, 1, 1)))
def test_every_day_is_dd_mm_yyyy(on):
    """09/03/1952."""
    shown = presentation.day(on)

    assert re.fullmatch(r"\d{2}/\d{2}/\d{4}", shown)
    assert tuple(map(int, shown.split("/"))) == (on.day, on.month, on.year)


@given(st.dates(date(1000, 1, 1)), st.integers(1, 3))
def test_a_partial_date_shows_what_is_known_and_nothing_else(on, known):
    """03/1952 and 1952: the first of January is not invented."""
    parts = (on.year, on.month, on.day)[:known]

    shown = BirthDate(*parts).shown()

    assert shown.count("/") == known - 1
    assert tuple(map(int, reversed(shown.split("/")))) == parts
    assert presentation.day(on).endswith(shown)


@given(MOMENTS)
def test_every_moment_is_told_by_the_clock_in_vietnam(at):
    """10:32 ngày 22/11/2026; the same moment reads the same whatever its zone."""
    shown = presentation.moment(at)

    assert re.fullmatch(r"\d{2}:\d{2} ngày \d{2}/\d{2}/\d{4}", shown)
    assert shown == presentation.moment(at.astimezone(VIETNAM))
    said = datetime.strptime(shown, "%H:%M ngày %d/%m/%Y").replace(tzinfo=VIETNAM)
    assert timedelta(0) <= at - said < timedelta(minutes=1)


@given(st.integers(-(10**15), 10**15))
def test_sums_are_grouped_by_threes_and_lose_nothing(dong):
    """1.250.000 đồng."""
    shown = presentation.money(dong)

    assert re.fullmatch(r"-?\d{1,3}(\.\d{3})* đồng", shown)
    assert int(shown.removesuffix(" đồng").replace(".", "")) == dong


@given(st.decimals(-(10**9), 10**9, places=3))
def test_the_two_languages_write_the_same_number(value):
    """72,5 in Vietnamese, 72.5 in English."""
    swapped = presentation.number(value).translate(str.maketrans(",.", ".,"))

    assert swapped == presentation.number(value, language="en")
    assert Decimal(swapped.replace(",", "")) == value


@given(st.sampled_from(("3", "5", "7", "8", "9")), st.integers(0, 10**8 - 1))
def test_a_mobile_number_is_shown_in_three_groups_and_read_back(first, rest):
    """0912 345 678: ten digits, always so grouped."""
    number = f"+84{first}{rest:08}"
    is_one = phonenumbers.is_valid_number(phonenumbers.parse(number))

    shown = presentation.phone(number)

    assert shown.replace(" ", "") == "0" + number.removeprefix("+84")
    assert not is_one or re.fullmatch(r"0\d{3} \d{3} \d{3}", shown)


@given(st.lists(NAMES, max_size=8), st.randoms(use_true_random=False))
def test_a_list_of_names_has_one_order_whatever_it_was_before(names, random):
    shuffled = random.sample(names, len(names))

    assert ordered(shuffled) == ordered(names)
    assert sorted(ordered(names)) == sorted(names)


@given(NAMES, NAMES, SYLLABLES, SYLLABLES)
def test_the_given_name_decides_before_the_family_name(one, other, first, last):
    """By *tên*, the last part; then by *họ*."""
    keys = [presentation.syllable_key(each) for each in (first, last)]
    smaller, greater = (first, last) if keys[0] <= keys[1] else (last, first)

    ranked = ordered([f"{one} {greater}", f"{other} {smaller}"])

    if keys[0] != keys[1]:
        assert ranked == [f"{other} {smaller}", f"{one} {greater}"]


@given(NAMES)
def test_neither_composition_nor_case_moves_a_name(name):
    apart = unicodedata.normalize("NFD", name).upper()

    assert presentation.name_key(apart)[:3] == presentation.name_key(name)[:3]


def test_every_letter_follows_the_one_before_it_and_every_tone_too():
    """đ after d, ă and â after a; level, huyền, hỏi, ngã, sắc, nặng."""
    letters = "aăâbcdđeêghiklmnoôơpqrstuưvxy"
    for before, after in itertools.pairwise(letters):
        # The greatest tone of the one still stands before the plain other.
        assert ordered([f"Lê {after}", f"Lê {before}\u0323"])[0] == f"Lê {before}\u0323"
    for vowel in VOWELS:
        toned = [unicodedata.normalize("NFC", f"Lê {vowel}{tone}") for tone in TONES]
        assert ordered(list(reversed(toned))) == toned


def ordered(names: list[str]) -> list[str]:
    return presentation.by_name(names, lambda name: name)
