"""A running service that several files besiege; it stands all of that, so one is enough."""

from collections.abc import Iterator

import pytest

from tests import leaks
from tests.databases import Databases
from tests.serving import Serving


@pytest.fixture(scope="session")
def served(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """`motlan serve` with one web process, until the last test is over."""
    home = tmp_path_factory.mktemp("served") / "home"
    serving = Serving(databases, databases.copy(), home, MOTLAN_PROCESSES="1")
    yield serving.start()
    serving.clear()
    assert not leaks.in_log(serving.said())
