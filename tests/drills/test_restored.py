"""An old copy of the database is put back, while the second store has seen more."""

from pathlib import Path

import pytest

from tests.databases import Databases
from tests.drills import backups, record
from tests.drills.town import Town, a_town, sign_in
from tests.drills.wire import Browser


def _signed_size(town: Town) -> int:
    record.until_sequenced(town)
    ((size,),) = record.rows(town.database, "SELECT max(size) FROM log_head")
    return int(size)


def _stop(town: Town) -> None:
    assert town.serving.stop() == 0


@pytest.mark.timeout(300)
def test_an_old_database_put_back_is_refused(databases: Databases, tmp_path: Path):
    """Design §7, the second store; security-cases.md §8, cases 54 and 56."""
    with a_town(databases, tmp_path / "town", people=2) as town:
        first, second = town.people
        assert sign_in(Browser(town.wire()), first) == "/my"
        before = _signed_size(town)
        _stop(town)
        kept = backups.copy(databases, town.database)

        town.serving.start()
        assert sign_in(Browser(town.wire()), second) == "/my"
        after = _signed_size(town)
        assert "whole:" in town.command("log", "verify")
        _stop(town)
        backups.put_back(databases, town.database, kept)

        assert after > before
        _check_refused(town, before=before, after=after)


def _check_refused(town: Town, *, before: int, after: int) -> None:
    """Each command says it in one line, with the file and the position; nothing is served."""
    store = str(town.home / "log-head")
    verdict = town.command("log", "verify", may_fail=True)
    assert f"position {before}: {after} entries were signed, {before} are here" in verdict

    found = town.command("doctor", may_fail=True)
    assert store in found
    assert str(before) in found
    assert str(after) in found

    said = len(town.serving.said())
    town.serving.start(wait=False)
    assert town.serving.process is not None
    assert town.serving.process.wait(timeout=30) != 0
    refusal = town.serving.said()[said:]
    assert store in refusal
    assert f"holds {before} sequenced entries" in refusal
    assert f"{after} were signed" in refusal
    assert "Traceback" not in refusal
    assert town.serving.status() is None
