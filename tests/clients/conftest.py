"""One installation for all clients of others, and one person whom they ask."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.clients.agencies import Agency, agencies
from tests.clients.conversation import went
from tests.clients.person import Person
from tests.databases import Databases
from tests.drills.town import Town, a_town
from tests.drills.wire import Browser

Goes = Callable[..., Any]


@pytest.fixture(scope="session")
def registered() -> dict[str, Agency]:
    """The public services, by what is particular to each."""
    return agencies()


@pytest.fixture(scope="session")
def town(
    databases: Databases,
    registered: dict[str, Agency],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Town]:
    """It runs for all tests of this folder: starting it takes longer than they do."""
    services = [agency.registration for agency in registered.values()]
    home = tmp_path_factory.mktemp("clients")
    with a_town(databases, home, people=2, services=services) as made:
        yield made


@pytest.fixture(scope="session")
def lan(town: Town) -> Person:
    """She stays signed in in her browser."""
    return Person(town.serving.issuer, Browser(town.wire()), town.people[0])


@pytest.fixture
def goes(town: Town, registered: dict[str, Agency], lan: Person) -> Goes:
    """openid-client goes a way as one of the public services; what it saw."""

    def go(way: str, who: str, person: Person = lan, **more: Any) -> Any:
        told = registered[who].told() | {"issuer": town.serving.issuer, "is_public": who == "app"}
        return went(way, told | more, person.open)

    return go
