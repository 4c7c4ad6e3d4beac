"""`motlan citizens letters`: who gets one, and what the file is."""

import csv
import os
import stat
from datetime import timedelta

import pytest
import time_machine

from identity import clock, sealing
from identity.activation import activate, letters
from identity.authentication.lockout import Visit
from identity.citizens.national_id import NationalId
from identity.database import transaction
from identity.factors import setups
from tests.beginning import a_newcomer
from tests.people import barred, lan, new_number


@pytest.fixture
def command(app):
    """Types the command."""
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=["citizens", "letters", *map(str, words)])


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def somebody():
    """Without a password, and without a letter yet."""
    return lan(national_id=new_number(), password=None, one_time_code=None)


def test_everybody_without_a_password_gets_a_letter_and_nobody_else(command, tmp_path):
    command(tmp_path / "others.csv")  # who waited before has a good letter now
    waiting, _active = somebody(), lan()

    told = command(tmp_path / "out.csv")
    ends = [row["number_ends_with"] for row in rows(tmp_path / "out.csv")]

    assert told.exit_code == 0
    assert ends == [f"…{waiting.national_id[-3:]}"]
    assert "1 letters" in told.output


@pytest.mark.parametrize("status", ["locked", "deceased"])
def test_who_is_barred_gets_no_letter(command, tmp_path, status):
    """Not even who is named: nothing may open the account meanwhile."""
    command(tmp_path / "others.csv")  # who waited before has a good letter now
    gone = somebody()
    barred(gone, status)
    kept = []

    command(tmp_path / "out.csv")
    named = letters.issue(kept.extend, only=[NationalId.strict(gone.national_id)])

    assert (rows(tmp_path / "out.csv"), named, kept) == ([], 0, [])


def test_who_has_a_good_letter_gets_no_second_one_before_it_ends(command, tmp_path):
    somebody()
    command(tmp_path / "first.csv")

    command(tmp_path / "second.csv")
    with time_machine.travel(clock.now() + timedelta(days=32)):
        command(tmp_path / "third.csv")

    assert rows(tmp_path / "second.csv") == []
    assert len(rows(tmp_path / "third.csv")) >= 1


def test_the_file_holds_what_reaches_a_person_and_opens_nothing_alone(command, tmp_path):
    """A name, three digits, the code and its last day: never the number (decision 0022)."""
    command(tmp_path / "others.csv")  # who waited before has a good letter now
    waiting = somebody()
    command(tmp_path / "out.csv")
    text = (tmp_path / "out.csv").read_text(encoding="utf-8-sig")

    assert text.splitlines()[0] == "full_name,number_ends_with,code,valid_until"
    assert waiting.national_id not in text
    (row,) = rows(tmp_path / "out.csv")
    assert row["number_ends_with"] == f"…{waiting.national_id[-3:]}"
    assert row["full_name"] == "Nguyễn Thị Lan"
    last = clock.today() + letters.LIFETIME
    assert row["valid_until"] == f"{last:%d/%m/%Y}"


def test_the_file_is_its_owner_s_alone_whatever_the_umask(command, tmp_path):
    somebody()
    before = os.umask(0)
    try:
        command(tmp_path / "out.csv")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize("name", ["out.csv", "out.csv.partial"])
def test_no_file_is_written_over(command, tmp_path, name):
    waiting = somebody()
    (tmp_path / name).write_text("mine")

    told = command(tmp_path / "out.csv")

    assert told.exit_code == 1
    assert name in told.stderr
    assert (tmp_path / name).read_text() == "mine"
    assert letters.issue(lambda _made: None) >= 1, waiting


def test_a_code_counts_only_once_it_is_on_the_disk(app):  # noqa: ARG001 - the database
    """Otherwise its owner would be kept out for thirty days by a letter that nobody has."""
    somebody()

    def fail(_made):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        letters.issue(fail)

    assert letters.issue(lambda _made: None) >= 1


def test_what_was_issued_before_a_failure_is_kept_beside(command, tmp_path, monkeypatch):
    somebody()

    def fail(*_names):
        raise OSError(17, "File exists")

    monkeypatch.setattr("identity.activation.commands.os.link", fail)
    told = command(tmp_path / "out.csv")

    assert told.exit_code == 1
    assert "out.csv.partial" in told.stderr
    assert len(rows(tmp_path / "out.csv.partial")) >= 1


def test_named_people_get_a_new_letter_and_their_old_one_is_over(command, tmp_path):
    """For who lost it: a file of numbers, so that none stands in a shell's history."""
    one = a_newcomer()
    (tmp_path / "numbers").write_text(f"{one.number[:3]} {one.number[3:]}\n\n{lan().national_id}\n")

    told = command("--only", tmp_path / "numbers", tmp_path / "out.csv")

    assert told.output.strip() == "1 letters"
    (row,) = rows(tmp_path / "out.csv")
    assert row["code"] != one.code


def test_numbers_may_come_as_windows_writes_them(command, tmp_path):
    one = a_newcomer()
    (tmp_path / "numbers").write_bytes(f"\ufeff{one.number}\r\n".encode())

    told = command("--only", tmp_path / "numbers", tmp_path / "out.csv")

    assert told.output.strip() == "1 letters"


def test_numbers_that_are_not_utf_8_are_refused(command, tmp_path):
    (tmp_path / "numbers").write_bytes("097188000001\n".encode("utf-16"))

    told = command("--only", tmp_path / "numbers", tmp_path / "out.csv")

    assert told.exit_code == 1
    assert "not UTF-8" in told.stderr
    assert not (tmp_path / "out.csv").exists()


def test_a_line_that_is_no_number_is_told_by_its_place(command, tmp_path):
    (tmp_path / "numbers").write_text("097188000001\n12345x\n")

    told = command("--only", tmp_path / "numbers", tmp_path / "out.csv")

    assert told.exit_code == 1
    assert "line 2" in told.stderr
    assert "12345x" not in told.output
    assert not (tmp_path / "out.csv").exists()


class TestAttacker:
    VISIT = Visit(sealing.digest("somebody's browser"), "2001:db8:77::1")

    def begun(self, **told):
        person = somebody()
        with transaction():
            text = setups.open_setup(person.citizen_id, self.VISIT.browser_digest, **told)
        return text, setups.setup(text, self.VISIT.browser_digest)

    def finish(self, begun):
        activate.finish(begun, "", visit=self.VISIT, before=None)

    def test_what_began_without_a_letter_is_no_activation(self, app):  # noqa: ARG002 - its database
        """Who is signed in makes another app by the same table."""
        text, begun = self.begun()
        activate.choose_password(begun, "Mưa rơi trên mái tôn")
        activate.choose_factor(begun, setups.Kind.RECOVERY_CODES)

        with pytest.raises(setups.SetupEnded):
            activate.activation(text, self.VISIT)
        with pytest.raises(setups.SetupEnded):
            self.finish(setups.setup(text, self.VISIT.browser_digest))

    def test_no_step_can_be_left_out_at_the_end_either(self, app):  # noqa: ARG002 - as above
        text, begun = self.begun(letter_digest=b"x")
        with pytest.raises(setups.SetupEnded):
            self.finish(begun)
        activate.choose_factor(begun, setups.Kind.RECOVERY_CODES)

        with pytest.raises(setups.SetupEnded):
            self.finish(activate.activation(text, self.VISIT))

    def test_a_factor_left_out_is_missed_too(self, app):  # noqa: ARG002 - as above
        text, begun = self.begun(letter_digest=b"x")
        activate.choose_password(begun, "Mưa rơi trên mái tôn")

        with pytest.raises(setups.SetupEnded):
            self.finish(activate.activation(text, self.VISIT))
