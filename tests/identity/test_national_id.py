"""The personal number as a value: its shape, what it says, and that it never shows itself."""

import logging
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.citizens.birth_date import BirthDate
from identity.citizens.national_id import (
    BIRTH_REGISTRATION_CODES,
    Disagreement,
    Fault,
    MalformedNationalId,
    NationalId,
    Sex,
)

LAN = "097188004217"

numbers = st.text(alphabet="0123456789", min_size=12, max_size=12)
separators = st.text(alphabet=".-\u2010\u2011\u2012\u2013\u2014 \u00a0\u202f", max_size=3)


@given(numbers)
def test_twelve_digits_are_read_strictly_and_come_back_unchanged(digits: str) -> None:
    assert NationalId.strict(digits).reveal() == digits
    assert NationalId.strict(digits) == NationalId.typed(digits)
    assert hash(NationalId.strict(digits)) == hash(NationalId.typed(digits))


@given(numbers, st.lists(separators, min_size=13, max_size=13))
def test_separators_wherever_they_stand_do_not_change_a_typed_number(
    digits: str, between: list[str]
) -> None:
    typed = between[0] + "".join(a + b for a, b in zip(digits, between[1:], strict=True))

    assert NationalId.typed(typed).reveal() == digits


@given(numbers, st.integers(0, 12), st.characters())
def test_any_other_character_is_an_error(digits: str, place: int, stranger: str) -> None:
    text = digits[:place] + stranger + digits[place:]

    with pytest.raises(MalformedNationalId):
        NationalId.strict(text)
    if stranger not in ".-\u2010\u2011\u2012\u2013\u2014 \u00a0\u202f":
        with pytest.raises(MalformedNationalId):
            NationalId.typed(text)


@pytest.mark.parametrize(
    "text",
    [
        "０９７１８８００４２１７",  # full-width digits
        "٠٩٧١٨٨٠٠٤٢١٧",  # Arabic-Indic digits
        "0971880042¹7",  # a superscript, which str.isdigit() takes for a digit
        "O97188004217",  # the letter O
        "097188004217\n",
        "097188\t004217",
        "097188\u2007004217",  # the figure space
        "097188\u200b004217",  # the zero-width space
        "097188−004217",  # the minus sign
        "097188_004217",
    ],
)
def test_a_number_that_only_looks_right_is_refused_for_its_characters(text: str) -> None:
    for read in (NationalId.typed, NationalId.strict):
        with pytest.raises(MalformedNationalId) as refused:
            read(text)
        assert refused.value.fault is Fault.CHARACTER


@pytest.mark.parametrize("text", ["", "  ", "0", "97188004217", "0971880042170", LAN * 2])
def test_another_count_of_digits_is_refused_for_its_length(text: str) -> None:
    with pytest.raises(MalformedNationalId) as refused:
        NationalId.typed(text)

    assert refused.value.fault is Fault.LENGTH


@pytest.mark.parametrize("text", ["097 188 004 217", " 097188004217", "097.188.004.217", ""])
def test_an_import_takes_nothing_but_the_bare_digits(text: str) -> None:
    with pytest.raises(MalformedNationalId):
        NationalId.strict(text)


@pytest.mark.parametrize(
    ("digits", "century", "year", "sex"),
    [
        ("001000123456", 20, 1900, Sex.MALE),
        ("001199123456", 20, 1999, Sex.FEMALE),
        ("001200123456", 21, 2000, Sex.MALE),
        ("001326123456", 21, 2026, Sex.FEMALE),
        ("001401123456", 22, 2101, Sex.MALE),
        ("001599123456", 22, 2199, Sex.FEMALE),
        ("001677123456", 23, 2277, Sex.MALE),
        ("001788123456", 23, 2288, Sex.FEMALE),
        ("001800123456", 24, 2300, Sex.MALE),
        ("001999123456", 24, 2399, Sex.FEMALE),
    ],
)
def test_the_fourth_digit_tells_century_and_sex(
    digits: str, century: int, year: int, sex: Sex
) -> None:
    """Circular 07/2016/TT-BCA."""
    number = NationalId.strict(digits)

    assert (number.century, number.birth_year, number.sex) == (century, year, sex)


def test_there_are_63_codes_of_birth_registration() -> None:
    assert len(BIRTH_REGISTRATION_CODES) == 63
    assert (min(BIRTH_REGISTRATION_CODES), max(BIRTH_REGISTRATION_CODES)) == ("001", "096")


@pytest.mark.parametrize("prefix", ["001", "030", "046", "079", "096"])
def test_a_number_of_an_old_province_is_not_foreign(prefix: str) -> None:
    assert not NationalId.strict(prefix + LAN[3:]).is_possibly_foreign


@pytest.mark.parametrize("prefix", ["000", "003", "009", "078", "097", "099", "100", "840", "999"])
def test_an_unknown_prefix_is_accepted_as_possibly_foreign(prefix: str) -> None:
    assert NationalId.strict(prefix + LAN[3:]).is_possibly_foreign


def test_a_number_that_agrees_with_the_register_raises_no_warning() -> None:
    number = NationalId.strict(LAN)

    assert number.disagreements(BirthDate.parse("1988-03-09"), Sex.FEMALE) == []
    assert number.disagreements(BirthDate.parse("1988"), "female") == []


def test_each_disagreement_is_a_warning_of_its_own() -> None:
    number = NationalId.strict(LAN)

    assert number.disagreements(BirthDate(1987), Sex.FEMALE) == [Disagreement.BIRTH_YEAR]
    assert number.disagreements(BirthDate(1988), Sex.MALE) == [Disagreement.SEX]
    assert number.disagreements(BirthDate(1888), "male") == [
        Disagreement.BIRTH_YEAR,
        Disagreement.SEX,
    ]


def test_an_undetermined_sex_contradicts_no_number() -> None:
    assert NationalId.strict(LAN).disagreements(BirthDate(1988), Sex.UNDETERMINED) == []


def test_nothing_about_a_number_says_where_someone_lives() -> None:
    offered = [name for name in dir(NationalId) if not name.startswith("_")]

    assert sorted(offered) == [
        "birth_year",
        "century",
        "disagreements",
        "is_possibly_foreign",
        "reveal",
        "sex",
        "strict",
        "typed",
    ]


def test_a_copy_of_a_number_is_the_same_number() -> None:
    number = NationalId.strict(LAN)

    assert pickle.loads(pickle.dumps(number)) == number  # noqa: S301 - our own bytes


class TestAttacker:
    def test_a_number_shows_itself_in_no_text(self, caplog: pytest.LogCaptureFixture) -> None:
        number = NationalId.strict(LAN)
        with caplog.at_level(logging.INFO):
            logging.getLogger("test").info("signed in %s %r", number, number)

        texts = [str(number), repr(number), f"{number}", repr([number]), caplog.text]

        assert not any(LAN in text for text in texts)

    @pytest.mark.parametrize("text", ["0971880042", "097188004217x", "O97188004217"])
    def test_a_refusal_never_repeats_what_was_typed(self, text: str) -> None:
        with pytest.raises(MalformedNationalId) as refused:
            NationalId.typed(text)

        told = "".join(traceback.format_exception_only(refused.value)) + repr(refused.value)
        assert text not in told
        assert refused.value.__cause__ is None

    def test_a_number_cannot_be_changed_after_it_was_checked(self) -> None:
        number = NationalId.strict(LAN)

        with pytest.raises(AttributeError):
            number._digits = "not a number"  # type: ignore[misc] # frozen: that is the test
