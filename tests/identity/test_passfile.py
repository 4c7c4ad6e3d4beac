"""Database passwords move from the environment into files that only their reader may open."""

import pytest

from identity.passfile import move_passwords

APP = "postgresql://app:p%3Aw@db:5433/motlan"
OWNER = "postgresql://owner@/motlan?host=/run/pg&password=o%5Cw&sslmode=require"


@pytest.fixture
def environ(tmp_path):
    former = tmp_path / "former"
    former.write_text("db:5433:motlan:other:x\n*:*:*:owner:from-file\n")
    return {
        "PATH": "/bin",
        "PGPASSWORD": "everybody",
        "PGPASSFILE": str(former),
        "MOTLAN_DATABASE_URL": APP,
        "MOTLAN_DATABASE_OWNER_URL": OWNER,
    }


def test_a_web_process_gets_no_line_of_the_owner(environ, tmp_path):
    """Design §9: only the owner destroys keys."""
    cleaned = move_passwords(environ, tmp_path / "run", with_owner=False)

    file = tmp_path / "run" / "passfile-app"
    assert cleaned["PGPASSFILE"] == str(file)
    assert (
        file.read_text()
        == r"""*:*:*:app:p\:w
*:*:*:*:everybody
db:5433:motlan:other:x
"""
    )


def test_the_worker_gets_both_in_libpqs_order(environ, tmp_path):
    cleaned = move_passwords(environ, tmp_path / "run", with_owner=True)

    file = tmp_path / "run" / "passfile-owner"
    assert cleaned["PGPASSFILE"] == str(file)
    assert (
        file.read_text()
        == r"""*:*:*:app:p\:w
*:*:*:owner:o\\w
*:*:*:*:everybody
db:5433:motlan:other:x
*:*:*:owner:from-file
"""
    )


def test_a_password_keeps_its_bytes_whatever_the_locale_says(environ, tmp_path):
    """What is written for libpq is UTF-8, and what stood in a file before goes on as it was."""
    line = b"db:5433:motlan:app:caf\xe9 \x0c m\xe1\xba\xadt"
    (tmp_path / "former").write_bytes(line + b"\n")
    environ["MOTLAN_DATABASE_URL"] = "postgresql://app:m%E1%BA%ADt@db/motlan"

    move_passwords(environ, tmp_path / "run", with_owner=False)

    written = (tmp_path / "run" / "passfile-app").read_bytes().split(b"\n")
    assert written[0] == b"*:*:*:app:m\xe1\xba\xadt"
    assert line in written


@pytest.mark.parametrize("with_owner", [True, False])
def test_no_password_is_left_in_the_environment(environ, tmp_path, with_owner):
    cleaned = move_passwords(environ, tmp_path / "run", with_owner=with_owner)

    assert cleaned["MOTLAN_DATABASE_URL"] == "postgresql://app@db:5433/motlan"
    assert cleaned["MOTLAN_DATABASE_OWNER_URL"] == (
        "postgresql://owner@/motlan?host=%2Frun%2Fpg&sslmode=require"
    )
    assert "PGPASSWORD" not in cleaned
    assert cleaned["PATH"] == "/bin"


def test_nobody_else_may_open_the_file(environ, tmp_path):
    """What libpq demands too; an older, looser file is not written into."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    (folder / "passfile-app").touch(mode=0o644)

    move_passwords(environ, folder, with_owner=False)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "passfile-app").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in folder.iterdir()] == ["passfile-app"]


def test_one_role_for_both_keeps_its_own_line(tmp_path):
    """On a loopback issuer the app may be its own owner."""
    (tmp_path / ".pgpass").write_text("*:*:*:app:mine\n")

    move_passwords(
        {"HOME": str(tmp_path), "MOTLAN_DATABASE_URL": "postgresql://app@db/motlan"},
        tmp_path / "run",
        with_owner=False,
    )

    assert (tmp_path / "run" / "passfile-app").read_text() == "*:*:*:app:mine\n"


def test_on_sqlite_there_is_nothing_to_move(tmp_path):
    environ = {"MOTLAN_DATABASE_URL": "sqlite:////srv/motlan.db", "PGPASSWORD": "of-another"}

    assert move_passwords(environ, tmp_path / "run", with_owner=False) == environ
    assert not (tmp_path / "run").exists()
