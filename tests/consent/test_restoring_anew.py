"""`motlan restore` on a machine that has nothing yet."""

import pytest

from identity import settings
from tests.restoring import runs

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("programs")]


def test_a_backup_makes_the_home_that_a_new_machine_lacks(own_log, restoring, tmp_path):
    """By default a SQLite database stands in it, and cannot be asked whether it is empty."""
    own_log.grows(3)
    assert runs(own_log.app, "backup", tmp_path / "backup").exit_code == 0
    home = tmp_path / "new" / "home"
    there = {"MOTLAN_HOME": str(home)}
    if not own_log.settings.is_postgresql:
        there["MOTLAN_DATABASE_URL"] = f"sqlite:///{home}/motlan.db"
    app = restoring("second", **there)

    done = runs(app, "restore", tmp_path / "backup")

    assert done.exit_code == 0, done.output
    assert settings.current().home == home
    assert home.stat().st_mode & 0o777 == 0o700
