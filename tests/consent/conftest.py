"""Who most tests here need: catalogues, Lan at a browser, a service, an officer; and databases."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

import consent
from consent.places import files, publish
from identity import create_app
from identity import settings as settings_module
from identity.settings import Settings
from tests import exchange
from tests.databases import Database, Databases
from tests.deciding import Citizen, an_asking_service, signed_in
from tests.desks import at_the_desk
from tests.people import Officer, a_security_officer, lan
from tests.public_services import Played
from tests.restoring import Elsewhere, another_server, client_programs
from tests.tampering import Log, Vandal


@pytest.fixture(scope="module")
def catalogues(app: Flask) -> None:
    """What can be asked for, and by which procedure."""
    with app.app_context():
        exchange.publish_catalogues()


@pytest.fixture
def her(client: FlaskClient) -> Citizen:
    """Lan, signed in."""
    return signed_in(client, lan())


@pytest.fixture
def service() -> Played:
    """A public service that asks for the usual procedure."""
    return an_asking_service()


@pytest.fixture
def officer() -> Officer:
    """A security officer; nobody else's."""
    return a_security_officer()


@pytest.fixture
def theirs(app: Flask, officer: Officer) -> FlaskClient:
    """The officer's browser, signed in."""
    return at_the_desk(app, officer)


@pytest.fixture
def own_log(
    another_app: Callable[[Settings], Flask],
    fresh_database: Callable[[], Database],
    databases: Databases,
    settings: Settings,
    tmp_path: Path,
) -> Log:
    """An app on a fresh database, and somebody who can change what is in it."""
    made = fresh_database()
    shutil.copytree(settings.secrets, tmp_path / "secrets")
    chosen = settings_module.read(
        {
            "MOTLAN_HOME": str(tmp_path),
            "MOTLAN_DEMO": "1",
            "MOTLAN_ARGON2": "t=1,m=64,p=1",
            "MOTLAN_PROCESSES": "1",
        }
        | made.environment
    )
    return Log(another_app(chosen), chosen, Vandal(databases, made))


@pytest.fixture(scope="session")
def another_machine(databases: Databases) -> Iterator[Databases]:
    """Databases where nobody has been yet: on PostgreSQL, of another server."""
    with another_server(databases) as found:
        yield found


@pytest.fixture
def programs(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's client programs are on the path."""
    if databases.server is None:
        return
    found = client_programs()
    if found is None:
        pytest.skip("no pg_dump")
    monkeypatch.setenv("PATH", f"{found}:/usr/bin:/bin")


@pytest.fixture
def restoring(
    another_machine: Databases,
    another_app: Callable[[Settings], Flask],
    own_log: Log,
    tmp_path: Path,
) -> Elsewhere:
    """Makes places where a backup of `own_log` may be put back."""
    return Elsewhere(another_machine, own_log.settings.issuer, tmp_path, another_app)


@pytest.fixture(scope="module")
def country(
    app: Flask,
    databases: Databases,
    settings: Settings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Flask]:
    """An app of the module's own that knows every place; no other test has to read them all."""
    home = tmp_path_factory.mktemp("country")
    shutil.copytree(settings.secrets, home / "secrets")
    chosen = settings_module.read(
        {
            "MOTLAN_HOME": str(home),
            "MOTLAN_DEMO": "1",
            "MOTLAN_ARGON2": "t=1,m=64,p=1",
            "MOTLAN_PROCESSES": "1",
        }
        | databases.copy().environment
    )
    made = create_app(chosen, joins=[consent])
    made.test_client_class = app.test_client_class
    exchange.publish_catalogues()
    publish.publish(files.packaged())
    yield made
    create_app(settings, joins=[consent])
