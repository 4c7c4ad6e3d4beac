"""Right after a sudden death nothing that was good once is good again."""

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.drills import falls
from tests.drills.killing import faults
from tests.drills.town import Town, a_town

FALLS, SPENT = 6, 20

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def town(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with a_town(databases, tmp_path_factory.mktemp("falls"), people=2) as made:
        yield made


def test_what_is_good_once_is_not_good_again_after_a_fall(town: Town):
    """security-cases.md §5, cases 35 and 39; §11, figure 9: 16 hands, everything killed meanwhile.

    Codes (RFC 6749 §4.1.2), client assertions (RFC 7523 §3), proofs (RFC 9449 §11.1) and pushed
    requests (RFC 9126 §7.3).
    """
    before, after = falls.falls(town, FALLS)

    assert before + after  # else nothing was good at all
    assert faults(town) == []
    print(before, "taken before a fall,", after, "after it, none twice")  # noqa: T201 - a figure


def test_what_was_replaced_before_a_fall_ends_its_family_after_it(town: Town):
    """RFC 9700 §4.14.2; security-cases.md §2, case 6."""
    falls.spent_before_a_fall(town, SPENT)


def test_what_a_stolen_key_signed_opens_nothing_once_it_is_taken_out(town: Town):
    """docs/operations.md: within a second, in every process and in those that come after."""
    falls.key_taken_out(town)
