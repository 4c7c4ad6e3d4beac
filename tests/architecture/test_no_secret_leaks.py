"""Design §2.8: the suite watches every log line, address and error body; here is the proof."""

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask, redirect, request

from tests import leaks
from tests.databases import ROOT
from tests.people import ONE_TIME_CODE, PASSWORD, a_line

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJwYWlyd2lzZSJ9.c2lnbmF0dXJl"
LEAKS = [
    "097188004217",
    f"number {a_line()['national_id']}.",
    PASSWORD,
    ONE_TIME_CODE,
    "thuyen-giay-qua-song-41",
    "418827",
    "Nguyễn Thị Lan",
    TOKEN,
    "q3Wd0eF7aXz9LkJhGfDsApOiUyTrEwQ1mNbVcXz4567",
]
HARMLESS = [
    "01a2016bcd8677739f55fc87f90a5f07",
    "01a2016b-cd86-7773-9f55-097188004217",
    "2026-11-22T04:02:08.574204Z",
    "0971880042170000",
    "the parameters cannot be read",
    "postgresql://127.0.0.1:55432/motlan",
]


@pytest.mark.parametrize("secret", LEAKS)
def test_a_log_line_that_tells_one_is_noticed(secret):
    line = f'{{"note": "for {secret}", "event": "refused", "level": "info"}}'

    assert leaks.in_log(f"something else\n{line}\n")


@pytest.mark.parametrize("text", HARMLESS)
def test_an_id_or_a_time_is_no_secret(text):
    line = f'{{"note": "{text}", "event": "refused", "timestamp": "{text}"}}'

    assert not leaks.in_log(line)
    assert not leaks.kinds(text)


def test_what_was_found_is_not_repeated():
    (told,) = leaks.in_log(f'{{"note": "{LEAKS[0]}", "event": "refused"}}')

    assert LEAKS[0] not in told


@pytest.mark.parametrize("secret", LEAKS[:-1])
def test_an_error_body_that_tells_one_is_noticed(secret):
    with pytest.raises(AssertionError, match="in an error body") as told:
        leaks.examine(_answers(f"no such thing: {secret}", 400))

    assert secret not in str(told.value)


def test_an_error_that_repeats_what_was_sent_is_noticed():
    with pytest.raises(AssertionError, match="refresh_token in an error body"):
        leaks.examine(_answers("unknown: opaque-1", 400), {"refresh_token": "opaque-1"})


def test_an_address_that_tells_one_is_noticed():
    with pytest.raises(AssertionError, match="in Location"):
        leaks.examine(_answers("/audit?number=097188004217", 303))


def test_an_honest_answer_is_left_alone():
    leaks.examine(_answers(f"your own page: {LEAKS[0]}", 200))
    leaks.examine(_answers("the code is not valid", 400), {"code": "opaque-1"})


@pytest.mark.slow
def test_the_very_test_whose_log_tells_one_fails(tmp_path: Path):
    """The plugin at work: one test logs to standard error, one lets a server write a file."""
    (tmp_path / "test_two.py").write_text(
        "import sys\n"
        'LINE = \'{"note": "097188004217", "event": "refused"}\'\n'
        "def test_says(): print(LINE, file=sys.stderr)\n"
        "def test_writes(tmp_path): (tmp_path / 'serve.log').write_text(LINE)\n"
        "def test_is_silent(): pass\n"
    )

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n0", "-p", "tests.leaks"),
            *("-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(tmp_path)),
            str(tmp_path / "test_two.py"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "a personal number in 'refused'" in done.stdout, done.stdout + done.stderr
    assert "1 failed, 2 passed, 1 error" in done.stdout, done.stdout


def _answers(text: str, status: int):
    """What a house that says this answers."""
    house = Flask("house")

    def view():
        return redirect(text, status) if status == 303 else (f"{request.method}: {text}", status)

    house.add_url_rule("/", "view", view)
    return house.test_client().get("/")
