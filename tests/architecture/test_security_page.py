"""docs/security.md: every test it names exists, and every case of the list has its line."""

import re
from pathlib import Path

from tests.databases import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
TESTS = ROOT / "tests"
CASES = 68


def _tests() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))


def test_every_test_it_names_exists():
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    written = set(re.findall(r"def (test_\w+)\(", _tests()))

    assert named
    assert not named - written


def test_every_file_it_names_exists():
    named = set(re.findall(r"`([a-z]+/test_\w+\.py)`", PAGE))

    assert named
    assert not [name for name in named if not Path(TESTS, name).exists()]


def test_every_case_has_its_line():
    cells = re.findall(r"^\| ([0-9, ]+) ", PAGE, flags=re.MULTILINE)
    told = {int(number) for cell in cells for number in cell.split(",") if number.strip()}

    assert told == set(range(1, CASES + 1))
