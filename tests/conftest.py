"""The suite's ground: one database a process, one app, and a loud word about what was left out."""

import fcntl
import gc
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

import consent
from identity import create_app
from identity import database as open_database
from identity import settings as settings_module
from identity.settings import Settings
from tests import softhsm
from tests.clients import programs
from tests.databases import Database, Databases
from tests.postgres import NoPostgresError, PrivateServer, Server

pytest_plugins = ["tests.rules", "tests.leaks", "tests.compiled"]
# Looking for garbage among all modules and thousands of tests is a third of loading them.
gc.disable()

# Room for the databases of a whole run. Nothing here pulls a plug, so memory is disk enough; only
# the fault drills write to the real one.
MEMORY = "/dev/shm"  # noqa: S108 - a folder that nobody guesses is made in it
ROOM = {"sqlite": 3 << 30, "postgresql": 8 << 30}  # bytes; a run takes half of it

SHARED = pytest.StashKey[Path]()
SERVER = pytest.StashKey[Server]()
PRIVATE = pytest.StashKey[PrivateServer]()
LEFT_OUT = pytest.StashKey[dict[str, str]]()
IS_LEFT_OUT = pytest.StashKey[bool]()  # what the controller found out about PostgreSQL


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("motlan")
    group.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite")
    group.addoption("--lane", choices=("on", "off"), default="on", help="the express lane")
    group.addoption("--drill", action="store_true", help="the long fault runs, and only those")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = {}
    told = getattr(config, "workerinput", None)
    if told is not None:
        config.stash[SHARED] = Path(told["motlan_shared"])
        config.stash[IS_LEFT_OUT] = told["motlan_is_left_out"]
        return
    is_told = config.option.drill or "TMPDIR" in os.environ
    in_memory = None if is_told else _memory(ROOM[config.option.database])
    shared = Path(tempfile.mkdtemp(prefix="motlan-", dir=in_memory))
    shared.chmod(0o755)  # PostgreSQL runs as another user, in a folder of its own below
    config.stash[SHARED] = shared
    # What tests and their processes make for a while is there too, and goes with it.
    (shared / "tmp").mkdir()
    os.environ["TMPDIR"] = str(shared / "tmp")
    tempfile.tempdir = None


def _memory(room: int) -> str | None:
    """A file system in memory that takes a run and starts programs; null where there is none."""
    try:
        found = os.statvfs(MEMORY)
        (free,) = re.findall(r"MemAvailable: +([0-9]+) kB", Path("/proc/meminfo").read_text())
    except (OSError, ValueError):
        return None
    is_fit = os.access(MEMORY, os.W_OK) and not found.f_flag & os.ST_NOEXEC
    # The file system may be promised more memory than there is.
    has_room = min(found.f_bavail * found.f_frsize, int(free) * 1024) > room
    return MEMORY if is_fit and has_room else None


def pytest_collection_finish() -> None:
    """From now on there is garbage; what was loaded so far stays to the end and is none."""
    gc.freeze()
    gc.set_threshold(20_000)  # at Python's 700 a tenth of the suite is the search for it
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if config.option.collectonly or config.option.database != "postgresql":
        return
    if config.stash.get(IS_LEFT_OUT, False):
        return
    lent = os.environ.get("MOTLAN_TEST_DATABASE_URL")
    try:
        if lent:
            config.stash[SERVER] = Server(lent)
            if not hasattr(config, "workerinput"):
                config.stash[SERVER].create_roles()
        elif config.getoption("dist", "no") == "no" or hasattr(config, "workerinput"):
            config.stash[SERVER] = _start_postgres(config)
        else:
            PrivateServer(config.stash[SHARED])  # whether there is one at all
    except NoPostgresError as missing:
        if hasattr(config, "workerinput"):
            raise
        config.stash[LEFT_OUT]["PostgreSQL"] = str(missing)


def _start_postgres(config: pytest.Config) -> Server:
    """This test process's own server: the sequencer waits for every transaction of a server."""
    folder = config.stash[SHARED] / f"pg-{_process(config)}"
    folder.mkdir(mode=0o755)
    private = PrivateServer(folder, durable=config.option.drill)
    config.stash[PRIVATE] = private
    return private.start()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    node.workerinput["motlan_shared"] = str(node.config.stash[SHARED])
    node.workerinput["motlan_is_left_out"] = "PostgreSQL" in node.config.stash[LEFT_OUT]


def _process(config: pytest.Config) -> str:
    return str(getattr(config, "workerinput", {}).get("workerid", "main"))


def pytest_unconfigure(config: pytest.Config) -> None:
    if PRIVATE in config.stash:
        config.stash[PRIVATE].stop()
    if hasattr(config, "workerinput") or SHARED not in config.stash:
        return
    if SERVER in config.stash and PRIVATE not in config.stash:
        config.stash[SERVER].drop(f"motlan_{config.stash[SHARED].name.replace('-', '_').lower()}")
    shutil.rmtree(config.stash[SHARED], ignore_errors=True)


def chromium() -> str | None:
    """Debian's Chromium, without its windows if it is there; null where there is none."""
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return None


# The sequencer waits for every transaction of the server, so on a server that was lent to us, and
# that all test processes share, these wait for the others.
ALONE = {
    "test_sequencer.py",
    "test_tampering.py",
    "test_named_positions.py",
    "test_crash_points.py",
    "test_closing.py",
    "test_backups.py",
    "test_timeline.py",
    "test_log_commands.py",
    "test_audit_pages.py",
    "test_worker.py",
    "test_doctor.py",
    "test_health.py",
}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if SERVER not in item.config.stash or PRIVATE in item.config.stash:
        return (yield)
    how = fcntl.LOCK_EX if item.path.name in ALONE else fcntl.LOCK_SH
    with (item.config.stash[SHARED] / "one-at-a-time").open("w") as lock:
        fcntl.flock(lock, how)
        return (yield)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What would be left out whole need not be read, unless somebody named it."""
    name = collection_path.name
    is_of_words = config.option.database == "postgresql" and name in OF_WORDS
    return (is_of_words and not any(name in told for told in config.args)) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept, dropped = [], []
    for item in items:
        (kept if _belongs(item, config) else dropped).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept
    # The longest first, so that no test process ends up waiting for the other's.
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)
    for item in items:
        if item.get_closest_marker("browser") and not chromium():
            item.add_marker(pytest.mark.skip(reason="no Chromium on the path"))
        if item.get_closest_marker("openid_client") and programs.lack() is not None:
            item.add_marker(pytest.mark.skip(reason="no openid-client"))
        if item.get_closest_marker("softhsm") and softhsm.lack() is not None:
            item.add_marker(pytest.mark.skip(reason="no SoftHSM"))
        if config.option.database == "postgresql" and SERVER not in config.stash:
            item.add_marker(pytest.mark.skip(reason="no PostgreSQL"))


# Of pages and forms alone: they have one door, so without the lane nothing differs. And of the
# door ahead of a page: without the lane there is none, and its tests ask both ways already.
PAGES = {
    "test_authorize_straight.py",
    "test_attacks_cross_site.py",
    "test_attacks_markup.py",
    "test_every_form.py",
    "test_rfc9700_browser.py",
}


# What these see is said before a database is asked, or by the browser: they run once, on SQLite.
OF_WORDS = {
    "test_asked_bodies.py",
    "test_attacks_cross_site.py",
    "test_attacks_edge.py",
    "test_attacks_input.py",
    "test_attacks_markup.py",
    "test_attacks_outbound.py",
    "test_authlib_client.py",
    "test_bad_files.py",
    "test_counter_help.py",
    "test_doors.py",
    "test_fapi2_message_signing.py",
    "test_fapi2_plan.py",
    "test_fapi2_registration.py",
    "test_forged_assertions.py",
    "test_forged_tokens.py",
    "test_form_post.py",
    "test_get_writes.py",
    "test_going_back_and_pressing_twice.py",
    "test_grant_management_attacks.py",
    "test_jarm.py",
    "test_jwe_hostile.py",
    "test_metadata_caching.py",
    "test_openid_client.py",
    "test_openid_client_certificates.py",
    "test_openid_client_counters.py",
    "test_openid_client_devices.py",
    "test_openid_client_fapi2.py",
    "test_openid_client_messages.py",
    "test_openid_client_registers.py",
    "test_pkcs11.py",
    "test_plan_basic.py",
    "test_plan_logout.py",
    "test_registered_addresses.py",
    "test_rfc8705_attacks.py",
    "test_rfc9101_reference.py",
    "test_rfc9449_attacks.py",
    "test_rfc9700_browser.py",
    "test_rfc9728_resource_metadata.py",
    "test_the_decision_page.py",
    "test_the_readme.py",
    "test_third_party_login.py",
    "test_written.py",
}


def _is_of_words(item: pytest.Item) -> bool:
    """Of every form and command one look at each is enough on the second database."""
    if item.path.name == "test_every_form.py":
        return not item.name.startswith("test_an_honest_form_is_taken")
    if item.path.name == "test_every_command.py":
        return not item.name.startswith("test_no_database")
    # A stranger is refused before anybody is looked up.
    return item.path.name in OF_WORDS or item.name.startswith("test_every_answer_to_a_stranger")


def _belongs(item: pytest.Item, config: pytest.Config) -> bool:
    """Drills run only when asked for; what touches no database runs once, on SQLite."""
    is_drill = item.nodeid.startswith("tests/drills/")
    chosen = config.option.database
    fixtures = getattr(item, "fixturenames", ())
    # The lane is a setting: whoever asks for none says the same without it.
    if config.option.lane == "off" and (item.path.name in PAGES or "settings" not in fixtures):
        return False
    if chosen == "postgresql" and _is_of_words(item):
        return False
    other = "postgresql" if chosen == "sqlite" else "sqlite"
    if is_drill != config.option.drill or item.get_closest_marker(other):
        return False
    return chosen == "sqlite" or "databases" in fixtures


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    left_out = dict(config.stash[LEFT_OUT])
    skipped = terminalreporter.stats.get("skipped", [])
    if not chromium() and any("no Chromium" in str(report.longrepr) for report in skipped):
        left_out["the browser"] = "no Chromium on the path"
    if any("no openid-client" in str(report.longrepr) for report in skipped):
        left_out["openid-client"] = str(programs.lack())
    if any("no SoftHSM" in str(report.longrepr) for report in skipped):
        left_out["PKCS#11"] = str(softhsm.lack())
    for what, why in left_out.items():
        terminalreporter.write_line(f"LEFT OUT: {what}: {why}", red=True, bold=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """CI may not leave out what it was told to bring."""
    config = session.config
    required = os.environ.get("MOTLAN_TEST_REQUIRE", "").split(",")
    lacks_postgresql = "postgresql" in required and "PostgreSQL" in config.stash[LEFT_OUT]
    lacks_client = "openid-client" in required and programs.lack() is not None
    lacks_browser = "browser" in required and chromium() is None
    lacks_token = "softhsm" in required and softhsm.lack() is not None
    if lacks_postgresql or lacks_client or lacks_browser or lacks_token:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases:
    """Makes databases; whatever touches one depends on this fixture."""
    config, worker = request.config, _process(request.config)
    shared, server = config.stash[SHARED], config.stash.get(SERVER, None)
    if PRIVATE in config.stash:  # a template of its own, too
        shared = shared / f"of-{worker}"
        shared.mkdir(exist_ok=True)
    return Databases(config.option.database, shared, server, worker)


@pytest.fixture(scope="session")
def database(databases: Databases) -> Database:
    """This process's database, migrated. Tests never clean up: each brings its own people."""
    return databases.copy()


@pytest.fixture
def fresh_database(databases: Databases) -> Callable[[], Database]:
    """Another migrated database, for a test that must not share."""
    return databases.copy


@pytest.fixture(scope="session")
def settings(
    database: Database,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Settings:
    """The settings of this process's app: loopback issuer, demo allowed, cheap Argon2."""
    home = tmp_path_factory.mktemp("home")
    databases.copy_secrets(home / "secrets")
    is_lane_on = request.config.option.lane == "on"
    return settings_module.read(
        {
            "MOTLAN_HOME": str(home),
            "MOTLAN_DEMO": "1",
            "MOTLAN_ARGON2": "t=1,m=64,p=1",
            "MOTLAN_PROCESSES": "1",
            "MOTLAN_OUTBOUND_ALLOW": "127.0.0.1,localhost",
            "MOTLAN_EXPRESS_LANE": "1" if is_lane_on else "0",
        }
        | database.environment
    )


class Browser(FlaskClient):
    """Asks under the issuer's own address, as everybody outside does."""

    def open(self, *args, **kwargs):
        if args and isinstance(args[0], str):
            kwargs.setdefault("base_url", settings_module.current().issuer)
        from tests import leaks  # noqa: PLC0415 - a plugin, rewritten when pytest imports it

        answer = super().open(*args, **kwargs)
        leaks.examine(answer, kwargs.get("data"))
        return answer


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Flask]:
    """Both halves joined, on this process's database. One for all tests of the process."""
    import consent  # noqa: PLC0415 - tests of the foundation run without it
    from identity import create_app  # noqa: PLC0415 - the same

    made = create_app(settings, joins=[consent])
    made.test_client_class = Browser
    yield made
    open_database.close()


@pytest.fixture
def another_app(app: Flask, settings: Settings) -> Iterator[Callable[[Settings], Flask]]:
    """Makes an app with other settings; afterwards the process has its own one again."""

    def make(chosen: Settings) -> Flask:
        made = create_app(chosen, joins=[consent])
        made.test_client_class = Browser
        return made

    yield make
    del app
    create_app(settings, joins=[consent])


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody's browser or machine, without cookies yet."""
    return app.test_client()
