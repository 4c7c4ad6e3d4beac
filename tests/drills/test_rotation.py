"""Keys are rotated every ten seconds for two minutes, and no verification fails."""

from pathlib import Path

import pytest

from tests.databases import Databases
from tests.drills.rotating import KEPT_SECONDS, Record, rotate_for, services
from tests.drills.town import a_town
from tests.drills.verifying import READERS

ROTATIONS = 12  # two minutes


@pytest.mark.timeout(600)
# joserfc, of a name that OpenID Connect still uses.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_no_verification_fails_while_keys_change_under_load(databases: Databases, tmp_path: Path):
    """security-cases.md §11; three libraries that keep our keys exactly as long as we say."""
    record = Record()
    settings = {"MOTLAN_JWKS_SECONDS": str(KEPT_SECONDS)}

    with a_town(databases, tmp_path, people=len(READERS), services=services(), **settings) as town:
        fetched = rotate_for(town, ROTATIONS, record)

    figures = f"{ROTATIONS} rotations in {sum(record.seconds):.0f} s, {fetched} fetches of keys"
    print(figures, dict(record.verified))  # noqa: T201 - a drill's figures are what it is for
    assert record.failed == []
    assert all(record.verified[name] > 100 for name in READERS)
    assert len(record.keys) >= 4 * ROTATIONS
