"""Which passwords are taken: long enough, and hard to guess by who knows the person.

NIST SP 800-63B §3.1.1: no rule about kinds of characters, no list of questions, no expiry.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from zxcvbn import matching, scoring

from identity.citizens import passwords
from identity.citizens.people import Person
from identity.errors import InvalidRequest

SHORTEST = 10
JUDGED = 72  # characters; more cannot make it worse, and judging takes longer with each
ENOUGH = 10**8  # guesses by who tries the likeliest first; the library's score 3 of 4
OF_ONES_OWN = 6  # letters and digits that must be left without what everybody knows
OWN, VIETNAMESE = "own", "vietnamese"
_STROKED = {0x111: "d", 0x110: "D"}  # the one letter that no decomposition takes apart


class Fault(StrEnum):
    """What is wrong with a password; says nothing of the password itself."""

    SHORT = "short"
    LONG = "long"
    OWN = "own"
    COMMON = "common"
    PATTERN = "pattern"
    GUESSABLE = "guessable"


class WeakPassword(InvalidRequest):
    """This password would be guessed; `fault` says why, so that the page can say what to do."""

    slug = "weak-password"
    title = "The password is too easy to guess"

    def __init__(self, fault: Fault) -> None:
        super().__init__("choose another password", note=f"password {fault}")
        self.fault = fault


def require_strong(password: str, about: Person) -> None:
    """The password may be this person's.

    Raises:
        WeakPassword: too short, too long, or guessed early.
    """
    fault = find_fault(password, own_words(about))
    if fault is not None:
        raise WeakPassword(fault)


def find_fault(password: str, own: Iterable[str] = ()) -> Fault | None:
    """What is wrong with a password; null: nothing."""
    text = unicodedata.normalize("NFKC", password)
    if len(text) < SHORTEST or not text.strip():
        return Fault.SHORT
    if len(password) > passwords.LONGEST:
        return Fault.LONG
    plain = unaccented(text)
    # A guesser tries it without marks and without spaces too.
    bare = re.sub(r"[\W_]+", "", plain)
    words = _ranked(own)
    if len(_without(bare, words[OWN])) < OF_ONES_OWN <= len(bare):
        return Fault.OWN
    forms = dict.fromkeys((text, plain, bare))
    found = (_judge(form[:JUDGED], words) for form in forms if form)
    return next((fault for fault in found if fault is not None), None)


def own_words(about: Person) -> list[str]:
    """What everybody who knows the person would try: name, birth and number, in every spelling."""
    name = unaccented(about.full_name).lower().split()
    year, month, day, *_ = (*about.date_of_birth.written().split("-"), "", "")
    number = about.national_id.reveal()
    born = (year, f"{day}{month}{year}", f"{day}{month}{year[2:]}", f"{year}{month}{day}")
    spelt = (*name, "".join(name), "".join(reversed(name)), f"{name[-1]}{name[0]}")
    letters = about.full_name.lower().split()
    return list(dict.fromkeys(word for word in (*spelt, *letters, *born, number) if word))


def unaccented(text: str) -> str:
    """The letters without their marks, as people type them in a hurry."""
    apart = unicodedata.normalize("NFD", text.translate(_STROKED))
    return "".join(mark for mark in apart if not unicodedata.combining(mark))


def _without(bare: str, own: Iterable[str]) -> str:
    """What is left when everything that others know of the person is taken out."""
    left = bare.lower()
    for word in sorted(own, key=len, reverse=True):
        left = left.replace(word, "") if len(word) > 1 else left
    return left


@cache
def _vietnamese() -> dict[str, int]:
    text = resources.files("identity.factors").joinpath("common_passwords.txt").read_text("utf-8")
    words = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {word: rank for rank, word in enumerate(words, start=1)}


def _ranked(own: Iterable[str]) -> dict[str, dict[str, int]]:
    # Our own dictionaries beside the library's: its own way to take words keeps them in a global
    # that every thread shares, and the next person's password would be judged with this one's.
    mine = {word.lower(): rank for rank, word in enumerate(own, start=1)}
    return {**matching.RANKED_DICTIONARIES, OWN: mine, VIETNAMESE: _vietnamese()}


def _judge(text: str, words: dict[str, dict[str, int]]) -> Fault | None:
    found = scoring.most_guessable_match_sequence(text, matching.omnimatch(text, words))
    if found["guesses"] >= ENOUGH:
        return None
    return _why(found["sequence"])


def _why(sequence: Iterable[Mapping[str, Any]]) -> Fault:
    """What a guesser would use first; one's own data before anything else."""
    lists = {match.get("dictionary_name") for match in sequence} - {None}
    if OWN in lists:
        return Fault.OWN
    if lists:
        return Fault.COMMON
    patterns = {match["pattern"] for match in sequence} - {"bruteforce"}
    return Fault.PATTERN if patterns else Fault.GUESSABLE
