"""Who most files need, and a running service that several besiege: it stands that, so one."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests import leaks
from tests.counter import Clerk, a_clerk
from tests.databases import Databases
from tests.people import Somebody, lan
from tests.serving import Serving


@pytest.fixture
def person(app: Flask) -> Somebody:  # noqa: ARG001 - people live in an app's database
    """Somebody new, able to sign in."""
    return lan()


@pytest.fixture
def clerk(app: Flask) -> Clerk:
    """A counter officer, signed in."""
    return a_clerk(app)


@pytest.fixture(scope="session")
def served(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """`motlan serve` with one web process, until the last test is over."""
    home = tmp_path_factory.mktemp("served") / "home"
    serving = Serving(databases, databases.copy(), home, MOTLAN_PROCESSES="1")
    yield serving.start()
    serving.clear()
    assert not leaks.in_log(serving.said())
