"""How things are written on pages: the line *Dates…* of the contract."""

import random
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from identity import presentation


def test_a_day_has_two_digits_for_day_and_month() -> None:
    assert presentation.day(date(1952, 3, 9)) == "09/03/1952"


def test_a_moment_is_told_by_the_clock_of_vietnam() -> None:
    at = datetime(2026, 11, 21, 18, 5, tzinfo=UTC)

    assert presentation.moment(at) == "01:05 ngày 22/11/2026"
    assert presentation.moment(at, language="en") == "01:05 on 22/11/2026"
    assert presentation.moment(at.astimezone(timezone(timedelta(hours=-5)))) == (
        presentation.moment(at)
    )


def test_a_time_without_a_zone_is_not_shown() -> None:
    with pytest.raises(ValueError, match="zone"):
        presentation.moment(datetime(2026, 11, 22, 10, 32))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize(
    ("dong", "vi", "en"),
    [
        (0, "0 đồng", "0 VND"),
        (999, "999 đồng", "999 VND"),
        (1_250_000, "1.250.000 đồng", "1,250,000 VND"),
    ],
)
def test_money_is_grouped_in_thousands(dong: int, vi: str, en: str) -> None:
    assert presentation.money(dong) == vi
    assert presentation.money(dong, language="en") == en


def test_a_decimal_has_a_comma_in_vietnamese() -> None:
    assert presentation.number(Decimal("1234.5")) == "1.234,5"
    assert presentation.number(Decimal("1234.5"), language="en") == "1,234.5"


@pytest.mark.parametrize(
    ("e164", "shown"),
    [
        ("+84912345678", "0912 345 678"),
        ("+84999000001", "0999 000 001"),
        ("+842838221234", "028 3822 1234"),
        ("+33612345678", "+33 6 12 34 56 78"),
    ],
)
def test_a_phone_number_is_grouped_as_its_country_writes_it(e164: str, shown: str) -> None:
    assert presentation.phone(e164) == shown


def test_an_address_tells_what_it_was_called_before_the_merger() -> None:
    assert presentation.address("phường Hiệp Bình, Thành phố Hồ Chí Minh") == (
        "phường Hiệp Bình, Thành phố Hồ Chí Minh"
    )
    assert presentation.address(
        "phường Hiệp Bình", formerly="phường Hiệp Bình Chánh, thành phố Thủ Đức"
    ) == ("phường Hiệp Bình (trước 01/07/2025: phường Hiệp Bình Chánh, thành phố Thủ Đức)")


def ordered(names: list[str]) -> list[str]:
    """The names sorted from an order that is not theirs already."""
    shuffled = random.Random(1).sample(names, len(names))  # noqa: S311 - no secret
    return presentation.by_name(shuffled, lambda name: name)


@pytest.mark.parametrize(
    "names",
    [
        # tên first, then họ, then what stands between
        ["Trần Văn An", "Lê Thị Bình", "Nguyễn Thị Lan", "Trần Thị Lan", "Bùi Văn Yên"],
        ["Nguyễn Lan", "Nguyễn Ngọc Lan", "Nguyễn Thị Lan", "Nguyễn Thị Mai Lan"],
        # letters of their own: ă after a, đ after d, ơ after ô
        ["Lê Văn An", "Lê Văn Ăn", "Lê Văn Ân", "Lê Văn Ba"],
        ["Lê Văn Dũng", "Lê Văn Đạt", "Lê Văn Em"],
        ["Lê Thị Ong", "Lê Thị Ông", "Lê Thị Ơn"],
        # tones in the order of the dictionary: level, huyền, hỏi, ngã, sắc, nặng
        ["Lê Ma", "Lê Mà", "Lê Mả", "Lê Mã", "Lê Má", "Lê Mạ"],
        # the tone decides only between the same letters
        ["Lê Hạ", "Lê Hai", "Lê Hải", "Lê Hân"],
        # one part only
        ["Pản", "Lò Thị Pản"],
    ],
)
def test_lists_are_in_the_order_of_the_vietnamese_dictionary(names: list[str]) -> None:
    assert ordered(names) == names


@pytest.mark.parametrize(
    "words",
    [
        ["Thành phố Cần Thơ", "Thành phố Đà Nẵng", "Thành phố Hà Nội", "Tỉnh An Giang"],
        ["Tỉnh Cao Bằng", "Tỉnh Đắk Lắk", "Tỉnh Điện Biên", "Tỉnh Đồng Nai", "Tỉnh Gia Lai"],
        ["Bộ Công an", "Bộ Tư pháp", "Đội Giám sát", "Phòng Giám sát", "Sở Tư pháp"],
        ["", "Quận 1", "Quận 2"],
    ],
)
def test_what_is_no_name_is_ordered_from_its_first_word(words: list[str]) -> None:
    assert presentation.by_words(reversed(words), str) == words


def test_neither_case_nor_composition_changes_the_place_in_a_list() -> None:
    loud = unicodedata.normalize("NFD", "NGUYỄN THỊ LAN")

    assert presentation.name_key(loud)[:3] == presentation.name_key("Nguyễn Thị Lan")[:3]


def test_an_apostrophe_does_not_move_a_name_and_a_foreign_letter_goes_last() -> None:
    assert presentation.name_key("K'Brêu")[0] == presentation.name_key("Kbrêu")[0]
    assert ordered(["Lê Zi", "Lê Ølaf"]) == ["Lê Zi", "Lê Ølaf"]


def test_an_empty_name_is_sorted_first_and_breaks_nothing() -> None:
    assert ordered(["", "Lê An"]) == ["", "Lê An"]
