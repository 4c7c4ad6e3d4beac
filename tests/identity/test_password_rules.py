"""Which passwords are taken: NIST SP 800-63B §3.1.1, and what is common in Viet Nam."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from identity.citizens import people
from identity.factors.password_rules import Fault, find_fault, own_words
from tests.people import lan


@pytest.mark.parametrize(
    "good",
    [
        "Sen nở tháng sáu",
        "mưa rơi trên mái tôn",
        "Tr0ub4dor&3xyq",
        "đường về nhà xa quá",
        "x" * 5 + "Kh9 quả núi lửa vàng",
        "ừ thì mai tính tiếp nhé " * 40,
    ],
)
def test_several_words_are_taken_whatever_their_letters(good):
    """No rule about capitals, digits or signs; marks, spaces and a thousand characters are fine."""
    assert find_fault(good) is None


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ("", Fault.SHORT),
        ("Mưa to 9!", Fault.SHORT),
        (" \u00a0" * 8, Fault.SHORT),
        ("mai nắng " * 120, Fault.LONG),
        ("matkhau12345", Fault.COMMON),
        ("Mật Khẩu 2024", Fault.COMMON),
        ("anhyeuem123", Fault.COMMON),
        ("vietnamvodich", Fault.COMMON),
        ("password123", Fault.COMMON),
        ("qwertyuiop", Fault.COMMON),
        ("aaaaaaaaaaaa", Fault.PATTERN),
    ],
)
def test_what_is_short_common_or_a_pattern_is_not(bad, fault):
    assert find_fault(bad) is fault


@pytest.mark.parametrize(
    "own",
    [
        "nguyenthilan",
        "Nguyễn Thị Lan",
        "lannguyen1988",
        "12041988lan",
        "{number}",
        "lan 12/04/1988",
    ],
)
def test_what_everybody_knows_of_the_person_is_not(app, own):  # noqa: ARG001 - the register
    person = lan()
    words = own_words(people.person(person.citizen_id))

    assert find_fault(own.format(number=person.national_id), words) in {Fault.OWN, Fault.COMMON}


def test_a_partial_date_of_birth_is_no_hindrance(app):  # noqa: ARG001 - the register
    person = people.person(lan(date_of_birth="1988").citizen_id)

    assert find_fault("nguyen lan 1988", own_words(person)) is Fault.OWN


def test_marks_may_be_composed_either_way():
    """The same password from every keyboard is judged the same."""
    assert find_fault("mâ\u0323t khâ\u0309u 1") is find_fault("mật khẩu 1") is Fault.COMMON


def test_nobody_is_judged_by_another_s_words():
    """The library keeps the words in a global; ours are kept apart."""
    mine, secret = "Kỳ Sơn Phẩm Hoà", ["kỳ", "sơn", "phẩm", "hoà", "ky", "son", "pham", "hoa"]
    assert find_fault(mine, secret) is Fault.OWN
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda n: find_fault(mine, secret if n % 2 else ()), range(40)))

    assert {fault for n, fault in enumerate(told) if n % 2} == {Fault.OWN}
    assert Fault.OWN not in {fault for n, fault in enumerate(told) if not n % 2}


class TestAttacker:
    @pytest.mark.slow
    @pytest.mark.parametrize("made", ["4@8({3691!|7105$%2" * 50, "a" * 1024, "0123456789" * 100])
    def test_a_password_made_to_be_judged_slowly_is_not(self, made):
        """Only so much of it is judged."""
        began = time.perf_counter()
        find_fault(made)

        assert time.perf_counter() - began < 8
