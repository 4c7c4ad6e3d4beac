"""`motlan doctor`: one line a fault, exit 1; each fault is made and must be told."""

import dataclasses
import shutil
from datetime import timedelta

import pytest
import time_machine
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import delete

from consent.audit import heads
from consent.audit.second_store import HeadError
from consent.audit.sequencer import sequence
from identity import clock, database, doctor, files, log_keys, records, sealing, trail, worker
from identity import settings as settings_module
from identity.database import transaction
from identity.entry import Who
from identity.signing import keys
from migrations.protection import APPEND_ONLY, KEYS
from tests.certified import certificate
from tests.tampering import Vandal


@pytest.fixture
def ours(another_app, fresh_database, databases, settings, tmp_path):
    """An installation of its own that is well: migrated, with secrets, its worker at work."""
    made = fresh_database()
    shutil.copytree(settings.secrets, tmp_path / "secrets")
    told = {"MOTLAN_HOME": str(tmp_path), "MOTLAN_DEMO": "1", "MOTLAN_PROCESSES": "1"}
    chosen = settings_module.read(told | made.environment)
    app = another_app(chosen)
    sealing.forget()
    worker.probe()
    yield dataclasses.make_dataclass("Installation", ["app", "settings", "vandal"])(
        app, chosen, Vandal(databases, made)
    )
    sealing.forget()


def change(ours, **told):
    """The same installation under other settings."""
    settings_module.install(dataclasses.replace(ours.settings, **told))


def faults():
    return list(doctor.faults())


def test_an_installation_that_is_well_has_no_fault(ours):
    assert faults() == []

    done = ours.app.test_cli_runner().invoke(args=["doctor"])

    assert (done.exit_code, done.output) == (0, "all is well\n")


def test_a_fault_is_one_line_and_exit_one(ours):
    (ours.settings.secrets / "key-ring.json").chmod(0o644)
    sealing.forget()

    done = ours.app.test_cli_runner().invoke(args=["doctor"])

    assert done.exit_code == 1
    (line,) = done.output.splitlines()
    assert line.startswith("secrets: ")
    assert "chmod" in line


def test_an_https_issuer_behind_nobody_who_is_trusted(ours):
    """Else the address of the proxy is everybody's, and one guesser locks all of them out."""
    change(ours, issuer="https://id.example.vn")

    told = [fault for fault in faults() if fault.startswith("settings: ")]

    assert len(told) == 1
    assert "MOTLAN_TRUSTED_PROXIES" in told[0]


def test_a_home_that_is_not_there(ours):
    change(ours, home=ours.settings.home / "gone")

    assert "settings: " in faults()[0]
    assert "MOTLAN_HOME" in faults()[0]


def test_a_disk_that_is_full(ours, monkeypatch):
    full = doctor.shutil._ntuple_diskusage(10**9, 10**9 - 5, 5)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _folder: full)

    assert faults() == [f"disk: 0 MB are free in {ours.settings.home}: make room"]


def test_a_duty_that_gets_nowhere_while_the_worker_lives(ours):  # noqa: ARG001 - it must be well otherwise
    with transaction():
        worker.mark("purge", "0")
    with time_machine.travel(clock.now() + timedelta(minutes=10)):
        worker.probe()

        told = [fault for fault in faults() if not fault.startswith("clock: ")]

    assert told == ["duties: purge: no turn ended well for long; see the log"]


def test_secrets_that_others_may_enter(ours):
    ours.settings.secrets.chmod(0o755)

    (fault,) = faults()

    assert "0700" in fault


def test_secrets_that_are_gone(ours):
    shutil.rmtree(ours.settings.secrets)
    sealing.forget()

    assert any(fault.startswith("secrets: ") for fault in faults())


def test_a_log_key_that_others_may_read(ours):
    (ours.settings.secrets / log_keys.FOLDER / log_keys.KEY_FILE).chmod(0o640)
    log_keys._parsed.cache_clear()

    assert "0600" in faults()[0]


def test_a_second_store_that_cannot_be_written(ours):
    change(ours, log_head=ours.settings.home / "nowhere" / "log-head")

    assert any("MOTLAN_LOG_HEAD" in fault for fault in faults())


def test_a_host_without_an_address(ours, monkeypatch):
    monkeypatch.setattr(doctor.socket, "getaddrinfo", _nobody)
    change(ours, outbound_allow=("registry.test", "10.0.0.0/8"))

    assert faults() == ["outbound: no address for registry.test: see MOTLAN_OUTBOUND_ALLOW"]


def _nobody(*_args):
    raise OSError("no such host")


@pytest.mark.parametrize(("days", "is_told"), [(40, False), (20, True), (-1, True)])
def test_an_authority_for_services_that_ends(ours, tmp_path, days, is_told):
    anchors = tmp_path / "anchors.pem"
    ending = certificate("CN=authority", days=(-90, days))
    anchors.write_bytes(ending.made.public_bytes(Encoding.PEM))
    change(ours, client_ca=anchors)

    assert any(fault.startswith("certificates: an authority in ") for fault in faults()) is is_told


def test_tables_of_another_version(ours):
    ours.vandal.does("UPDATE alembic_version SET version_num = '0001_citizens'")

    (fault,) = faults()

    assert "db upgrade" in fault


def test_a_worker_that_is_gone(ours):  # noqa: ARG001 - it must be well otherwise
    with time_machine.travel(clock.now() + timedelta(seconds=30)):
        told = [fault for fault in faults() if fault.startswith("worker: ")]

    assert len(told) == 1
    assert "motlan serve" in told[0]


def test_a_worker_that_never_was(ours):  # noqa: ARG001 - as above
    with transaction():
        database.write(delete(worker.WorkerState))

    assert faults() == ["worker: it never ran: start `motlan serve`"]


def test_a_protection_that_was_taken_away(ours):
    if ours.settings.is_postgresql:
        ours.vandal.does("ALTER TABLE access_entry DISABLE TRIGGER append_only")
        named = ["access_entry"]
    else:
        ours.vandal.tells("SELECT 1")  # it drops every trigger to come in
        named = list(APPEND_ONLY)

    (fault,) = faults()

    assert fault.startswith("protection: " + ", ".join(named))


@pytest.mark.postgresql
@pytest.mark.parametrize("right", ["UPDATE", "DELETE", "TRUNCATE"])
@pytest.mark.parametrize("table", ["access_entry", "entry_key", "decision"])
def test_an_app_role_that_may_rewrite_history(ours, right, table):
    ours.vandal.does(f"GRANT {right} ON {table} TO {ours.settings.app_role}")

    assert faults() == [f"roles: the app role can rewrite {table}: run `motlan db upgrade`"]


@pytest.mark.postgresql
def test_an_app_role_that_lacks_a_right(ours):
    ours.vandal.does(f"REVOKE INSERT ON access_entry FROM {ours.settings.app_role}")

    assert "roles: the app role cannot use access_entry: run `motlan db upgrade`" in faults()


@pytest.mark.postgresql
def test_an_app_role_that_owns_the_tables_serves_nobody_but_this_machine(ours, another_app):
    another_app(dataclasses.replace(ours.settings, database_url=ours.settings.database_owner_url))
    assert faults() == []

    settings_module.install(
        dataclasses.replace(settings_module.current(), issuer="https://id.example.vn")
    )
    assert "roles: the app role owns the tables" in "\n".join(faults())


@pytest.mark.postgresql
def test_a_database_that_was_loaded_into_another_server(ours):
    """The order of the log would wait for transactions of the old one (design §7)."""
    trail.record("sign_in:succeeded", Who())
    assert faults() == []

    ours.vandal.does("UPDATE access_entry SET xid = xid + 1000000000000")

    (fault,) = faults()
    assert fault.startswith("server: the database was loaded into another server by hand")


@pytest.mark.postgresql
def test_rights_are_those_of_the_tables_that_are_guarded(ours):  # noqa: ARG001 - it must be open
    assert records.excess_rights(("worker_state",)) == ["worker_state"]
    assert records.excess_rights((*APPEND_ONLY, *KEYS)) == []


def test_clocks_that_disagree(ours, monkeypatch):  # noqa: ARG001 - it must be well otherwise
    monkeypatch.setattr(records, "present", lambda: clock.now() + timedelta(seconds=90))

    (fault,) = faults()

    assert fault.startswith("clock: ")
    assert "+90 s" in fault


@pytest.mark.postgresql
def test_the_server_tells_its_own_clock(ours):  # noqa: ARG001 - it must be open
    assert abs(records.present() - clock.now()) < timedelta(seconds=5)


def test_a_log_behind_its_second_store(ours, monkeypatch):  # noqa: ARG001 - as above
    def behind(_where):
        raise HeadError("restore a newer backup")

    monkeypatch.setattr(heads, "_agreed", behind)

    assert faults() == ["log head: restore a newer backup"]


def test_leaves_of_the_log_that_were_changed(ours):
    """The length is looked at on every start; the bytes here."""
    trail.record("sign_in:succeeded", Who())
    while sequence():
        pass
    heads.sign()
    kept = ours.settings.log_head.with_name("log-head.leaves")
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)

    assert faults() == [f"log leaves: {kept} is not what was signed: run `motlan log verify`"]


def test_a_check_that_breaks_is_a_fault_without_its_text(ours, monkeypatch):  # noqa: ARG001 - as above
    def breaks():
        raise RuntimeError("097188000001")

    monkeypatch.setattr(worker, "last", lambda _duty: breaks())

    assert faults() == ["worker: could not be looked at (RuntimeError)"]


def test_a_database_that_cannot_be_reached_is_one_fault(ours, monkeypatch):  # noqa: ARG001 - as above
    monkeypatch.setattr(doctor.schema, "fault", lambda: "the database cannot be reached")

    assert faults() == ["database: the database cannot be reached"]


def test_every_loose_file_of_the_keys_is_told(ours):
    folder = ours.settings.secrets / keys.FOLDER
    folder.chmod(0o755)
    keys._opened.cache_clear()

    assert any(f.startswith("secrets: ") for f in faults())
    with pytest.raises(files.UnsafeFileError):
        files.require_private_folder(folder)
