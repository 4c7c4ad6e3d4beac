"""One migrated template for the whole run; each test process works on its own copy of it."""

import fcntl
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.postgres import APP, OWNER, Server

ROOT = Path(__file__).resolve().parent.parent
_numbers = count(1)
# Two commands in one process: loading the house takes longer than they do.
BEGIN = """
from wsgi import cli
for words in ("db", "upgrade"), ("secrets", "init"):
    cli(words, prog_name="motlan", standalone_mode=False)
"""


@dataclass(frozen=True)
class Database:
    """Where a database is, for the app and for its owner."""

    url: str
    owner_url: str

    @property
    def environment(self) -> dict[str, str]:
        """The settings that lead to it."""
        if self.url == self.owner_url:
            return {"MOTLAN_DATABASE_URL": self.url}
        return {"MOTLAN_DATABASE_URL": self.url, "MOTLAN_DATABASE_OWNER_URL": self.owner_url}


@dataclass(frozen=True)
class Databases:
    """Makes databases of one kind; the template is migrated by whoever needs it first."""

    kind: str
    shared: Path  # the run's folder, one for all test processes
    server: Server | None  # null on SQLite
    worker: str

    def copy(self) -> Database:
        """A migrated database of this process's own."""
        self._migrate_template()
        name = self._fresh_name()
        if self.server is not None:
            self.server.create(name, self._name("template"))
            return self._at(name)
        template = sqlite3.connect(self._file(self._name("template")))
        made = sqlite3.connect(self._file(name))
        with closing(template), closing(made):
            template.backup(made)
        return self._at(name)

    def empty(self) -> Database:
        """A database without a single table."""
        name = self._fresh_name()
        if self.server is not None:
            self.server.create(name)
        return self._at(name)

    def copy_secrets(self, folder: Path) -> None:
        """A folder of secrets like the one that `secrets init` makes; the suite shares its keys."""
        self._migrate_template()
        shutil.copytree(self.shared / "template-secrets", folder)

    def run(self, *command: str, database: Database, **environ: str) -> None:
        """Do one command of ours in a process of its own, on that database."""
        self._python("-m", "flask", "--app", "wsgi", *command, database=database, **environ)

    def _python(self, *told: str, database: Database, **environ: str) -> None:
        done = subprocess.run(
            [sys.executable, *told],
            cwd=ROOT,
            env=self.environment(database) | environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(told)} failed:\n{done.stdout}{done.stderr}")

    def environment(self, database: Database) -> dict[str, str]:
        """What a process needs to know that works on that database."""
        return {
            "PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "MOTLAN_HOME": str(self.shared / "home"),
            "MOTLAN_ARGON2": "t=1,m=64,p=1",
        } | database.environment

    def _migrate_template(self) -> None:
        with self._alone():
            done = self.shared / "template-is-ready"
            if done.exists():
                return
            name = self._name("template")
            if self.server is not None:
                self.server.create(name)
            secrets = {"MOTLAN_SECRETS": str(self.shared / "template-secrets")}
            self._python("-c", BEGIN, database=self._at(name), **secrets)
            done.touch()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.shared / "template-lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _at(self, name: str) -> Database:
        if self.server is not None:
            return Database(self.server.url(APP, name), self.server.url(OWNER, name))
        url = f"sqlite:///{self._file(name)}"
        return Database(url, url)

    def _file(self, name: str) -> Path:
        return self.shared / f"{name}.db"

    def _fresh_name(self) -> str:
        return self._name(f"{self.worker}_{next(_numbers)}")

    def _name(self, what: str) -> str:
        # The run's own prefix: a server that was lent to us may hold databases of other runs.
        return f"motlan_{self.shared.name.replace('-', '_').lower()}_{what}"
