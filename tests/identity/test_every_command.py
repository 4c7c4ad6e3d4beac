"""Every command: what an operator gets wrong ends in one clear line, and nothing is half done."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from identity import commands, database, postgresql, sealing
from identity import settings as settings_module
from identity.columns import Base
from identity.settings import Settings
from tests.exchange import publish_catalogues
from tests.people import a_line

pytestmark = pytest.mark.slow

# How each of our commands is typed; a file stands for FILE, a folder for FOLDER, and
# nothing yet for NEW.
TYPED = {
    ("secrets", "init"): [],
    ("keys", "list"): [],
    ("keys", "rotate"): ["--early"],
    ("keys", "remove"): ["no-such-key"],
    ("serve",): [],
    ("worker",): [],
    ("doctor",): [],
    ("demo",): [],
    ("services", "import"): ["FILE"],
    ("services", "token"): ["--organisation", "H01.NOBODY"],
    ("services", "tokens"): [],
    ("services", "end"): ["nobody"],
    ("services", "end-token"): ["00000000-0000-7000-8000-000000000000"],
    ("citizens", "import"): ["FILE"],
    ("citizens", "letters"): ["NEW"],
    ("registers", "import"): ["tax", "FILE"],
    ("procedures", "import"): ["FILE"],
    ("attributes", "import"): ["FILE"],
    ("places", "import"): ["FOLDER"],
    ("staff", "add"): ["--role", "operator", "--unit", "Phòng máy", "Nguyễn Văn An"],
    ("staff", "list"): [],
    ("staff", "leave"): ["an.van"],
    ("staff", "reset"): ["an.van"],
    ("staff", "unit"): ["an.van", "Phòng máy"],
    ("staff", "role"): ["an.van", "operator"],
    ("staff", "number"): ["an.van"],
    ("log", "verify"): [],
    ("log", "checkpoint"): [],
    ("log", "mend"): [],
    ("log", "export"): ["FOLDER"],
    ("log", "close"): ["--reason", "lost"],
    ("backup",): ["FOLDER"],
    ("restore",): ["FOLDER"],
}
# A good beginning and a row that is none: the line, the field or column, and never the value.
BROKEN = {
    ("citizens", "import"): ('{"national_id": "SECRET"}\n', ["line 1", "national_id"]),
    ("registers", "import"): ('\n{"national_id": "SECRET"}\n', ["line 2"]),
    ("services", "import"): ('{"client_name": 7, "SECRET": 1}', ["service 1", "client_name"]),
    ("procedures", "import"): ('code,"name\nSECRET', ["line 1", "CSV"]),
    ("attributes", "import"): ("name,SECRET\na,b\n", ["line 1", "column"]),
}
WITHOUT_SECRETS = {("keys", "list"), ("keys", "rotate"), ("services", "import")}
# What looks at no database before it refuses, or says of each part that it is ill.
NEEDS_NO_DATABASE = {
    *[("secrets", "init"), ("keys", "list"), ("serve",), ("doctor",), ("worker",)],
    ("log", "mend"),  # it asks for a head first
    ("restore",),  # it reads the backup first
}
LOST = "sqlite:////nowhere/at/all/motlan.db"

Command = Callable[..., Result]
by_command = pytest.mark.parametrize("words", TYPED, ids=" ".join)


@pytest.fixture(scope="module")
def command(app: Flask) -> Command:
    """Types one command of ours, as `flask --app wsgi` takes it."""
    with app.app_context():
        publish_catalogues()
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=[str(word) for word in words])


@pytest.fixture
def chosen(settings: Settings) -> Iterator[Callable[..., Settings]]:
    """Other settings for the commands of one test."""

    def choose(**told: object) -> Settings:
        changed = replace(settings, **told)
        settings_module.install(changed)
        sealing.forget()
        return changed

    yield choose
    settings_module.install(settings)
    sealing.forget()


def typed(words: tuple[str, ...], file: Path) -> list[str]:
    places = {"FILE": str(file), "FOLDER": str(file), "NEW": str(file.with_name("new.csv"))}
    return [*words, *(places.get(word, word) for word in TYPED[words])]


def leaves(group: click.Group, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command, by the words that lead to it."""
    for name, found in group.commands.items():
        if isinstance(found, click.Group):
            yield from leaves(found, *above, name)
        else:
            yield (*above, name), found


def rows() -> dict[str, int]:
    """How many rows each table has."""
    return {
        name: database.rows(select(func.count()).select_from(table))[0][0]
        for name, table in Base.metadata.tables.items()
    }


def is_one_line(result: Result, *, status: int = 1) -> bool:
    """It says no by its status and in one line on standard error; it was no accident."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    assert result.exit_code == status, result.output
    assert "Traceback" not in result.output
    told = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(told) == 1, result.output
    # Beside it only how to type the command, and for a file its faults line by line.
    beside = ("Error: ", "Usage: ", "Try ", "line ", "service ")
    assert all(line.startswith(beside) for line in result.stderr.splitlines() if line.strip())
    return True


def test_every_command_stands_in_the_table(app):
    """Whoever adds a command says here how it is typed."""
    ours = {words for words, _ in leaves(app.cli) if words[0] != "db"}

    assert ours == set(TYPED)


@by_command
def test_a_command_tells_how_it_is_typed(command, words):
    told = command(*words, "--help")

    assert told.exit_code == 0
    assert told.output.startswith("Usage: ")
    assert len(told.output.splitlines()) > 3


@by_command
class TestAttacker:
    def test_an_option_that_it_does_not_have(self, command, words, tmp_path):
        assert is_one_line(command(*typed(words, tmp_path), "--no-such-option"), status=2)

    def test_a_word_too_many(self, command, words, tmp_path):
        file = tmp_path / "file"
        file.touch()

        assert is_one_line(command(*typed(words, file), "one", "more"), status=2)

    def test_a_word_too_few(self, command, words):
        if TYPED[words][-1:] != ["FILE"] or words[0] in {"procedures", "attributes"}:
            return  # it takes none, or without one the file that comes with the software
        before = rows()

        assert is_one_line(command(*words), status=2)
        assert rows() == before

    def test_a_file_that_is_not_there_or_no_file(self, command, words, tmp_path):
        if "FILE" not in TYPED[words]:
            return
        before = rows()

        assert is_one_line(command(*typed(words, tmp_path / "nothing")), status=2)
        assert is_one_line(command(*typed(words, tmp_path)), status=2)
        assert rows() == before

    def test_a_file_that_cannot_be_read(self, command, words):
        """Whoever runs the tests may be allowed everything, but nobody reads that one."""
        if "FILE" not in TYPED[words]:
            return
        before = rows()

        told = command(*typed(words, Path("/proc/self/mem")))

        assert is_one_line(told)
        assert os.strerror(errno.EIO) in told.stderr
        assert rows() == before

    def test_a_broken_row_is_named_by_its_place(self, command, words, tmp_path):
        """Never by its value, which may be somebody's."""
        if words not in BROKEN:
            return
        text, places = BROKEN[words]
        (tmp_path / "file").write_text(text)
        before = rows()

        told = command(*typed(words, tmp_path / "file"))

        assert told.exit_code == 1
        assert [place for place in places if place not in told.stderr] == []
        assert "national_id: SECRET" not in told.output
        assert '"SECRET"' not in told.output
        assert rows() == before

    def test_no_secrets(self, command, words, chosen, tmp_path):
        if words not in WITHOUT_SECRETS:
            return
        chosen(secrets=tmp_path / "nowhere")
        file = tmp_path / "file"
        shutil.copy("examples/demo/services.json", file)
        before = rows()

        assert is_one_line(command(*typed(words, file)))
        assert rows() == before

    def test_secrets_that_others_may_read(self, command, words, chosen, settings, tmp_path):
        if words not in WITHOUT_SECRETS:
            return
        shutil.copytree(settings.secrets, tmp_path / "secrets")
        for path in [*(tmp_path / "secrets").rglob("*"), tmp_path / "secrets"]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        chosen(secrets=tmp_path / "secrets")
        file = tmp_path / "file"
        shutil.copy("examples/demo/services.json", file)
        before = rows()

        told = command(*typed(words, file))

        assert is_one_line(told)
        assert "must be 07" in told.stderr or "must be 06" in told.stderr
        assert rows() == before


def test_a_good_line_before_a_bad_one_is_kept_and_the_bad_one_told(command, tmp_path):
    """Contract, "Commands": a bad line is reported, the good ones are kept."""
    good = str(a_line()).replace("'", '"').replace("None", "null")
    (tmp_path / "file").write_text(f'{good}\n{{"national_id": 7}}\n')
    before = rows()

    told = command("citizens", "import", tmp_path / "file")

    assert (told.exit_code, told.stderr) == (1, "line 2: national_id: must be a text\n")
    assert rows()["citizen"] == before["citizen"] + 1


@pytest.fixture
def without_database(another_app, settings, databases, tmp_path, monkeypatch):
    """Makes an app whose database is not there, and one whose database has no table."""
    shutil.copytree(settings.secrets, tmp_path / "secrets")
    empty = databases.empty()
    lost = "postgresql://app@127.0.0.1:1/none" if settings.is_postgresql else LOST
    places = {"MOTLAN_DATABASE_URL": (lost, lost), "db upgrade": (empty.url, empty.owner_url)}
    monkeypatch.setattr(postgresql, "PATIENCE", 1)  # seconds

    def make(advice: str) -> Flask:
        url, owner_url = places[advice]
        told = {"database_url": url, "database_owner_url": owner_url}
        return another_app(replace(settings, secrets=tmp_path / "secrets", **told))

    yield make
    sealing.forget()


@pytest.mark.parametrize("advice", ["MOTLAN_DATABASE_URL", "db upgrade"])
@by_command
def test_no_database(without_database, words, advice, tmp_path, settings):
    """Not there, or there without a table: what to do about it, and nothing is half done."""
    # PostgreSQL may be starting, so each command waits for it; one shows how that ends.
    is_waited_for = settings.is_postgresql and advice != "db upgrade"
    if words in NEEDS_NO_DATABASE or (is_waited_for and words != ("citizens", "import")):
        return
    file = _acceptable(words, tmp_path)
    before = _contents(tmp_path)

    told = without_database(advice).test_cli_runner().invoke(args=typed(words, file))

    assert is_one_line(told)
    assert advice in told.stderr
    assert _contents(tmp_path) == before


def _contents(folder: Path) -> dict[Path, bytes]:
    """Every file below, the keys among them."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in found if path.name != "lock"}


def _acceptable(words: tuple[str, ...], folder: Path) -> Path:
    """What the command would take."""
    if words[0] in {"log", "backup", "restore"}:
        return folder / "out"
    if words[0] == "places":
        return Path("consent/places/data")
    file = folder / "file"
    good = str(a_line()).replace("'", '"').replace("None", "null")
    texts = {"citizens": good, "services": Path("examples/demo/services.json").read_text()}
    if words[0] in {"procedures", "attributes"}:
        shutil.copy(f"consent/{words[0]}/catalogue.csv", file)
    else:
        file.write_text(texts.get(words[0], "{}"))
    return file


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "a file could not be used: No space"),
        (OSError(errno.EACCES, "Permission denied", "/x"), "/x: Permission denied"),
        (TimeoutError(), "a file could not be used: TimeoutError"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_what_is_known_of_it(error, told):
    """A write to a full disk fails without a name, and nobody is told `None`."""
    with pytest.raises(click.ClickException) as refusal, commands.told_in_one_line():
        raise error

    assert refusal.value.message.startswith(told)


@pytest.mark.usefixtures("app")
def test_what_nobody_could_mend_stays_an_accident():
    """One line would hide a mistake of ours."""
    with pytest.raises(ZeroDivisionError), commands.told_in_one_line():
        _ = 1 / 0
