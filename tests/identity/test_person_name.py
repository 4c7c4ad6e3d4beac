"""Names as registered: one field, NFC, whatever people they come from."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.citizens.person_name import MalformedName, registered_name


@pytest.mark.parametrize(
    "name",
    [
        "Nguyễn Thị Lan",
        "Nguyễn Thị Ngọc Huyền",
        "ỨNG ẶỮỘ",
        "K'Brêu",
        "H\u2019Hen Niê",
        "Y Moan Ênuôl",
        "Pản",
        "Công Tằng Tôn Nữ Thị Thanh Hương",
        "Jean-Luc J. Martin",
        "李小龍",
    ],
)
def test_a_registered_name_is_kept_as_it_is(name: str) -> None:
    assert registered_name(name) == name


def test_two_ways_of_writing_a_name_are_one_name() -> None:
    composed = "Nguyễn Thị Huyền"

    assert registered_name(unicodedata.normalize("NFD", composed)) == composed
    assert registered_name("  Nguyễn\u00a0 Thị   Huyền ") == composed


@pytest.mark.slow  # a hundred texts of any script
@given(st.text(max_size=300))
def test_a_name_once_accepted_stays_the_same(text: str) -> None:
    try:
        name = registered_name(text)
    except MalformedName:
        return

    assert registered_name(name) == name
    assert unicodedata.is_normalized("NFC", name)
    assert 0 < len(name) <= 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "-",
        "'.",
        "Lan 2",
        "Lan\tNguyễn",
        "Lan\u200b",
        "Lan\u202e",
        "<b>Lan</b>",
        "a" * 201,
    ],
)
def test_what_no_name_contains_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(MalformedName) as refused:
        registered_name(text)

    assert "Lan" not in str(refused.value)
