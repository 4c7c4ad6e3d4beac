"""Settings: typed, and half or contradictory ones stop the start with one clear line."""

import dataclasses
from ipaddress import ip_network
from pathlib import Path

import pytest

from identity import schema, settings
from identity.settings import SettingsError, read

PUBLIC = {
    "MOTLAN_ISSUER": "https://id.example.vn",
    "MOTLAN_DATABASE_URL": "postgresql://app:hunter2@db/motlan",
    "MOTLAN_DATABASE_OWNER_URL": "postgresql://owner:hunter3@db/motlan",
}


def test_nothing_set_is_a_whole_configuration_for_one_machine(tmp_path, monkeypatch):
    """The contract's defaults."""
    monkeypatch.chdir(tmp_path)

    found = read({})

    assert found.issuer == "http://localhost:8000"
    assert found.bind == "127.0.0.1:8000"
    assert found.sample_bind == "127.0.0.1:8001"
    assert found.home == tmp_path / "var"
    assert found.database_url == f"sqlite:///{tmp_path}/var/motlan.db"
    assert found.database_owner_url == found.database_url
    assert found.secrets == tmp_path / "var" / "secrets"
    assert found.log_head == tmp_path / "var" / "log-head"
    assert (found.processes, found.pool_size, found.server) == (1, 8, "motlan")
    assert found.body_seconds == 30
    assert (found.argon2_time, found.argon2_memory_kib, found.argon2_parallel) == (2, 19456, 1)
    assert (found.demo, found.express_lane, found.metrics_bind) == (False, True, None)
    assert (found.outbound_allow, found.trusted_proxies) == ((), ())


@pytest.mark.parametrize("name", ["a%20b", "100%", "why?", "nhà của tôi", "a#b&c:d@e'f"])
def test_the_database_lies_in_its_home_whatever_that_is_called(tmp_path, another_app, name):
    """A folder's name is no part of a URL: nothing of it is decoded or taken for a query."""
    (tmp_path / name).mkdir()

    another_app(read({"MOTLAN_HOME": str(tmp_path / name)}))
    schema.fault()

    assert [each.name for each in (tmp_path / name).glob("*.db")] == ["motlan.db"]


def test_a_public_configuration_is_read_whole():
    found = read(
        PUBLIC
        | {
            "MOTLAN_BIND": "[::]:443",
            "MOTLAN_PROCESSES": "6",
            "MOTLAN_SAMPLE_BIND": "",
            "MOTLAN_METRICS_BIND": "127.0.0.1:9100",
            "MOTLAN_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "MOTLAN_OUTBOUND_ALLOW": "Registers.Example.vn, 10.1.0.0/16, 127.0.0.1",
            "MOTLAN_EXPRESS_LANE": "0",
            "MOTLAN_SERVER": "gunicorn",
            "MOTLAN_ARGON2": "t=3,m=65536,p=2",
            "MOTLAN_LOG_LEVEL": "warning",
        }
    )

    assert (found.is_https, found.is_loopback, found.is_postgresql) == (True, False, True)
    assert found.host == "id.example.vn"
    assert found.api_audience == "https://id.example.vn/api"
    assert found.log_origin == "id.example.vn/log/1"
    assert (found.processes, found.sample_bind, found.metrics_bind) == (6, None, "127.0.0.1:9100")
    assert found.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert found.outbound_allow == ("registers.example.vn", "10.1.0.0/16", "127.0.0.1")
    assert (found.express_lane, found.server, found.log_level) == (False, "gunicorn", "warning")
    assert (found.argon2_time, found.argon2_memory_kib, found.argon2_parallel) == (3, 65536, 2)


def test_postgresql_gets_a_process_for_each_core(monkeypatch):
    monkeypatch.setattr(settings.readings, "cores", lambda: 7)

    assert read({"MOTLAN_DATABASE_URL": "postgresql://app@db/motlan"}).processes == 7


def test_the_log_origin_keeps_the_port():
    assert read({"MOTLAN_ISSUER": "http://[::1]:8000"}).log_origin == "[::1]:8000/log/1"


def test_one_trailing_slash_is_no_part_of_the_issuer():
    assert read({"MOTLAN_ISSUER": "http://localhost:8000/"}).issuer == "http://localhost:8000"


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"MOTLAN_ISUER": "x"}, "MOTLAN_ISUER is not a setting; did you mean MOTLAN_ISSUER?"),
        (
            {"MOTLAN_WXYZWXYZWXYZ": "x"},
            "MOTLAN_WXYZWXYZWXYZ is not a setting; docs/settings.md lists them",
        ),
        ({"MOTLAN_HOME": " "}, "MOTLAN_HOME is empty; unset it to have its default"),
        (
            {"MOTLAN_ISSUER": "http://id.example.vn"},
            "MOTLAN_ISSUER must be https, except on a loopback host",
        ),
        (
            {"MOTLAN_ISSUER": "https://localhost.example.vn@evil/"},
            "MOTLAN_ISSUER: must be scheme, host and port only, without path, query or account",
        ),
        (
            {"MOTLAN_ISSUER": "https://id.example.vn/motlan"},
            "MOTLAN_ISSUER: must be scheme, host and port only, without path, query or account",
        ),
        (
            {"MOTLAN_ISSUER": "https://id.example.vn?"},
            "MOTLAN_ISSUER: must be scheme, host and port only, without path, query or account",
        ),
        (
            {"MOTLAN_ISSUER": "id.example.vn"},
            "MOTLAN_ISSUER: must look like https://id.example.vn",
        ),
        (
            {"MOTLAN_ISSUER": "https://ID.example.vn"},
            "MOTLAN_ISSUER: must be written in lower case: services compare it byte for byte",
        ),
        (
            {"MOTLAN_ISSUER": "https://id.example.vn:0"},
            "MOTLAN_ISSUER: the port must be a number from 1 to 65535",
        ),
        ({"MOTLAN_BODY_SECONDS": "0"}, "MOTLAN_BODY_SECONDS: must be a whole number from 1"),
        (
            {"MOTLAN_BIND": "8000"},
            "MOTLAN_BIND: must look like 127.0.0.1:8000 or [::1]:8000",
        ),
        (
            {"MOTLAN_BIND": "::1:8000"},
            "MOTLAN_BIND: must look like 127.0.0.1:8000 or [::1]:8000",
        ),
        ({"MOTLAN_BIND": "0.0.0.0:x"}, "MOTLAN_BIND: the port must be a number from 1 to 65535"),
        ({"MOTLAN_BIND": "a b:80"}, "MOTLAN_BIND: 'a b' is not a host name or an address"),
        ({"MOTLAN_BIND": "999.1.1.1:80"}, "MOTLAN_BIND: '999.1.1.1' is not a host name"),
        (
            {"MOTLAN_SAMPLE_BIND": "127.0.0.1:8000"},
            "MOTLAN_BIND, MOTLAN_SAMPLE_BIND and MOTLAN_METRICS_BIND must be different places",
        ),
        (
            {"MOTLAN_MTLS_ORIGIN": "https://mtls.example.vn"},
            "MOTLAN_MTLS_ORIGIN needs MOTLAN_TRUSTED_PROXIES: only they tell of certificates",
        ),
        (
            {"MOTLAN_MTLS_ORIGIN": "http://localhost:8000", "MOTLAN_TRUSTED_PROXIES": "::1"},
            "MOTLAN_MTLS_ORIGIN must be another address than MOTLAN_ISSUER; unset it",
        ),
        (
            {"MOTLAN_MTLS_ORIGIN": "http://mtls.example.vn", "MOTLAN_TRUSTED_PROXIES": "::1"},
            "MOTLAN_MTLS_ORIGIN must be https: a certificate comes with TLS",
        ),
        (
            {"MOTLAN_CLIENT_CA": "/nowhere/ca.pem", "MOTLAN_TRUSTED_PROXIES": "::1"},
            "MOTLAN_CLIENT_CA: cannot be read: No such file or directory",
        ),
        (
            {"MOTLAN_CLIENT_CA": __file__, "MOTLAN_TRUSTED_PROXIES": "::1"},
            "MOTLAN_CLIENT_CA: must be a PEM file of certificates",
        ),
        (
            {"MOTLAN_TRUSTED_PROXIES": "10.0.0.1/8"},
            "MOTLAN_TRUSTED_PROXIES: '10.0.0.1/8' is not a network such as 10.0.0.0/8",
        ),
        (
            {"MOTLAN_OUTBOUND_ALLOW": "10.0.0.0/99"},
            "MOTLAN_OUTBOUND_ALLOW: '10.0.0.0/99' is not a network such as 10.0.0.0/8",
        ),
        (
            {"MOTLAN_OUTBOUND_ALLOW": "-bad-.vn"},
            "MOTLAN_OUTBOUND_ALLOW: '-bad-.vn' is not a host name or an address",
        ),
        (
            {"MOTLAN_PROCESSES": "2"},
            "MOTLAN_PROCESSES must be 1 on SQLite: its one web process is also the worker",
        ),
        (
            {"MOTLAN_PROCESSES": "many"},
            "MOTLAN_PROCESSES: must be a whole number from 1 to 1024",
        ),
        ({"MOTLAN_POOL_SIZE": "0"}, "MOTLAN_POOL_SIZE: must be a whole number from 1 to 1024"),
        ({"MOTLAN_DEMO": "yes"}, "MOTLAN_DEMO: must be 1 or 0"),
        ({"MOTLAN_SERVER": "bjoern"}, "MOTLAN_SERVER: must be one of motlan, gunicorn"),
        (
            {"MOTLAN_SERVER": "granian"},
            "MOTLAN_SERVER: granian is gone; unset it to have the server of our own",
        ),
        (
            {"MOTLAN_LOG_LEVEL": "loud"},
            "MOTLAN_LOG_LEVEL: must be one of debug, info, warning, error",
        ),
        ({"MOTLAN_ARGON2": "m=1"}, "MOTLAN_ARGON2: must look like t=2,m=19456,p=1"),
        ({"MOTLAN_ARGON2": "t=0,m=64,p=1"}, "MOTLAN_ARGON2: needs t and p of at least 1"),
        (
            PUBLIC | {"MOTLAN_ARGON2": "t=1,m=64,p=1"},
            "MOTLAN_ARGON2 must be at least t=2,m=19456,p=1, except on a loopback issuer",
        ),
        (
            PUBLIC | {"MOTLAN_DEMO": "1"},
            "MOTLAN_DEMO=1 has fixed codes; it needs an issuer on a loopback host or under .test",
        ),
        (
            {name: PUBLIC[name] for name in ("MOTLAN_ISSUER", "MOTLAN_DATABASE_URL")},
            "MOTLAN_DATABASE_OWNER_URL must name a second role",
        ),
        (
            PUBLIC | {"MOTLAN_DATABASE_OWNER_URL": PUBLIC["MOTLAN_DATABASE_URL"]},
            "MOTLAN_DATABASE_OWNER_URL must name a second role",
        ),
        (
            PUBLIC | {"MOTLAN_DATABASE_OWNER_URL": "sqlite:////tmp/x.db"},
            "MOTLAN_DATABASE_OWNER_URL must reach the same PostgreSQL as MOTLAN_DATABASE_URL",
        ),
        (
            {"MOTLAN_DATABASE_OWNER_URL": "postgresql://owner@db/motlan"},
            "MOTLAN_DATABASE_OWNER_URL is of no use on SQLite, which has no roles; unset it",
        ),
        (
            {"MOTLAN_DATABASE_URL": "sqlite:////srv/x", "MOTLAN_LOG_HEAD": "/srv/x"},
            "MOTLAN_LOG_HEAD must be another file than the database, whose state it witnesses",
        ),
        (
            {"MOTLAN_HOME": "/srv/50%", "MOTLAN_LOG_HEAD": "/srv/50%/motlan.db"},
            "MOTLAN_LOG_HEAD must be another file than the database, whose state it witnesses",
        ),
    ],
)
def test_half_or_contradictory_configuration_is_refused_in_one_line(environ, line):
    """The contract: unknown or contradictory settings stop the start with one clear line."""
    with pytest.raises(SettingsError) as refusal:
        read(environ)

    assert str(refusal.value).startswith(line)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://app:hunter2@db/motlan",
        "postgres://app:hunter2@db/motlan",
        "postgresql://app:hunter2@db",
        "postgresql://app:hunter2@[::1/motlan",
        "postgresql://app:hunter2@db\u2100/motlan",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///x.db?mode=ro",
    ],
)
def test_an_unusable_database_url_is_refused_without_being_repeated(url):
    """It may hold a password (design §2.8)."""
    with pytest.raises(SettingsError, match=r"must look like sqlite:////path/file\.db") as refusal:
        read({"MOTLAN_DATABASE_URL": url})

    assert "hunter2" not in str(refusal.value)


def test_printed_settings_hold_no_password():
    assert "hunter" not in repr(read(PUBLIC))


@pytest.mark.parametrize(
    "issuer", ["http://localhost:8000", "https://127.0.0.1", "http://[::1]", "https://motlan.test"]
)
def test_the_demo_is_allowed_where_nobody_else_can_come(issuer):
    assert read({"MOTLAN_ISSUER": issuer, "MOTLAN_DEMO": "1"}).demo


def test_https_on_sqlite_needs_no_second_role():
    assert read({"MOTLAN_ISSUER": "https://motlan.test"}).is_https


def test_a_relative_sqlite_path_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert read({"MOTLAN_DATABASE_URL": "sqlite:///x.db"}).database_url == (
        f"sqlite:///{tmp_path}/x.db"
    )


def test_names_of_others_and_of_the_tests_are_left_alone():
    read({"PATH": "/bin", "MOTLAN_TEST_DATABASE_URL": "x", "MOTLAN_SUPERVISOR": "1"})


def test_settings_cannot_be_changed_afterwards():
    found = read({})

    with pytest.raises(dataclasses.FrozenInstanceError):
        found.home = Path("/elsewhere")


def test_current_settings_are_those_installed(monkeypatch):
    monkeypatch.setattr(settings, "_installed", None)
    with pytest.raises(RuntimeError, match="create_app"):
        settings.current()

    settings.install(found := read({}))

    assert settings.current() is found


@pytest.mark.parametrize(
    ("url", "role"),
    [
        ("postgresql://motlan%5Fapp:x@db/motlan", "motlan_app"),
        ("postgresql:///motlan?host=/run/pg&user=motlan_app", "motlan_app"),
        ("postgresql://db/motlan", None),
        ("sqlite:////srv/motlan.db", None),
    ],
)
def test_the_app_role_is_read_from_its_url(url, role):
    """`db upgrade` grants to it."""
    assert read({"MOTLAN_DATABASE_URL": url}).app_role == role


@pytest.mark.parametrize(
    ("place", "parts"), [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:8000", ("::1", 8000))]
)
def test_a_place_splits_into_what_a_socket_takes(place, parts):
    assert settings.readings.split(place) == parts
