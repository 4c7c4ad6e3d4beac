"""What an operator types: one line where something can be mended, never a traceback."""

import os
import shutil
from dataclasses import replace

import pytest
import time_machine

from identity import clock, commands, trail
from identity import settings as settings_module
from identity.signing import key_files, key_list
from identity.signing import keys as signing_keys


@pytest.fixture
def installation(app, settings, tmp_path):
    """Secrets of its own, so that a rotation touches nobody else's."""
    # A copy: entries written meanwhile stay readable under the suite's own ring.
    shutil.copytree(settings.secrets, tmp_path / "secrets")
    settings_module.install(replace(settings, secrets=tmp_path / "secrets"))
    commands.make_secrets()
    yield app.test_cli_runner()
    settings_module.install(settings)


def states(runner):
    """What `keys list` says of each key."""
    lines = runner.invoke(args=["keys", "list"]).output.splitlines()
    return sorted(tuple(line.split()[:2]) for line in lines)


def test_the_first_command_makes_a_home_that_nobody_else_may_enter(app, settings, tmp_path):
    """Whatever the umask says: who could write there could put another database in its place."""
    home = tmp_path / "new" / "home"
    settings_module.install(replace(settings, home=home, secrets=home / "secrets"))
    before = os.umask(0)
    try:
        told = app.test_cli_runner().invoke(args=["secrets", "init"])
    finally:
        os.umask(before)
        settings_module.install(settings)

    assert told.exit_code == 0
    assert (home.stat().st_mode & 0o777, (home / "secrets").stat().st_mode & 0o777) == (0o700,) * 2


def test_a_fresh_installation_has_a_key_that_signs_and_one_that_waits(installation):
    algorithms = ("ES256", "EdDSA", "PS256", "RS256")
    assert states(installation) == [
        (state, alg) for state in ("current", "next") for alg in algorithms
    ]


def test_a_key_signs_only_after_everybody_could_fetch_it(installation):
    """Publish, wait one cache time, then sign."""
    # The keys that the suite shares are as old as its run; these are new.
    installation.invoke(args=["keys", "rotate", "--early"])
    early = installation.invoke(args=["keys", "rotate"])
    with time_machine.travel(clock.now() + key_files.JWKS_CACHE + key_files.NOTICED_WITHIN):
        done = installation.invoke(args=["keys", "rotate"])

    assert early.exit_code == 1
    assert early.output.startswith("Error: ")
    assert done.output.count("now signing with") == 4


def test_a_stolen_key_is_replaced_at_once(installation):
    before = {key.kid for key in signing_keys_listed() if key.state is key_list.State.CURRENT}

    installation.invoke(args=["keys", "rotate", "--early"])

    now = {key.kid for key in signing_keys_listed() if key.state is key_list.State.CURRENT}
    assert before.isdisjoint(now)


def test_a_stolen_key_is_taken_out_and_the_log_says_so(installation, monkeypatch):
    """`keys remove`: its tokens are believed no more, and the next key signs."""
    stolen = next(k for k in signing_keys_listed() if k.state is key_list.State.CURRENT)

    written, record = [], trail.record

    def spy(name, *who, **told):
        written.append(name)
        return record(name, *who, **told)

    monkeypatch.setattr(trail, "record", spy)

    done = installation.invoke(args=["keys", "remove", stolen.kid])
    again = installation.invoke(args=["keys", "remove", stolen.kid])

    assert (done.exit_code, written) == (0, ["key:removed", "key:rotated"])
    assert f"{stolen.alg}: {stolen.kid} is believed no more" in done.output
    assert f"{stolen.alg}: now signing with " in done.output
    assert (again.exit_code, again.output.startswith("Error: there is no key ")) == (1, True)
    assert stolen.kid not in {key.kid for key in signing_keys_listed()}


@pytest.mark.parametrize("kid", ["-q7", "--q7", "-_"])
def test_a_key_s_name_may_begin_with_a_dash(installation, kid):
    """One thumbprint of 64 does (RFC 7638), and who takes a key out is in a hurry."""
    done = installation.invoke(args=["keys", "remove", kid])

    assert (done.exit_code, done.output.startswith("Error: there is no key ")) == (1, True)


def signing_keys_listed():
    return key_list.listed(settings_module.current().secrets / signing_keys.FOLDER)


def test_what_can_be_mended_is_told_in_one_line(app, settings, tmp_path):
    """Through the group that `motlan` is."""
    settings_module.install(replace(settings, secrets=tmp_path / "nowhere"))
    try:
        group = commands.Motlan(add_default_commands=False, create_app=lambda: app)
        told = app.test_cli_runner().invoke(group, ["keys", "list"])
    finally:
        settings_module.install(settings)

    assert told.exit_code == 1
    assert told.output.startswith("Error: ")
    assert "Traceback" not in told.output
