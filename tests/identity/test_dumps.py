"""PostgreSQL's programs as `backup` and `restore` run them: what they hear and what they say."""

from dataclasses import replace
from functools import partial

import pytest

from identity.operations import dumps
from identity.operations.dumps import ToolFault

OLD = """pg_dump: error: aborting because of server version mismatch
pg_dump: detail: server version: 17.11 (Debian 17.11-0); pg_dump version: 15.18 (Debian 15.18-0)"""
OLDER = "pg_restore: error: unsupported version (1.16) in file header"


@pytest.fixture
def chosen(settings, tmp_path):
    url = "postgresql://{}:geheim-{}@/motlan?host=/nowhere"
    urls = {"database_url": url.format("app", 1), "database_owner_url": url.format("owner", 2)}
    return replace(settings, home=tmp_path, **urls)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts a program on the path that keeps how it was called, says something, and fails."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def put(name, *, says):
        (folder / "says").write_text(says)
        path = folder / name
        path.write_text(
            f'#!/bin/sh\necho "$@" > {folder}/called\nenv > {folder}/environ\n'
            f"umask > {folder}/umask\ncat {folder}/says >&2\nexit 1\n"
        )
        path.chmod(0o755)
        return folder

    return put


def test_a_program_that_is_missing_is_to_be_installed(chosen, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ToolFault, match="pg_dump is not on the path: install"):
        dumps.dump(chosen, tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "says", "told"),
    [
        ("pg_dump", OLD, "install PostgreSQL's client programs of version 17 or later"),
        ("pg_restore", OLDER, "use the version that made the backup, or a later one"),
        ("pg_dump", "first\nthe last line", "pg_dump failed: the last line$"),
        ("pg_restore", "", "pg_restore failed: it said nothing$"),
    ],
)
def test_what_a_program_says_is_told_with_what_to_do(
    chosen, program, tmp_path, *, name, says, told
):
    program(name, says=says)

    run = dumps.dump if name == "pg_dump" else partial(dumps.load, section="data")
    with pytest.raises(ToolFault, match=told):
        run(chosen, tmp_path / "file")


class TestAttacker:
    """Who may list the processes of the machine."""

    def test_no_password_is_among_the_arguments_or_in_the_environment(
        self, chosen, program, tmp_path
    ):
        folder = program("pg_dump", says="no")

        with pytest.raises(ToolFault):
            dumps.dump(chosen, tmp_path / "file")

        assert "owner" in (folder / "called").read_text()
        assert "geheim" not in (folder / "called").read_text()
        assert "geheim" not in (folder / "environ").read_text()
        assert (folder / "umask").read_text().strip() == "0077"
