"""The fault drills in little, in every run; `make drill` is the long one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.drills import guessing, promises
from tests.drills.killing import check_memory, kill_under_load
from tests.drills.memory import Memory
from tests.drills.town import Town, a_town

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PEOPLE = 10
# Each takes a second to start, and one beside the other is all that a crowd needs here.
PROCESSES = {"postgresql": "2", "sqlite": "1"}
KILLS = {"postgresql": ["web", "worker", "group"], "sqlite": ["web", "group"]}


@pytest.fixture(scope="module")
def town(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    home = tmp_path_factory.mktemp("town")
    processes = PROCESSES[databases.kind]
    with a_town(databases, home, people=PEOPLE, MOTLAN_PROCESSES=processes) as made:
        yield made


def test_killed_under_load_nothing_is_lost(databases: Databases, tmp_path: Path):
    """security-cases.md §11, figure 1."""
    memory, processes = Memory(), PROCESSES[databases.kind]

    with a_town(databases, tmp_path / "town", people=8, MOTLAN_PROCESSES=processes) as town:
        kill_under_load(town, KILLS[databases.kind], memory)
        check_memory(town, memory, tmp_path / "export")


def test_no_disclosure_stands_after_the_withdrawal(town: Town, tmp_path: Path):
    """security-cases.md §7, case 47."""
    promises.withdrawals_race_releases(town, PEOPLE, tmp_path / "export")


def test_a_code_is_worth_one_answer_at_most(town: Town):
    """RFC 6749 §4.1.2."""
    promises.codes_are_redeemed_by_a_crowd(town, 5)


def test_a_refresh_token_has_one_successor(town: Town):
    """The grace answer, design §3."""
    promises.refresh_tokens_are_used_by_a_crowd(town, 5)


def test_a_signed_request_is_good_once_whoever_is_asked(town: Town):
    """RFC 7523 §3; security-cases.md §5, case 35."""
    promises.assertions_are_replayed(town, 5)


def test_a_hundred_guesses_at_once_are_as_many_as_the_limit(town: Town):
    """security-cases.md §3, cases 17 and 18."""
    guessing.check_budgets(town)
