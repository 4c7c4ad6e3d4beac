"""One installation for all clients of others, and one person whom they ask."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.clients.agencies import ALL_GRANTS, COUNTER, ROOT, Agency, agencies, written
from tests.clients.certifying_proxy import CertifyingProxy
from tests.clients.conversation import Conversation
from tests.clients.listener import Listener
from tests.clients.person import Person
from tests.databases import Databases
from tests.drills.town import Town, a_town
from tests.drills.wire import Browser
from tests.serving import free_port

Goes = Callable[..., Any]


@pytest.fixture(scope="session")
def listener() -> Iterator[Listener]:
    """Where some of the services are told of what happens here."""
    made = Listener()
    yield made
    made.close()


@pytest.fixture(scope="session")
def registered(listener: Listener) -> dict[str, Agency]:
    """The public services, by what is particular to each; some are told of what happens here."""
    pinged = {
        "grant_types": [COUNTER],
        "redirect_uris": [],
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": listener.address("answer"),
    }
    hearing = Agency(backchannel_logout_uri=listener.address("sign-out"))
    return agencies() | {"hearing": hearing, "counter-pinged": Agency(**pinged)}


@pytest.fixture(scope="session")
def proxy(
    registered: dict[str, Agency], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CertifyingProxy]:
    """Where certificates are asked for."""
    shown = [agency.certificate for agency in registered.values() if agency.certificate]
    made = CertifyingProxy(free_port(), tmp_path_factory.mktemp("proxy"), known=[ROOT, *shown])
    yield made
    made.close()


@pytest.fixture(scope="session")
def town(
    databases: Databases,
    registered: dict[str, Agency],
    proxy: CertifyingProxy,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Town]:
    """It runs for all tests of this folder: starting it takes longer than they do."""
    services = [agency.registration for agency in registered.values()]
    home = tmp_path_factory.mktemp("clients")
    (home / "anchors.pem").write_text(written(ROOT)["cert"])
    more = {
        "MOTLAN_TRUSTED_PROXIES": "127.0.0.1",
        "MOTLAN_MTLS_ORIGIN": f"https://localhost:{proxy.port}",
        "MOTLAN_CLIENT_CA": str(home / "anchors.pem"),
        "MOTLAN_OUTBOUND_ALLOW": "localhost,127.0.0.1",
    }
    with a_town(databases, home, people=3, services=services, **more) as made:
        proxy.to = made.serving.port
        yield made


@pytest.fixture(scope="session")
def initial(town: Town) -> str:
    """What an operator gave an organisation, so that it may register services by itself."""
    organisation = ("--organisation", "O1.H7", "--name", "Sở Tư pháp", "--level", "province")
    allowed = ("--uses", "20", *(f"--grant-type={name}" for name in ALL_GRANTS))
    told = town.command("services", "token", *organisation, "--block", "government", *allowed)
    token: str = json.loads(told)["token"]
    return token


@pytest.fixture(scope="session")
def lan(town: Town) -> Person:
    """She stays signed in in her browser."""
    return Person(town.serving.issuer, Browser(town.wire()), town.people[0])


@pytest.fixture(scope="session")
def openid_client() -> Iterator[Conversation]:
    """The program that goes all ways."""
    made = Conversation()
    yield made
    made.close()


@pytest.fixture
def goes(
    town: Town,
    registered: dict[str, Agency],
    proxy: CertifyingProxy,
    lan: Person,
    openid_client: Conversation,
) -> Goes:
    """openid-client goes a way as one of the public services; what it saw."""

    def go(way: str, who: str, person: Person = lan, **more: Any) -> Any:
        told = registered[who].told() | {"issuer": town.serving.issuer}
        if told["tls"]:
            told["tls"]["ca"] = proxy.certificate.read_text()
            told["metadata"]["use_mtls_endpoint_aliases"] = True
        told["is_public"] = told["method"] == "none"
        return openid_client.went(told | more | {"way": way}, person.open)

    return go
