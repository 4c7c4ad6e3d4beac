"""Many at one moment, over all processes: a lock or one conditional update decides."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.drills import guessing, promises, proofs
from tests.drills.town import Town, a_town

RACES, CODES, REFRESHES, ASSERTIONS, PROOFS = 200, 1_000, 100, 50, 50

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def town(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    home = tmp_path_factory.mktemp("town")
    with a_town(databases, home, people=RACES) as made:
        yield made


def test_no_disclosure_stands_after_the_withdrawal(town: Town, tmp_path: Path):
    """security-cases.md §7, case 47."""
    memory = promises.withdrawals_race_releases(town, RACES, tmp_path / "export")

    assert memory.promised  # else nothing raced
    print(len(memory.promised), "disclosures before", RACES, "withdrawals")  # noqa: T201 - a figure


def test_a_code_is_worth_one_answer_at_most(town: Town):
    """RFC 6749 §4.1.2; security-cases.md §11, figure 9."""
    promises.codes_are_redeemed_by_a_crowd(town, CODES)


def test_a_refresh_token_has_one_successor(town: Town):
    """The grace answer, design §3."""
    promises.refresh_tokens_are_used_by_a_crowd(town, REFRESHES)


def test_a_signed_request_is_good_once_whoever_is_asked(town: Town):
    """RFC 7523 §3; security-cases.md §5, case 35."""
    promises.assertions_are_replayed(town, ASSERTIONS)


def test_a_proof_and_a_pushed_request_are_good_once_whoever_is_asked(town: Town):
    """RFC 9126 §7.3, RFC 9449 §11.1; security-cases.md §5, cases 31 and 39."""
    proofs.are_replayed(town, PROOFS)


def test_a_hundred_guesses_at_once_are_as_many_as_the_limit(town: Town):
    """security-cases.md §3, cases 17 and 18."""
    guessing.check_budgets(town)
