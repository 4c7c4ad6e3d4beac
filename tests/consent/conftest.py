"""A log that a test may ruin, and a country with all its places: each in its own database."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

import consent
from consent.places import files, publish
from identity import create_app
from identity import settings as settings_module
from identity.settings import Settings
from tests import exchange
from tests.databases import Database, Databases
from tests.tampering import Log, Vandal


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
