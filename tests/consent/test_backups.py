"""`motlan backup` under load and `motlan restore`: nothing that was acknowledged is missing."""

import itertools
import json
import os
import shutil
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import func, select

from consent.audit import heads
from consent.audit.sequencer import sequence
from consent.ledger.records import Decision
from identity import database, sealing, settings, worker
from identity.entry import NOBODY
from identity.operations import backup, restore
from identity.operations.manifest import Manifest
from identity.trail import AccessEntry
from tests import exchange
from tests.deciding import an_asking_service, detail, signed_in
from tests.exchange import ask, decision, entries, fill_register, give, told
from tests.people import lan
from tests.restoring import runs
from tests.tampering import Log

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("programs")]
_cases = itertools.count(1)


@dataclass
class Crowd:
    """Four who decide and fetch, and the worker; each notes what it was told was done."""

    log: Log
    stop: threading.Event = field(default_factory=threading.Event)
    failed: list[BaseException] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)  # cases
    released: list[int] = field(default_factory=list)  # entry ids
    threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        exchange.publish_catalogues()
        for act in (self._decides, self._decides, self._fetches, self._fetches, self._works):
            turn = act()
            self.threads.append(threading.Thread(target=self._repeat, args=(turn,)))
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_told: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()
        assert not self.failed

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for it; whoever failed ends the waiting."""
        while not condition() and not self.failed:
            self.stop.wait(0.01)

    def _repeat(self, turn: Callable[[], None]) -> None:
        while not self.stop.is_set() and not self.failed:
            try:
                turn()
            except BaseException as error:  # noqa: BLE001 - told by the main thread
                self.failed.append(error)

    def _decides(self) -> Callable[[], None]:
        service = an_asking_service()
        citizen = signed_in(self.log.app.test_client(), lan())

        def turn() -> None:
            case = f"HS-{next(_cases)}"
            answer = citizen.is_asked(service, detail(case=case)).allow()
            assert answer.status_code == 303, answer.text
            self.decided.append(case)

        return turn

    def _fetches(self) -> Callable[[], None]:
        person, client = lan(), self.log.app.test_client()
        fill_register("land", told(person, "owns_dwelling", value=True))
        given = give(person, an_asking_service(), decision("owns_dwelling"))

        def turn() -> None:
            answer = ask(client, given)
            assert answer.status_code == 200, answer.json
            self.released.append(int(answer.json["entry"]["id"]))

        return turn

    def _works(self) -> Callable[[], None]:
        def turn() -> None:
            with worker.alone():
                sequence()
                heads.sign()

        return turn


def held() -> tuple[set[str], set[int]]:
    """The cases decided and the entries there, in the open database."""
    cases = {row.case for row in database.rows(select(Decision.case))}
    return cases, {row.id for row in database.rows(select(AccessEntry.id))}


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_bytes())


def test_what_was_acknowledged_before_a_backup_under_load_is_in_it(own_log, restoring, tmp_path):
    """Issue 3: four decide and fetch meanwhile; and an older state put back is noticed."""
    folder = tmp_path / "backup"
    with Crowd(own_log) as crowd:
        crowd.until(lambda: len(crowd.decided) >= 4 and len(crowd.released) >= 12)
        cases, ids = set(crowd.decided), set(crowd.released)
        done = runs(own_log.app, "backup", folder)
        after = len(crowd.decided), len(crowd.released)
        crowd.until(lambda: len(crowd.decided) > after[0] and len(crowd.released) > after[1])
    assert done.exit_code == 0, done.output
    own_log.is_placed()
    heads.sign()
    signed = heads.store().find().head.size

    second = restoring("second")
    back = runs(second, "restore", folder)

    assert back.exit_code == 0, back.output
    assert "the log is whole" in back.output
    assert runs(second, "log", "verify").exit_code == 0
    found = held()
    assert (cases - found[0], ids - found[1]) == (set(), set())
    assert len(found[1]) < len(set(crowd.released)) + signed  # it is an earlier moment
    _check_noticed(restoring, own_log, folder, signed)


def test_heads_signed_while_it_is_copied_are_no_loss(own_log, restoring, tmp_path, monkeypatch):
    """The second store is copied before the database, which goes on being signed meanwhile."""
    own_log.grows(3)
    copy_database = backup._copy_database

    def meanwhile(*told):
        own_log.grows(5)
        copy_database(*told)

    monkeypatch.setattr(backup, "_copy_database", meanwhile)
    done = runs(own_log.app, "backup", tmp_path / "backup")
    assert done.exit_code == 0, done.output
    assert manifest(tmp_path / "backup" / "data")["log"]["size"] == 3

    back = runs(restoring("second"), "restore", tmp_path / "backup")

    assert back.exit_code == 0, back.output
    assert "the log is whole" in back.output
    assert heads.store().find().head.size == 8
    assert heads.leaves_fault() is None


def _check_noticed(restoring, own_log, folder, signed):
    """Beside the second store of today the state of then is refused, until somebody says so."""
    third = own_log.settings.home / "today"
    third.mkdir()
    for name in ("log-head", "log-head.leaves"):
        shutil.copy(own_log.settings.log_head.with_name(name), third / name)
    app = restoring("third", MOTLAN_LOG_HEAD=str(third / "log-head"))

    back = runs(app, "restore", folder)

    assert back.exit_code == 1
    assert f"{third / 'log-head'} says that {signed} were signed" in back.output
    assert "`motlan log close`" in back.output
    start = "worker" if own_log.settings.is_postgresql else "serve"
    says = str(third / "log-head")
    for words, said in (([start], says), (["doctor"], says), (["log", "verify"], f"{signed} ent")):
        told = runs(app, *words)
        assert (told.exit_code, said in told.output) == (1, True), told.output

    closed = runs(app, "log", "close", "--reason", "the disk was lost")

    assert closed.exit_code == 0, closed.output
    assert "localhost:8000/log/2" in closed.output
    assert runs(app, "log", "verify").exit_code == 0
    (entry,) = [each for each in entries(NOBODY) if each.type == "log:closed"]
    assert entry.subject["size"] == signed


class TestTheFolder:
    @pytest.fixture
    def folder(self, own_log, tmp_path) -> Path:
        own_log.grows(3)
        done = runs(own_log.app, "backup", tmp_path / "backup")
        assert done.exit_code == 0, done.output
        return tmp_path / "backup"

    def test_it_is_two_halves_that_nobody_else_can_read(self, own_log, folder):
        """The secrets apart from what they open."""
        kept = {path.name for path in (folder / "data").iterdir()}

        file = "motlan.dump" if own_log.settings.is_postgresql else "motlan.db"
        assert kept == {"manifest.json", "log-head", "log-head.leaves", file}
        assert (folder / "secrets" / "key-ring.json").exists()
        assert modes(folder) == {0o600}
        for inner in (folder, *[path for path in folder.rglob("*") if path.is_dir()]):
            assert stat.S_IMODE(inner.stat().st_mode) == 0o700

    def test_its_manifest_says_what_and_when(self, own_log, folder):
        made = manifest(folder / "data")

        assert made["log"]["size"] == 3
        assert made["log"]["origin"] == own_log.settings.log_origin
        assert made["issuer"] == own_log.settings.issuer
        assert made["revision"]
        assert {each["path"] for each in made["files"]} >= {"log-head", "log-head.leaves"}
        assert made["id"] == manifest(folder / "secrets")["id"]

    def test_it_is_never_written_over(self, own_log, folder):
        again = runs(own_log.app, "backup", folder)

        assert (again.exit_code, "not empty" in again.output) == (1, True)
        assert manifest(folder / "data")["log"]["size"] == 3

    def test_what_fails_leaves_nothing_behind(self, own_log, tmp_path):
        (own_log.settings.secrets / "key-ring.json").chmod(0o644)

        failed = runs(own_log.app, "backup", tmp_path / "never")

        assert failed.exit_code == 1
        assert not [path for path in tmp_path.iterdir() if "never" in path.name]

    def test_secrets_kept_elsewhere_are_named(self, restoring, folder, tmp_path):
        apart = tmp_path / "another-disk"
        shutil.move(folder / "secrets", apart)
        app = restoring("second")

        without = runs(app, "restore", folder)
        done = runs(app, "restore", folder, "--secrets", apart)

        assert (without.exit_code, "cannot be read" in without.output) == (1, True)
        assert done.exit_code == 0, done.output
        assert modes(settings.current().secrets) == {0o600}
        restored = entries(database.row(select(AccessEntry.citizen_id)).citizen_id)
        assert restored[-1].type == "database:restored"

    def test_nothing_that_is_there_is_written_over(self, own_log, folder):
        """A database with tables in it, though it be the very one."""
        refused = runs(own_log.app, "restore", folder)

        assert (refused.exit_code, "not empty" in refused.output) == (1, True)
        assert database.row(select(func.count()).select_from(AccessEntry))[0] == 3

    def test_another_issuer_is_refused(self, restoring, folder):
        """Its log would be another's."""
        app = restoring("second", MOTLAN_ISSUER="http://localhost:8100")

        assert "MOTLAN_ISSUER is another" in runs(app, "restore", folder).output

    def test_what_is_restored_goes_on(self, restoring, folder):
        """On another PostgreSQL server too, whose transactions have other numbers."""
        runs(restoring("second"), "restore", folder)
        old = select(AccessEntry.xid).where(AccessEntry.type == "sign_in:succeeded")
        assert {row.xid for row in database.rows(old)} == {0}
        with worker.alone():
            while sequence():
                pass
            heads.sign()

        (size,) = [heads.store().find().head.size]
        assert size == 4  # with `database:restored`
        assert heads.refusal() is None


class TestAttacker:
    """Somebody at the shelf where the backups lie."""

    @pytest.fixture
    def folder(self, own_log, tmp_path) -> Path:
        own_log.grows(2)
        runs(own_log.app, "backup", tmp_path / "backup")
        return tmp_path / "backup"

    def refused(self, app, folder):
        told = runs(app, "restore", folder)
        assert told.exit_code == 1
        assert "Traceback" not in told.output
        return told.output

    def test_a_changed_file_is_named(self, restoring, folder):
        with (folder / "data" / "log-head").open("ab") as file:
            file.write(b"\n")

        assert "log-head is not what was backed up" in self.refused(restoring("second"), folder)

    def test_a_file_put_in_or_taken_out_is_named(self, restoring, folder):
        app = restoring("second")
        (folder / "secrets" / "mine").write_text("x")
        assert "mine was put in" in self.refused(app, folder)
        (folder / "secrets" / "mine").unlink()
        (folder / "data" / "log-head").unlink()
        assert "log-head is missing" in self.refused(app, folder)

    def test_a_link_is_not_followed(self, restoring, folder):
        head = folder / "data" / "log-head"
        head.rename(folder / "elsewhere")
        head.symlink_to(folder / "elsewhere")

        assert "no plain file" in self.refused(restoring("second"), folder)

    def test_a_changed_file_with_a_new_digest_lacks_the_seal(self, restoring, folder):
        """Without the secrets nobody can make a manifest that is believed."""
        made = manifest(folder / "data")
        made["made_at"] = "2030-01-01T00:00:00+00:00"
        (folder / "data" / "manifest.json").write_text(json.dumps(made))

        assert "or was changed" in self.refused(restoring("second"), folder)

    def test_what_is_exchanged_after_it_was_looked_at_is_not_used(
        self, restoring, folder, monkeypatch
    ):
        """Somebody waits until the digests were compared, and then puts in their own."""
        compare = restore._require_sealed

        def meanwhile(*told):
            for path in [*(folder / "data").iterdir(), *(folder / "secrets").rglob("*")]:
                if path.is_file():
                    path.write_bytes(b"theirs")
            compare(*told)

        monkeypatch.setattr(restore, "_require_sealed", meanwhile)

        back = runs(restoring("second"), "restore", folder)

        assert back.exit_code == 0, back.output
        assert database.row(select(func.count()).select_from(AccessEntry))[0] == 3
        home = settings.current().home
        assert not [path for path in home.rglob("*") if path.name.startswith(".restored")]

    def test_a_file_exchanged_before_it_is_read_is_named(self, restoring, folder, monkeypatch):
        """The names were looked at, the bytes not yet."""
        complete = Manifest.require_complete

        def meanwhile(made, place):
            complete(made, place)
            (folder / "data" / "log-head.leaves").write_bytes(bytes(64))

        monkeypatch.setattr(Manifest, "require_complete", meanwhile)
        app = restoring("second")

        assert "log-head.leaves is not what was backed up" in self.refused(app, folder)
        assert list(settings.current().home.iterdir()) == []

    def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(self, restoring, folder):
        (folder / "data" / "log-head").unlink()
        os.mkfifo(folder / "data" / "log-head")

        assert "log-head is no plain file" in self.refused(restoring("second"), folder)

    def test_secrets_of_another_do_not_stay(self, own_log, restoring, folder):
        """Else the next try would take them for those that were here."""
        (own_log.settings.secrets / "key-ring.json").unlink()
        sealing.forget()
        runs(own_log.app, "secrets", "init")
        ring = (own_log.settings.secrets / "key-ring.json").read_bytes()
        self.puts_in(folder / "secrets", "key-ring.json", ring)
        app = restoring("second")

        assert "or was changed" in self.refused(app, folder)
        assert list(settings.current().secrets.iterdir()) == []

    @staticmethod
    def puts_in(half, name, content):
        """A file with its digest; the seal is what it was."""
        (half / name).write_bytes(content)
        made = manifest(half)
        told = next(each for each in made["files"] if each["path"] == name)
        told |= {"size": len(content), "sha256": sha256(content).hexdigest()}
        (half / "manifest.json").write_text(json.dumps(made))

    def test_halves_of_two_backups_do_not_fit(self, own_log, restoring, folder, tmp_path):
        runs(own_log.app, "backup", tmp_path / "another")

        told = runs(
            restoring("second"), "restore", folder, "--secrets", tmp_path / "another" / "secrets"
        )

        assert "is of another backup" in told.output
