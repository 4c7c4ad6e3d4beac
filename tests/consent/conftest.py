"""A log that a test may ruin: a database, a second store and keys of its own."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from identity import settings as settings_module
from identity.settings import Settings
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
