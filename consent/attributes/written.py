"""How values are written: by a register, strictly; by a person on a form, more freely."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date

import phonenumbers

from identity.citizens.birth_date import BirthDate, MalformedBirthDate
from identity.citizens.national_id import MalformedNationalId, NationalId
from identity.citizens.person_name import MalformedName, registered_name

# The stored form of a value, as JSON. Digests, receipts and "nothing changed" compare it, so two
# ways of writing the same value have one stored form, and a form never changes.
Value = str | int | bool | list[str] | dict[str, str | None]

LONGEST_TEXT, LONGEST_CODE, LONGEST_LIST, LONGEST_LOCAL_PART = 500, 64, 50, 64
LARGEST_INTEGER = 2**53 - 1  # RFC 8259 §6: what every JSON reader keeps exact

ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SLASHED = re.compile(r"(?:(?:([0-9]{1,2})/)?([0-9]{1,2})/)?([0-9]{4})")
DECIMAL = re.compile(r"(0|[1-9][0-9]{0,11})(?:\.([0-9]{1,6}))?")
GROUPED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,3}(?: [0-9]{3})+|[0-9]{1,16}")
UNIT_CODE = re.compile(r"[0-9]{2,5}")
DIALLED = re.compile(r"\+?[0-9 .()\u00a0\u202f-]{3,30}")
# RFC 5321 §4.1.2, without quoted local parts and address literals.
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL = re.compile(
    rf"({ATOM}(?:\.{ATOM})*)@((?:{LABEL}\.)+[A-Za-z][A-Za-z0-9-]{{0,61}}[A-Za-z0-9])"
)
LONGEST_EMAIL = 254
INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
ANSWERS = {"true": True, "yes": True, "có": True, "false": False, "no": False, "không": False}


class BadValue(ValueError):
    """Not a value of this type. The message says what is expected, never what came."""


def string(value: object, expected: str) -> str:
    """The value, if it is a JSON string at all."""
    if not isinstance(value, str):
        raise BadValue(f"expected {expected}")
    return value


def text(value: object, longest: int = LONGEST_TEXT) -> str:
    """One visible line, NFC."""
    line = unicodedata.normalize("NFC", string(value, "a text")).strip()
    if not 0 < len(line) <= longest:
        raise BadValue(f"expected between 1 and {longest} characters")
    # Controls, invisible formats and private characters show one thing and store another.
    if any(unicodedata.category(character) in INVISIBLE for character in line):
        raise BadValue("expected visible characters on one line")
    return line


def code(value: object) -> str:
    """A short text that stands for an entry of a list."""
    return text(value, LONGEST_CODE)


def person_name(value: object) -> str:
    """A name as registered."""
    try:
        return registered_name(string(value, "a name"))
    except MalformedName as malformed:
        raise BadValue(str(malformed)) from None


def personal_number(value: object) -> str:
    """The 12 digits."""
    try:
        return NationalId.strict(string(value, "12 digits")).reveal()
    except MalformedNationalId as malformed:
        raise BadValue(str(malformed)) from None


def phone(value: object) -> str:
    """E.164, as a register sends it."""
    written = string(value, "a phone number in E.164")
    if not written.startswith("+") or dialled(written) != written:
        raise BadValue("expected a phone number in E.164, such as +84912345678")
    return written


def dialled(typed: str) -> str:
    """A number as people in Vietnam write it, in E.164."""
    if not DIALLED.fullmatch(typed):
        raise BadValue("expected a phone number")
    try:
        number = phonenumbers.parse(typed, "VN")
    except phonenumbers.NumberParseException:
        raise BadValue("expected a phone number") from None
    if not phonenumbers.is_valid_number(number):
        raise BadValue("expected a phone number that can exist")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email(value: object) -> str:
    """An address whose domain is in lower case; the local part belongs to its server."""
    written = string(value, "an e-mail address")
    address = EMAIL.fullmatch(written) if len(written) <= LONGEST_EMAIL else None
    if address is None or len(address.group(1)) > LONGEST_LOCAL_PART:
        raise BadValue("expected an e-mail address")
    return f"{address.group(1)}@{address.group(2).lower()}"


def partial_date(value: object) -> str:
    """1952, 1952-03 or 1952-03-09."""
    try:
        return BirthDate.parse(string(value, "1952, 1952-03 or 1952-03-09")).written()
    except MalformedBirthDate:
        raise BadValue("expected 1952, 1952-03 or 1952-03-09") from None


def partial_date_typed(typed: str) -> str:
    """1952, 03/1952 or 09/03/1952; the stored form too."""
    return partial_date(turned(typed))


def day(value: object) -> str:
    """A day of the calendar, ISO 8601."""
    written = string(value, "a day such as 2026-03-09")
    try:
        if ISO_DAY.fullmatch(written):
            return date.fromisoformat(written).isoformat()
    except ValueError:
        pass
    raise BadValue("expected a day such as 2026-03-09")


def day_typed(typed: str) -> str:
    """09/03/2026; the stored form too, which a browser's date field sends."""
    return day(turned(typed))


def turned(typed: str) -> str:
    """Slashes as people write dates, turned into the stored order; anything else unchanged."""
    slashed = SLASHED.fullmatch(typed)
    if slashed is None:
        return typed
    return "-".join(part.zfill(2) for part in reversed(slashed.groups()) if part)


def boolean(value: object) -> bool:
    """True or false; not 1, not a word."""
    if not isinstance(value, bool):
        raise BadValue("expected true or false")
    return value


def boolean_typed(typed: str) -> bool:
    """Có or không, as a form sends them."""
    answer = ANSWERS.get(unicodedata.normalize("NFC", typed).casefold())
    if answer is None:
        raise BadValue("expected yes or no")
    return answer


def integer(value: object) -> int:
    """A count or an amount: whole, never below zero."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue("expected a whole number")
    if not 0 <= value <= LARGEST_INTEGER:
        raise BadValue("expected a whole number that is not negative")
    return value


def integer_typed(typed: str) -> int:
    """Digits, in groups of three if one likes: 1.250.000."""
    if not GROUPED.fullmatch(typed):
        raise BadValue("expected a whole number")
    return integer(int(typed.replace(".", "").replace(" ", "")))


def money_typed(typed: str) -> int:
    """Whole đồng, with or without the word."""
    return integer_typed(re.sub(r"\s*(đồng|đ|vnd)$", "", typed.casefold()))


def decimal(value: object) -> str:
    """A number as text, so that no reader rounds it; 72.50 is kept as 72.5."""
    written = DECIMAL.fullmatch(string(value, "a number as text, such as 72.5"))
    if written is None:
        raise BadValue("expected a number as text, such as 72.5")
    whole, fraction = written.group(1), (written.group(2) or "").rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def decimal_typed(typed: str) -> str:
    """72,5 as well as 72.5. Groups are not read: in 1.234 nobody knows what the dot is."""
    return decimal(typed.replace(",", "."))


def code_list(value: object) -> list[str]:
    """At least one code, none twice, in the order given."""
    if not isinstance(value, list) or not 0 < len(value) <= LONGEST_LIST:
        raise BadValue(f"expected a list of 1 to {LONGEST_LIST} codes")
    listed = [code(entry) for entry in value]
    if len(set(listed)) != len(listed):
        raise BadValue("expected each code once")
    return listed


def code_list_typed(typed: str) -> list[str]:
    """Codes apart by commas, semicolons or lines."""
    return code_list([entry for entry in re.split(r"[,;\n]", typed) if entry.strip()])


def place(value: object) -> dict[str, str | None]:
    """A place as worded on its day; its code means nothing without the day it holds from."""
    if not isinstance(value, dict) or not {"text"} <= value.keys() <= {
        "text",
        "code",
        "valid_from",
    }:
        raise BadValue("expected text, code and valid_from")
    return {
        "text": text(value["text"]),
        "code": optional(unit_code, value.get("code")),
        "valid_from": optional(day, value.get("valid_from")),
    }


def place_typed(typed: str) -> dict[str, str | None]:
    """The words alone: which unit they mean is not guessed."""
    return place({"text": typed})


def unit_code(value: object) -> str:
    """A code of the statistics office."""
    written = string(value, "the code of an administrative unit")
    if not UNIT_CODE.fullmatch(written):
        raise BadValue("expected the code of an administrative unit")
    return written


def optional(accept: Callable[[object], str], value: object) -> str | None:
    """None stays None: not known."""
    return None if value is None else accept(value)
