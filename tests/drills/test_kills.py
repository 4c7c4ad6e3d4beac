"""Sudden death under load, twenty times: nothing that anybody was told is lost or undone."""

from pathlib import Path

import pytest

from tests.databases import Databases
from tests.drills.clients import CHANCE
from tests.drills.killing import check_memory, kill_under_load
from tests.drills.memory import Memory
from tests.drills.town import a_town

KILLS = {
    "postgresql": ["group"] * 10 + ["web"] * 5 + ["worker"] * 5,
    "sqlite": ["group"] * 15 + ["web"] * 5,  # there the worker is a thread of the web process
}


@pytest.mark.timeout(1_200)
def test_eight_clients_lose_nothing_in_twenty_kills(databases: Databases, tmp_path: Path):
    """security-cases.md §11, figure 1."""
    kills, memory = list(KILLS[databases.kind]), Memory()
    CHANCE.shuffle(kills)

    with a_town(databases, tmp_path / "town", people=8) as town:
        killed = kill_under_load(town, kills, memory)
        check_memory(town, memory, tmp_path / "export")

    print(killed, dict(memory.seen))  # noqa: T201 - a drill's figures are what it is for
