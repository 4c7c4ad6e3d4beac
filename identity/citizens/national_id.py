"""The personal number: 12 digits, Law on Identification 26/2023/QH15 Art. 12, Circular 07/2016."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from identity.citizens.birth_date import BirthDate

TWELVE_DIGITS = re.compile(r"[0-9]{12}")

# Written between groups by people and by their keyboards: the dot, hyphens and dashes, the ASCII
# space and the two no-break spaces. Every other character, digits of other scripts included,
# is an error: a number that looks right and is another one must not reach the look-up.
SEPARATORS = dict.fromkeys(map(ord, ".-\u2010\u2011\u2012\u2013\u2014 \u00a0\u202f"))

# The 63 provinces that registered births before 1 July 2025. Numbers keep these codes for ever,
# whatever becomes of the provinces, so the table is never edited. Not a hint of where one lives.
# fmt: off
BIRTH_REGISTRATION_NUMBERS = (
    1, 2, 4, 6, 8, 10, 11, 12, 14, 15, 17, 19, 20, 22, 24, 25, 26, 27, 30, 31, 33, 34, 35,
    36, 37, 38, 40, 42, 44, 45, 46, 48, 49, 51, 52, 54, 56, 58, 60, 62, 64, 66, 67, 68, 70,
    72, 74, 75, 77, 79, 80, 82, 83, 84, 86, 87, 89, 91, 92, 93, 94, 95, 96,
)
# fmt: on
BIRTH_REGISTRATION_CODES = frozenset(f"{code:03d}" for code in BIRTH_REGISTRATION_NUMBERS)


class Fault(StrEnum):
    """What is wrong with a written number. Says nothing of the number itself."""

    CHARACTER = "character"
    LENGTH = "length"


class MalformedNationalId(ValueError):
    """This is not a personal number; the text itself is never in the message."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"not a personal number: {fault.value}")
        self.fault = fault


class Sex(StrEnum):
    """As registered."""

    MALE = "male"
    FEMALE = "female"
    UNDETERMINED = "undetermined"


class Disagreement(StrEnum):
    """Where the number and the register differ: a warning that opens a ticket, never a refusal."""

    BIRTH_YEAR = "birth_year"
    SEX = "sex"


@dataclass(frozen=True, slots=True, repr=False)
class NationalId:
    """A personal number that no log line, message or traceback shows by accident."""

    _digits: str

    def __post_init__(self) -> None:
        if TWELVE_DIGITS.fullmatch(self._digits):
            return
        digits_only = self._digits.isascii() and (self._digits.isdigit() or not self._digits)
        raise MalformedNationalId(Fault.LENGTH if digits_only else Fault.CHARACTER)

    @classmethod
    def strict(cls, text: str) -> Self:
        """Read a number that a machine wrote: exactly 12 ASCII digits.

        Raises:
            MalformedNationalId: anything else, surrounding spaces included.
        """
        return cls(text)

    @classmethod
    def typed(cls, text: str) -> Self:
        """Read a number that a person typed or pasted, grouped as they like.

        Raises:
            MalformedNationalId: another character than separators and ASCII digits is left,
                or the digits are not twelve.
        """
        return cls(text.translate(SEPARATORS))

    def reveal(self) -> str:
        """The 12 digits, for the blind index, for sealing, and for a decided release."""
        return self._digits

    @property
    def is_possibly_foreign(self) -> bool:
        """No province registered births under this prefix: it may stand for a country."""
        return self._digits[:3] not in BIRTH_REGISTRATION_CODES

    @property
    def century(self) -> int:
        """The century of birth as people count it: 20 for the years 1900 to 1999."""
        return 20 + int(self._digits[3]) // 2

    @property
    def birth_year(self) -> int:
        """The year of birth that the number was given for."""
        return (self.century - 1) * 100 + int(self._digits[4:6])

    @property
    def sex(self) -> Sex:
        """The sex that the number was given for; it knows two."""
        return Sex.FEMALE if int(self._digits[3]) % 2 else Sex.MALE

    def disagreements(self, birth_date: BirthDate, sex: str) -> list[Disagreement]:
        """Where the register says otherwise: registers contain corrections, numbers never do."""
        found = []
        if birth_date.year != self.birth_year:
            found.append(Disagreement.BIRTH_YEAR)
        # The number has no digit for undetermined, so it cannot contradict it.
        if sex not in (self.sex, Sex.UNDETERMINED):
            found.append(Disagreement.SEX)
        return found

    def __repr__(self) -> str:
        return "NationalId(…)"

    __str__ = __repr__
